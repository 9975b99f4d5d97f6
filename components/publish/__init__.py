"""Publish results as a version of a data repository."""
