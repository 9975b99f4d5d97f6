"""Separation: two clips at one level, each asked for by its own picture, and judged as itself."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from leftright.data.mixtures import Pair
from leftright.data.windows import StepLoader, StepSampler
from leftright.errors import InputError
from leftright.models.separator import Separator
from leftright.models.transform import Transform
from leftright.training.materials import Material
from leftright.training.separation import MEASURES, Separation, mixture, step
from tests.downstream_world import JUDGING, material_of
from tests.unit.models.test_audio_visual import TINY


@pytest.fixture(scope="module")
def material(tmp_path_factory) -> Material:
    return material_of(tmp_path_factory.mktemp("world"), window_s=0.5, frame_step=1, num_channels=10)


@pytest.fixture(scope="module")
def task(material) -> Separation:
    return Separation(material, JUDGING, "l1")


@pytest.fixture
def batch(task) -> Pair:
    return next(iter(StepLoader(task.training, StepSampler(1, 6, 0, 1), 0)))


def with_coins(batch: Pair, first: bool, second: bool) -> Pair:
    return batch._replace(is_mirrored=torch.tensor([[first, second]]).expand(len(batch.waveform), -1))


class Stub(nn.Module):
    """A network in whose `one` each picture stands beside the mixture that it is asked of."""

    inputs = "both"

    def separate(self, heard, frames):
        num_clips = frames.shape[1]
        asked = self.one(heard.repeat_interleave(num_clips, dim=0), frames.flatten(0, 1))
        return asked.unflatten(0, (-1, num_clips))


class Sources(Stub):
    """Knows the sources of every pair, and gives for each picture the clip that it is of, or else the other one.

    Pictures are told by their bytes: the network is handed a mixture and a picture, as any other.
    """

    def __init__(self, pairs, *, swapped: bool = False) -> None:
        super().__init__()
        self.nothing, self.known = nn.Parameter(torch.zeros(1)), {}
        for number in range(len(pairs)):
            item = pairs[number]
            mixed = mixture(Pair(*(torch.as_tensor(np.asarray(field))[None] for field in item)))
            for clip in range(2):
                key = (self._of(mixed.frames[0, clip]), self._of(mixed.sound[0]))
                self.known[key] = mixed.sources[0, 1 - clip if swapped else clip]

    @staticmethod
    def _of(tensor) -> bytes:
        return tensor.numpy().tobytes()

    def one(self, heard, frames):
        return torch.stack(
            [self.known[self._of(frame), self._of(sound)] for sound, frame in zip(heard, frames, strict=True)]
        )


def rms_db(sound: torch.Tensor) -> torch.Tensor:
    return 10 * torch.log10(sound.square().mean(dim=(-2, -1)))


def test_both_clips_have_one_level(batch):
    """Mixed at 0 dB, whatever the clips' own levels: one of them is played at a tenth."""
    waveform = torch.as_tensor(batch.waveform).clone()
    waveform[:, 1] = waveform[:, 1] // 10
    mixed = mixture(batch._replace(waveform=waveform))
    levels = rms_db(mixed.sources)
    torch.testing.assert_close(levels[:, 0], levels[:, 1], atol=1e-3, rtol=0)
    torch.testing.assert_close(levels, torch.full_like(levels, 20 * np.log10(0.05)), atol=1e-3, rtol=0)


def test_the_level_is_of_both_channels_together(batch):
    """Scaled channel by channel the side of a source would be lost."""
    mixed = mixture(with_coins(batch, False, False))
    given = torch.as_tensor(batch.waveform).float()
    ratio = mixed.sources / given
    known = given.abs() > 100
    for item in range(len(given)):
        for clip in range(2):
            scales = ratio[item, clip][known[item, clip]]
            torch.testing.assert_close(scales, scales[:1].expand_as(scales), atol=0, rtol=1e-4)


def test_what_is_heard_is_the_sum_of_the_clips(batch):
    mixed = mixture(batch)
    torch.testing.assert_close(mixed.sound, mixed.sources[:, 0] + mixed.sources[:, 1])


def test_silence_does_not_become_noise(batch):
    waveform = torch.as_tensor(batch.waveform).clone()
    waveform[:, 0] = 0
    mixed = mixture(batch._replace(waveform=waveform))
    assert mixed.sources[:, 0].abs().max() == 0
    assert torch.equal(mixed.sound, mixed.sources[:, 1])


