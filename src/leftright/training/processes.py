"""The processes of one training: one a GPU, started by torchrun, or this one alone.

    torchrun --standalone --nproc-per-node=8 -m leftright pretrain ...

How many there are comes from torchrun; `batch_size` is shared among them, so that their number changes the speed and not what
is trained.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import distributed

Item = TypeVar("Item")


@dataclass(frozen=True)
class Processes:
    """Which process this is. rank : 0 writes the results. count_local : processes on this machine."""

    rank: int
    count: int
    count_local: int

    @property
    def is_first(self) -> bool:
        """Whether this process writes the results."""
        return self.rank == 0

    def from_first(self, item: Item) -> Item:
        """The first process's `item`, in every process."""
        if self.count == 1:
            return item
        shared = [item]
        distributed.broadcast_object_list(shared, src=0)
        return shared[0]


@contextmanager
def joined(accelerator: str) -> Iterator[Processes]:
    """Meet the other processes that torchrun started, if it did, and part from them at the end.

    accelerator : "cpu" talks through gloo whatever else there is; "auto" and "gpu" through NCCL where there is a GPU.
    """
    count = int(os.environ.get("WORLD_SIZE", 1))
    if count == 1:
        yield Processes(0, 1, 1)
        return
    on_gpu = accelerator != "cpu" and torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield Processes(distributed.get_rank(), count, int(os.environ["LOCAL_WORLD_SIZE"]))
    finally:
        distributed.destroy_process_group()
