"""The flip task: were the left and right channels swapped? (Supplement, section B; facts of the paper, "Pretext model".)

One decision behind it: in the paired form every window is looked at in all four ways, with the picture as it is and mirrored,
with the channels as they are and swapped. Whether the channels are swapped is then the exclusive-or of the two, and neither
sound nor picture alone says anything about it within a batch. That costs two passes of each sub-network and gives four
examples. A network that sees one way at a time first has to learn that there is nothing to be had from either input alone.
"""

from typing import Literal

import torch
from torch import Tensor

from leftright.audio import PCM_FULL_SCALE, swap_channels
from leftright.data.augmentation import adjust_colour, mirror_frames, where
from leftright.data.windows import Batch
from leftright.models import AudioVisualNetwork

Orientations = Literal["paired", "drawn"]


def unpack(batch: Batch) -> tuple[Tensor, Tensor]:
    """The waveform (batch, 2, samples) with full scale 1, and the frames (batch, time, 3, crop, crop) in 0..1, coloured."""
    waveform = torch.as_tensor(batch.waveform).float() / PCM_FULL_SCALE
    return waveform, adjust_colour(*map(torch.as_tensor, (batch.frames, batch.gain, batch.shift)))


def logits_and_labels(network: AudioVisualNetwork, batch: Batch, orientations: Orientations) -> tuple[Tensor, Tensor]:
    """The network's logits of a batch, and whether the channels had been swapped: (examples,) and (examples,).

    "paired" makes four examples of a window, "drawn" the one that its coins say.
    """
    waveform, frames = unpack(batch)
    if orientations == "paired":
        return _paired(network, waveform, frames)
    is_flipped, is_mirrored = map(torch.as_tensor, (batch.is_flipped, batch.is_mirrored))
    return _drawn(network, waveform, frames, is_flipped, is_mirrored)


def _paired(network: AudioVisualNetwork, waveform: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
    spectrogram = network.spectrogram(waveform)
    audio = network.audio(torch.cat((spectrogram, swap_channels_of(spectrogram))))
    visual = network.visual(torch.cat((frames, mirror_frames(frames))))
    as_heard, swapped = audio.chunk(2)
    as_seen, mirrored = visual.chunk(2)
    logits = network.fusion(
        torch.cat((as_heard, swapped, as_heard, swapped)), torch.cat((as_seen, as_seen, mirrored, mirrored))
    )
    labels = torch.tensor([0.0, 1.0, 1.0, 0.0], device=logits.device).repeat_interleave(len(waveform))
    return logits, labels


def _drawn(
    network: AudioVisualNetwork, waveform: Tensor, frames: Tensor, is_flipped: Tensor, is_mirrored: Tensor
) -> tuple[Tensor, Tensor]:
    # The mirror takes the sound along, so that it changes the channels' order but not the label.
    is_swapped = is_flipped ^ is_mirrored
    waveform = where(is_swapped, swap_channels(waveform), waveform)
    frames = where(is_mirrored, mirror_frames(frames), frames)
    return network(waveform, frames), is_flipped.float()


def swap_channels_of(spectrogram: Tensor) -> Tensor:
    """Exchange left and right of a stacked spectrogram, (batch, 2, bins, frames): that of the swapped waveform."""
    return spectrogram.flip(dims=(1,))


@torch.inference_mode()
def judge(network: AudioVisualNetwork, batch: Batch) -> dict[str, Tensor]:
    """Logits (batch,) of each window as it is ("original"), with swapped channels ("flipped"), and with their mean in both
    channels ("mono"), which no one can orient.
    """
    waveform, frames = unpack(batch)
    visual = network.visual_embedding(frames)
    spectrogram = network.spectrogram(waveform)
    mono = waveform.mean(dim=1, keepdim=True).expand_as(waveform)
    return {
        "original": network.fusion(network.audio(spectrogram), visual),
        "flipped": network.fusion(network.audio(swap_channels_of(spectrogram)), visual),
        "mono": network.fusion(network.audio_embedding(mono), visual),
    }