@pytest.mark.parametrize("coins", [(True, False), (False, True), (True, True)])
def test_each_clip_is_mirrored_by_its_own_coin_sound_and_picture_together(batch, coins):
    plain, mirrored = mixture(with_coins(batch, False, False)), mixture(with_coins(batch, *coins))
    for clip, coin in enumerate(coins):
        sound, frames = plain.sources[:, clip], plain.frames[:, clip]
        assert torch.equal(mirrored.sources[:, clip], sound.flip(1) if coin else sound)
        assert torch.equal(mirrored.frames[:, clip], frames.flip(-1) if coin else frames)


def test_after_the_mirror_each_picture_still_shows_the_side_that_is_heard(batch):
    mixed = mixture(batch)
    for item in range(len(mixed.sources)):
        for clip in range(2):
            frames, sound = mixed.frames[item, clip], mixed.sources[item, clip]
            side = frames[..., 10:].mean(dim=(1, 2, 3)) - frames[..., :10].mean(dim=(1, 2, 3))
            if len(set((side > 0).tolist())) > 1:  # the square changes sides in this window
                continue
            levels = sound.square().mean(dim=-1)
            assert (levels[1] > levels[0]) == (side[0] > 0)


def test_each_clip_is_asked_for_by_its_own_picture(batch):
    """Estimates stand where their clips stand."""

    class Echo(Stub):
        """Says the mean of the picture, plus a thousand times the mixture's number."""

        def one(self, heard, frames):
            level = frames.mean(dim=(1, 2, 3, 4)) + 1000 * heard[:, 0, 0]
            return level[:, None, None].expand(-1, 2, 5)

    mixed = mixture(batch)
    numbered = mixed._replace(sources=torch.arange(6.0).view(6, 1, 1, 1).expand(6, 2, 2, 4) / 2)
    estimates = Echo().separate(numbered.sound, numbered.frames)
    assert estimates.shape == (6, 2, 2, 5)
    expected = mixed.frames.mean(dim=(2, 3, 4, 5)) + 1000 * torch.arange(6.0)[:, None]
    torch.testing.assert_close(estimates[..., 0, 0], expected)


def test_perfect_estimates_are_found_perfect_in_every_row_and_swapped_ones_bad(task):
    perfect, swapped = (task.examine(Sources(task.pairs, swapped=swapped)) for swapped in (False, True))
    assert len(perfect) == 2 * len(task.pairs)
    assert perfect["sdr_db"].min() > 60
    assert perfect["sdr_improvement_db"].min() > 40
    assert swapped["sdr_db"].max() < 15
    assert (swapped["sdr_improvement_db"] < 0).all()
    np.testing.assert_allclose(perfect["sdr_mixture_db"], swapped["sdr_mixture_db"])


def test_a_rows_clip_is_the_one_that_is_asked_for(task, material):
    """A network that gets but one clip right: its rows, and no others, say so."""
    network = Sources(task.pairs)
    table = task.examine(network)
    pairs = list(zip(task.pairs.windows, task.pairs.others, strict=True))
    clips = material.store.reader.index["clip"]
    assert table["clip"].tolist() == [clips[window.row] for pair in pairs for window in pair]
    assert table["mixed_with"].tolist() == [clips[window.row] for pair in pairs for window in pair[::-1]]
    assert set(table["clip"]) <= set(clips[material.rows["test"]])
    spoilt = task.pairs.windows[1].row
    pair = task.pairs[1]
    mixed = mixture(Pair(*(torch.as_tensor(np.asarray(field))[None] for field in pair)))
    key = network._of(mixed.frames[0, 0]), network._of(mixed.sound[0])
    network.known[key] = torch.randn(network.known[key].shape, generator=torch.Generator().manual_seed(0))
    bad = task.examine(network)
    worse = bad.index[bad["sdr_db"] < 20].tolist()
    assert worse == [2]  # the first row of the second pair
    assert bad["clip"][2] == clips[spoilt]


def test_the_mixture_itself_improves_nothing(task):
    class Nothing(Stub):
        def __init__(self) -> None:
            super().__init__()
            self.nothing = nn.Parameter(torch.zeros(1))

        def one(self, heard, frames):
            return heard

    table = task.examine(Nothing())
    np.testing.assert_allclose(table["sdr_improvement_db"], 0, atol=1e-6)
    values = task.summary(table)
    assert set(values) == set(MEASURES)
    assert values["sdr_improvement_db"].n == len(table)


def test_a_clip_that_is_silent_is_left_out_of_the_means(task):
    table = task.examine(Sources(task.pairs))
    spoilt = table.copy()
    spoilt.loc[0, "sar_db"] = np.nan
    assert task.summary(spoilt)["sdr_db"].n == len(table) - 1


