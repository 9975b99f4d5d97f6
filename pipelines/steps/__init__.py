"""What a pipeline does beside its stages: fetch and publish versions of the data, decide on a retrained model.

A step is a module with a function `run`, whose keyword arguments are its flags: `python -m pipelines.steps STEP --help`. It
runs in an image of its own, `leftright-steps`, which has git and DVC and knows no kfp.
"""

STEPS = ("resolve", "fetch", "publish", "champion", "gate", "promote", "outcome", "trainjob")
