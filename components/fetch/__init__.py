"""Fetch one version of the data."""