class Masks(Stub):
    """Knows the ratio of each asked clip's magnitude to the mixture's, or says one half."""

    transform = Transform()

    def __init__(self, batch: Pair, *, knows: bool) -> None:
        super().__init__()
        self.wanted, self.knows = self.transform(mixture(batch).sources.flatten(0, 1)).abs()[:, :, :256], knows

    def forward(self, heard, frames):
        sound = self.transform(heard.repeat_interleave(2, dim=0)).abs()[:, :, :256]
        masks = self.wanted / sound.clamp_min(1e-9) if self.knows else torch.full_like(sound, 0.5)
        return masks.unflatten(0, (-1, 2))


@pytest.mark.parametrize("distance", ["l1", "mse"])
def test_masks_that_give_each_clips_magnitude_cost_nothing(batch, distance):
    """Were the pictures and the wanted sounds in another order, true masks would cost something."""
    assert step(Masks(batch, knows=True), batch, distance)["loss"] < 1e-5
    assert step(Masks(batch, knows=False), batch, distance)["loss"] > 0.01


def test_validation_is_the_loss_of_the_pairs_as_they_are(task, material):
    torch.manual_seed(0)
    network = Separator(TINY, material.store.geometry, 2, "both").eval()
    judgement = task.validate(network)
    assert judgement.criterion == judgement.numbers["loss"] > 0
    assert task.validate(network).criterion == judgement.criterion


def test_pairs_are_of_their_splits(task, material):
    rows = {name: set(material.rows[name]) for name in material.rows}
    assert {window.row for window in task.pairs.windows} | {window.row for window in task.pairs.others} <= rows["test"]
    assert set(task.training.rows) == rows["train"]


def test_a_split_of_one_video_is_named(material):
    lone = replace(material, rows={**material.rows, "test": material.rows["test"][:1]})
    with pytest.raises(InputError, match="separate: the test split has clips of one video alone; curate more videos"):
        Separation(lone, JUDGING, "l1")


class Blind(nn.Module):
    """Hears alone, and gives the true mask of a mixture's first or second clip, whichever it is told."""

    inputs, transform = "sound", Transform()

    def __init__(self, pairs, gives: int) -> None:
        super().__init__()
        self.nothing, self.known = nn.Parameter(torch.zeros(1)), {}
        for number in range(len(pairs)):
            mixed = mixture(Pair(*(torch.as_tensor(np.asarray(field))[None] for field in pairs[number])))
            own, whole = (self.transform(sound).abs()[:, :256] for sound in (mixed.sources[0, gives], mixed.sound[0]))
            self.known[mixed.sound.numpy().tobytes()] = (own / whole.clamp_min(1e-9)).clamp(0, 1)

    def forward(self, heard, frames):
        masks = torch.stack([self.known[sound[None].numpy().tobytes()] for sound in heard])
        return torch.stack((masks, 1 - masks), dim=1)

    masked, separate = Separator.masked, Separator.separate


def test_who_only_hears_is_judged_by_guessing_and_by_the_best_naming(task):
    """Which of the two parts it calls the first is of no account to either."""
    tables = [task.examine(Blind(task.pairs, gives)) for gives in (0, 1)]
    for table in tables:
        asked, best = (table[table["condition"] == name].reset_index(drop=True) for name in ("asked", "best"))
        assert asked["clip"].tolist() == best["clip"].tolist()
        assert len(asked) == 2 * len(task.pairs)
        assert (best["sdr_db"] > asked["sdr_db"]).all()
        values = task.summary(table)
        assert values["best.sdr_db"].value == pytest.approx(best["sdr_db"].mean())
        assert values["sdr_db"].value == pytest.approx(asked["sdr_db"].mean())


def test_who_only_hears_learns_to_part_and_not_to_name(task, batch):
    """The loss is the same whichever clip of a mixture stands first, and that of the better naming."""
    turned = batch._replace(**{name: torch.as_tensor(getattr(batch, name)).flip(1) for name in Pair._fields})
    torch.manual_seed(0)
    network = Separator(TINY, task.pairs.store.geometry, 2, "sound").eval()
    torch.testing.assert_close(step(network, batch, "l1")["loss"], step(network, turned, "l1")["loss"])
    mixed = mixture(batch)
    masks = network(mixed.sound, mixed.frames)
    heard, wanted = (network.transform(sound).abs()[..., :256, :] / 0.05 for sound in (mixed.sound, mixed.sources))
    parts = masks * heard[:, None]
    either = [(parts - each).abs().mean(dim=(1, 2, 3, 4)) for each in (wanted, wanted.flip(1))]
    torch.testing.assert_close(step(network, batch, "l1")["loss"], torch.minimum(*either).mean())
