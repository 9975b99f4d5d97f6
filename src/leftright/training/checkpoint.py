"""Checkpoints: a run that is killed goes on at the last one, a run that is asked to stop writes one first."""

import contextlib
import logging
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from leftright.files import replace_file

CHECKPOINT = "resume.ckpt"
STOPPED = 128 + signal.SIGTERM
"""The exit status of a process that stopped on SIGTERM, as a shell reports it: 143."""

_log = logging.getLogger(__name__)


class Checkpoints(Callback):
    """Replaces one file, every `every_steps` steps, at the end, and on SIGTERM, after which the process exits with 143."""

    def __init__(self, path: Path, *, name: str, every_steps: int, num_steps: int) -> None:
        """Name : what is trained, as the log calls it."""
        self._path, self._name, self._every_steps, self._num_steps = path, name, every_steps, num_steps
        self._stop_requested = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Listen for SIGTERM in Lightning's place, whose handler talks to other processes in the midst of a step."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._request_stop)

    def _request_stop(self, number: int, frame: FrameType | None) -> None:
        self._stop_requested = True

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Write where it is due; raises SystemExit where the process was asked to stop."""
        step = trainer.global_step
        must_stop = trainer.strategy.reduce_boolean_decision(self._stop_requested, all=False)
        if must_stop or step % self._every_steps == 0 or step == self._num_steps:
            self._save(trainer)
        if must_stop:
            if trainer.is_global_zero:
                _log.warning("%s: stopped at step %d of %d; run it again to go on", self._name, step, self._num_steps)
            raise SystemExit(STOPPED)

    def _save(self, trainer: Trainer) -> None:
        # Every process takes part in saving; one writes.
        with replace_file(self._path) if trainer.is_global_zero else contextlib.nullcontext(self._path) as temporary:
            trainer.save_checkpoint(temporary)
