"""The stages. One file each: a frozen dataclass `Config` of its parameters, without defaults, and a function `run`.

`run(config, *, <inputs>, out, metrics)` reads the inputs, writes the directory `out` and the metrics file, and returns its
Outcome. The command line is made from that signature; see `leftright.cli`.
"""

STAGES = (
    "simulate",
    "collect",
    "filter",
    "curate",
    "pack",
    "pretrain",
    "localize",
    "finetune",
    "evaluate360",
    "report",
)
"""Every stage, in the order of the chain. The name is also its module, command, params section, DVC stage, folder and run."""
