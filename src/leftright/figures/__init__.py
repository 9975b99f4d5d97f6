"""Drawings of results: one module a stage, and the style that they share."""
