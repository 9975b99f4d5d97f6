"""The tasks `mismatch` and `shift`: is this the sound of the picture? (Supplement, section C, "Baselines".)

They stand beside the flip task as other ways to learn from video, with the same network and the same number of windows. Each
window is seen with its own sound and with a wrong one (`leftright.data.contrast`), as many right as wrong.
"""

import torch
from torch import Tensor

from leftright.audio import PCM_FULL_SCALE
from leftright.data.augmentation import adjust_colour, mirror_where
from leftright.data.contrast import Contrast
from leftright.models import AudioVisualNetwork


def logits_and_labels(network: AudioVisualNetwork, batch: Contrast) -> tuple[Tensor, Tensor]:
    """The logits of every window with its own sound, then with the wrong one, and whether it is wrong: (2 batch,) each."""
    waveform, other, frames = _unpack(batch)
    logits = torch.cat(_logits(network, waveform, other, frames))
    labels = torch.tensor([0.0, 1.0], device=logits.device).repeat_interleave(len(waveform))
    return logits, labels


@torch.inference_mode()
def judge(network: AudioVisualNetwork, batch: Contrast) -> dict[str, Tensor]:
    """Logits (batch,) of each window with its own sound ("original") and with the wrong one ("wrong")."""
    own, wrong = _logits(network, *_unpack(batch))
    return {"original": own, "wrong": wrong}


def _logits(network: AudioVisualNetwork, waveform: Tensor, other: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
    visual = network.visual_embedding(frames)
    own, wrong = network.audio_embedding(torch.cat((waveform, other))).chunk(2)
    return network.fusion(own, visual), network.fusion(wrong, visual)


def _unpack(batch: Contrast) -> tuple[Tensor, Tensor, Tensor]:
    """The two sounds (batch, 2, samples), full scale 1, and the frames (batch, time, 3, crop, crop), all mirrored as drawn."""
    sounds = torch.stack([torch.as_tensor(sound) for sound in (batch.waveform, batch.other_waveform)], dim=1)
    frames = adjust_colour(*map(torch.as_tensor, (batch.frames, batch.gain, batch.shift)))
    sounds, frames = mirror_where(torch.as_tensor(batch.is_mirrored), sounds.float() / PCM_FULL_SCALE, frames)
    own, wrong = sounds.unbind(dim=1)
    return own, wrong, frames
