"""What every training has in its configuration: how weights are found, how pictures vary, and on what it is computed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from leftright.errors import InputError

if TYPE_CHECKING:  # a stage's help must not wait for torch
    from leftright.data.augmentation import AugmentationRange
    from leftright.training.loop import Hardware, Optimisation

# What does not decide the result: a run may be resumed with other values of these.
CIRCUMSTANCES = ("num_workers", "cache_mb", "checkpoint_steps")


@dataclass(frozen=True)
class Recipe:
    """Parameters that the stages which train have in common."""

    seed: int
    """Of the weights, the order of clips, the windows, their variations and what is drawn for the judging."""
    split: Literal["channel", "video", "scene"]
    """Which of the splits decides what is held out."""
    learning_rate: float
    """AdamW's, at its highest."""
    weight_decay: float
    """AdamW's, of convolutions and linear layers; 0 makes it Adam."""
    max_gradient_norm: float
    """Larger gradients are scaled down to this norm; 0 leaves them."""
    average_decay: float
    """Weight of the past in the moving average of the weights, which is what is judged and kept; 0 keeps the weights."""
    contrast: float
    """Contrast varies by up to this share."""
    brightness: float
    """Brightness varies by up to this share of white."""
    colour: float
    """Each of red, green and blue varies by up to this share."""
    checkpoint_steps: int
    """Write a checkpoint every so many steps."""
    accelerator: Literal["auto", "cpu", "gpu"]
    """Where to compute; "auto" takes a GPU where there is one. torchrun decides how many."""
    precision: Literal["float32", "bfloat16"]
    """"bfloat16" computes in mixed precision, for GPUs."""
    memory_format: Literal["contiguous", "channels_last"]
    """"channels_last" is faster on GPUs."""
    num_threads: int
    """Threads of the computation on a CPU; 0 takes as many as there are cores."""
    num_workers: int
    """Processes that read windows beside each computing one; 0 reads in the computing one."""
    cache_mb: int
    """Decoded frames that each reading process keeps, in megabytes."""

    def __post_init__(self) -> None:
        self.check_positive("learning_rate")
        self.check_shares("average_decay")

    def check_positive(self, *names: str) -> None:
        """Raises InputError for a value that is not above 0."""
        for name in names:
            if getattr(self, name) <= 0:
                raise InputError(f"{name} {getattr(self, name)}: must be above 0")

    def check_shares(self, *names: str) -> None:
        """Raises InputError for a value that is not a share of something."""
        for name in names:
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} {getattr(self, name)}: must be at least 0 and below 1")

    def check_choice(self, name: str, known: tuple[str, ...]) -> None:
        """Raises InputError for a list that is empty, names something unknown, or something twice."""
        given = getattr(self, name)
        if not given or set(given) - set(known) or len(set(given)) < len(given):
            raise InputError(f"{name} {list(given)}: name one or several of {', '.join(known)}, each once")

    def optimisation(self, num_steps: int, batch_size: int, warmup_steps: int) -> "Optimisation":
        """How the weights are found in so many steps."""
        from leftright.training.loop import Optimisation

        return Optimisation(
            num_steps=num_steps,
            batch_size=batch_size,
            learning_rate=self.learning_rate,
            warmup_steps=warmup_steps,
            weight_decay=self.weight_decay,
            max_gradient_norm=self.max_gradient_norm,
        )

    def hardware(self) -> "Hardware":
        """Where and how it is computed."""
        from leftright.training.loop import Hardware

        return Hardware(self.accelerator, self.precision, self.memory_format, self.num_workers)

    def ranges(self) -> "AugmentationRange":
        """How far pictures vary."""
        from leftright.data.augmentation import AugmentationRange

        return AugmentationRange(self.contrast, self.brightness, self.colour)

    def use_threads(self) -> None:
        """Let this process compute in as many threads as are asked for."""
        import torch

        if self.num_threads:
            torch.set_num_threads(self.num_threads)
