"""The pipelines: one file a pipeline, and the commands that send them to a cluster."""
