"""Is this the sound of the picture? With networks made by hand that compare the two."""

import torch
from torch import Tensor

from leftright.data.contrast import Contrast
from leftright.models import AudioVisualNetwork
from leftright.training import contrast
from tests.unit.models.test_audio_visual import TINY, TINY_WINDOW


class Comparing:
    """Knows that what is heard on a side is seen on that side; a positive logit says that the sound is wrong."""

    def audio_embedding(self, waveform: Tensor) -> Tensor:
        energy = waveform.square().mean(dim=-1)
        return torch.log10(energy[:, 1] / energy[:, 0])

    def visual_embedding(self, frames: Tensor) -> Tensor:
        half = frames.shape[-1] // 2
        return frames[..., half:].mean(dim=(1, 2, 3, 4)) - frames[..., :half].mean(dim=(1, 2, 3, 4))

    def fusion(self, audio: Tensor, visual: Tensor) -> Tensor:
        return -10 * audio * visual


def sounds(sides: list[bool], seed: int) -> Tensor:
    """20 dB louder on the right where `sides` says so, else on the left."""
    generator = torch.Generator().manual_seed(seed)
    gains = torch.where(torch.tensor(sides)[:, None], torch.tensor([[0.1, 1.0]]), torch.tensor([[1.0, 0.1]]))
    return (3000 * gains[..., None] * torch.randn(len(sides), 2, 500, generator=generator)).to(torch.int16)


def batch_of(seen: list[bool], heard: list[bool], other: list[bool], is_mirrored: list[bool]) -> Contrast:
    """Which side the source is on: seen, in the own sound, and in the wrong one."""
    size = len(seen)
    frames = torch.full((size, 2, 3, 8, 8), 50, dtype=torch.uint8)
    for item, right in enumerate(seen):
        frames[item, ..., slice(4, 8) if right else slice(0, 4)] = 200
    return Contrast(
        sounds(heard, 0), sounds(other, 1), frames, torch.ones(size, 3), torch.zeros(size, 3), torch.tensor(is_mirrored)
    )


def coherent(is_mirrored: list[bool]) -> Contrast:
    """The own sound is on the side that is seen, the wrong one on the other."""
    return batch_of([True, False, True], [True, False, True], [False, True, False], is_mirrored)


def test_a_network_that_compares_sound_and_picture_is_right():
    logits, labels = contrast.logits_and_labels(Comparing(), coherent([False] * 3))
    assert labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert torch.equal(logits > 0, labels.bool())


def test_the_two_sounds_exchanged_it_is_wrong_about_all_of_them():
    """A wrong sound in the own one's place would turn every label."""
    batch = coherent([False] * 3)
    exchanged = batch._replace(waveform=batch.other_waveform, other_waveform=batch.waveform)
    logits, labels = contrast.logits_and_labels(Comparing(), exchanged)
    assert torch.equal(logits > 0, ~labels.bool())


def test_mirrored_together_sounds_and_picture_still_agree():
    """With one of the three left unmirrored the network would be wrong about the mirrored items."""
    for coins in ([True, True, True], [True, False, True]):
        logits, labels = contrast.logits_and_labels(Comparing(), coherent(coins))
        assert torch.equal(logits > 0, labels.bool())


def test_the_mirror_really_changes_both_sounds_and_the_picture():
    seen: dict[str, list[Tensor]] = {"audio": [], "visual": []}

    class Watching(Comparing):
        def audio_embedding(self, waveform: Tensor) -> Tensor:
            seen["audio"].append(waveform)
            return super().audio_embedding(waveform)

        def visual_embedding(self, frames: Tensor) -> Tensor:
            seen["visual"].append(frames)
            return super().visual_embedding(frames)

    for coin in (False, True):
        contrast.logits_and_labels(Watching(), coherent([coin] * 3))
    as_is, mirrored = seen["audio"]
    assert torch.equal(mirrored, as_is.flip(1)) and len(mirrored) == 6
    assert torch.equal(seen["visual"][1], seen["visual"][0].flip(-1))


def test_the_judge_names_the_sounds():
    verdicts = contrast.judge(Comparing(), coherent([False] * 3))
    assert set(verdicts) == {"original", "wrong"}
    assert (verdicts["original"] < 0).all() and (verdicts["wrong"] > 0).all()


def test_each_logit_is_that_of_its_sound_and_picture():
    torch.manual_seed(0)
    network = AudioVisualNetwork(TINY, TINY_WINDOW).eval()
    generator = torch.Generator().manual_seed(1)
    own, wrong = (
        (3000 * torch.randn(2, 2, TINY_WINDOW.num_samples, generator=generator)).to(torch.int16) for _ in range(2)
    )
    frames = torch.randint(0, 256, (2, 3, 3, 32, 32), generator=generator, dtype=torch.uint8)
    batch = Contrast(own, wrong, frames, torch.ones(2, 3), torch.zeros(2, 3), torch.zeros(2, dtype=torch.bool))
    logits, _ = contrast.logits_and_labels(network, batch)
    for place, sound in enumerate((own, wrong)):
        expected = network(sound.float() / 2**15, frames.float() / 255)
        torch.testing.assert_close(logits.view(2, 2)[place], expected, atol=1e-5, rtol=1e-4)
