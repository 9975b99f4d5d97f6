from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from leftright.data.windows import Batch
from leftright.models import AudioVisualNetwork
from leftright.training import flip
from tests.unit.models.test_audio_visual import TINY, TINY_WINDOW


def by_hand() -> SimpleNamespace:
    """A network that knows the answer: which side is louder and which side is brighter ought to be one."""

    def louder_right(spectrogram: Tensor) -> Tensor:
        return spectrogram[:, 1].mean(dim=(1, 2)) - spectrogram[:, 0].mean(dim=(1, 2))

    def brighter_right(frames: Tensor) -> Tensor:
        half = frames.shape[-1] // 2
        return frames[..., half:].mean(dim=(1, 2, 3, 4)) - frames[..., :half].mean(dim=(1, 2, 3, 4))

    def spectrogram_of(waveform: Tensor) -> Tensor:
        return torch.log(waveform.square().mean(dim=-1, keepdim=True).unsqueeze(-1) + 1e-6)

    def fusion(audio: Tensor, visual: Tensor) -> Tensor:
        return -10 * audio * visual

    def network(waveform: Tensor, frames: Tensor) -> Tensor:
        return fusion(louder_right(spectrogram_of(waveform)), brighter_right(frames))

    class Network:
        spectrogram = staticmethod(spectrogram_of)
        audio = staticmethod(louder_right)
        visual = visual_embedding = staticmethod(brighter_right)
        __call__ = staticmethod(network)

        def audio_embedding(self, waveform: Tensor) -> Tensor:
            return louder_right(spectrogram_of(waveform))

    Network.fusion = staticmethod(fusion)
    return Network()


def batch_of(sides: list[bool], is_mirrored: list[bool] | None = None, is_flipped: list[bool] | None = None) -> Batch:
    """Windows whose source is on the right where `sides` says so, seen and heard."""
    size = len(sides)
    generator = torch.Generator().manual_seed(0)
    is_right = torch.tensor(sides)
    gains = torch.where(is_right[:, None], torch.tensor([[0.1, 1.0]]), torch.tensor([[1.0, 0.1]]))
    waveform = (3000 * gains[..., None] * torch.randn(size, 2, 500, generator=generator)).to(torch.int16)
    frames = torch.full((size, 2, 3, 8, 8), 50, dtype=torch.uint8)
    for item, right in enumerate(sides):
        frames[item, ..., slice(4, 8) if right else slice(0, 4)] = 200
    coins = [torch.tensor(coin if coin is not None else [False] * size) for coin in (is_mirrored, is_flipped)]
    return Batch(waveform, frames, torch.ones(size, 3), torch.zeros(size, 3), *coins)


def test_the_four_ways_of_a_window_have_the_labels_of_what_is_seen_and_heard():
    logits, labels = flip.logits_and_labels(by_hand(), batch_of([True, False, True]), "paired")
    assert len(logits) == len(labels) == 12
    assert labels.mean() == 0.5
    assert torch.equal(logits > 0, labels.bool())


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("flipped", [False, True])
def test_a_mirrored_clip_keeps_its_label(mirrored, flipped):
    batch = batch_of([True, False], [mirrored] * 2, [flipped] * 2)
    logits, labels = flip.logits_and_labels(by_hand(), batch, "drawn")
    assert labels.tolist() == [flipped] * 2
    assert torch.equal(logits > 0, labels.bool())


def test_the_mirror_really_changes_sound_and_picture():
    seen: list[Tensor] = []
    network = by_hand()
    type(network).__call__ = lambda self, waveform, frames: seen.append((waveform, frames)) or torch.zeros(1)
    for mirrored in (False, True):
        flip.logits_and_labels(network, batch_of([True], [mirrored], [False]), "drawn")
    (waveform, frames), (mirrored_waveform, mirrored_frames) = seen
    assert torch.equal(mirrored_waveform, waveform.flip(1))
    assert torch.equal(mirrored_frames, frames.flip(-1))


def test_the_judge_names_the_orientations_and_mono_says_nothing():
    verdicts = flip.judge(by_hand(), batch_of([True, False]))
    assert (verdicts["original"] < 0).all()
    assert (verdicts["flipped"] > 0).all()
    assert verdicts["mono"].abs().max() < 1e-4


def test_paired_and_drawn_score_the_same_windows_alike():
    torch.manual_seed(0)
    network = AudioVisualNetwork(TINY, TINY_WINDOW).eval()
    generator = torch.Generator().manual_seed(1)
    waveform = (3000 * torch.randn(2, 2, TINY_WINDOW.num_samples, generator=generator)).to(torch.int16)
    frames = torch.randint(0, 256, (2, 3, 3, 32, 32), generator=generator, dtype=torch.uint8)

    def batch(mirrored: bool, flipped: bool) -> Batch:
        coins = (torch.tensor([coin] * 2) for coin in (mirrored, flipped))
        return Batch(waveform, frames, torch.ones(2, 3), torch.zeros(2, 3), *coins)

    paired, labels = flip.logits_and_labels(network, batch(False, False), "paired")
    ways = [(False, False), (False, True), (True, True), (True, False)]  # the order of the pairs: (mirrored, flipped)
    for place, (mirrored, flipped) in enumerate(ways):
        drawn, label = flip.logits_and_labels(network, batch(mirrored, flipped), "drawn")
        torch.testing.assert_close(paired.view(4, 2)[place], drawn, atol=1e-5, rtol=1e-4)
        assert torch.equal(labels.view(4, 2)[place], label)


def test_swapping_a_spectrograms_channels_is_swapping_the_sounds():
    network = AudioVisualNetwork(TINY, TINY_WINDOW)
    waveform = torch.randn(2, 2, 4000)
    torch.testing.assert_close(
        flip.swap_channels_of(network.spectrogram(waveform)), network.spectrogram(waveform.flip(1))
    )
