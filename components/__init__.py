"""Every stage as a task of Kubeflow Pipelines: a typed signature and a command line, in a folder of the stage's name.

A component knows its stage by the command line alone: it imports nothing of `leftright`, and its image holds no kfp.
"""
