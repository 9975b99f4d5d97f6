"""Numbers that describe results, each with its definition and source."""
