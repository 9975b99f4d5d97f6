import pytest

from leftright.models import WindowGeometry

PAPER = WindowGeometry(duration_s=2.87, frame_rate=6.0, frame_step=1, crop=224)


def test_the_papers_window_has_the_papers_sizes():
    assert (PAPER.num_samples, PAPER.num_spectrogram_frames, PAPER.num_stored_frames, PAPER.num_frames) == (
        45_920,
        288,
        18,
        18,
    )


def test_a_whole_number_of_frames_does_not_become_one_more():
    assert WindowGeometry(duration_s=0.7, frame_rate=30.0, frame_step=1, crop=8).num_stored_frames == 21


@pytest.mark.parametrize(("step", "offsets"), [(1, list(range(18))), (5, [2, 7, 12, 17]), (6, [2, 8, 14]), (99, [8])])
def test_the_frames_used_stand_in_the_middle_of_what_they_stand_for(step, offsets):
    assert list(WindowGeometry(2.87, 6.0, step, 64).frame_offsets) == offsets


def test_sound_starts_when_the_picture_starts():
    assert [PAPER.first_sample(frame) for frame in (0, 1, 6)] == [0, 2667, 16_000]


@pytest.mark.parametrize(
    ("num_frames", "num_samples", "last"),
    [(60, 160_000, 42), (60, 46_000, 0), (60, 45_919, -1), (17, 160_000, -1), (18, 160_000, 0)],
)
def test_a_window_fits_only_where_both_its_sound_and_its_picture_do(num_frames, num_samples, last):
    assert PAPER.last_start(num_frames, num_samples) == last
    if last >= 0:
        assert PAPER.first_sample(last) + PAPER.num_samples <= num_samples
