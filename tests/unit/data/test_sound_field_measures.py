import numpy as np
import pytest

from leftright import ambisonics
from leftright.audio import resample
from leftright.data.sound_field_measures import directions_of_arrival, measure_sound_field
from tests.real_media import media
from tests.sound_fields import RATE, around, noise, scene


def test_one_wave_has_the_levels_of_its_direction() -> None:
    """From 30 degrees left and 45 up: Y = sin 30 cos 45, Z = sin 45, X = cos 30 cos 45 of W, and all of W's power together."""
    found = measure_sound_field(scene((30, 45)), RATE)
    assert found["left_db"] == pytest.approx(20 * np.log10(0.5 * np.sqrt(0.5)), abs=0.01)
    assert found["up_db"] == pytest.approx(20 * np.log10(np.sqrt(0.5)), abs=0.01)
    assert found["ahead_db"] == pytest.approx(20 * np.log10(np.sqrt(0.75) * np.sqrt(0.5)), abs=0.01)
    assert found["velocity_db"] == pytest.approx(0, abs=0.01)
    assert found["directedness"] == pytest.approx(1, abs=0.001)
    assert found["rms_db"] == pytest.approx(20 * np.log10(0.05), abs=0.1)


def test_sound_from_everywhere_has_a_third_of_its_power_in_each_direction_and_comes_from_none() -> None:
    found = measure_sound_field(around(), RATE)
    for name in ("left_db", "up_db", "ahead_db"):
        assert found[name] == pytest.approx(10 * np.log10(1 / 3), abs=0.3)
    assert found["velocity_db"] == pytest.approx(0, abs=0.2)
    assert found["directedness"] < 0.1


@pytest.mark.parametrize(("layout", "velocity_db"), [("ambix", 0.0), ("fuma", 3.01), ("n3d", 4.77)])
@pytest.mark.parametrize("directions", [[(20, 0)], [(100, 10), (-30, -20)], [(0, 90), (45, 0), (-170, -5), (90, 3)]])
def test_velocity_tells_the_normalisation_of_any_scene(
    layout: str, velocity_db: float, directions: list[tuple[float, float]]
) -> None:
    misread = ambisonics.convert(scene(*directions), "ambix", layout)
    assert measure_sound_field(misread, RATE)["velocity_db"] == pytest.approx(velocity_db, abs=0.15)


def test_nothing_but_the_level_changes_with_the_gain() -> None:
    quiet, loud = (measure_sound_field(gain * scene((20, 5), (130, 0)), RATE) for gain in (0.01, 1))
    assert loud.pop("rms_db") - quiet.pop("rms_db") == pytest.approx(40)
    assert quiet == pytest.approx(loud, abs=1e-3)


@pytest.mark.parametrize("layout", ["ambix", "fuma", "n3d"])
def test_a_channel_copied_into_all_is_seen_through_the_layout_that_it_was_read_by(layout: str) -> None:
    copied = np.stack([noise()] * 4)
    assert measure_sound_field(ambisonics.convert(copied, layout, "ambix"), RATE, layout)["copy_db"] < -80
    assert measure_sound_field(scene((45, 35.3)), RATE)["copy_db"] > -8, "the direction whose channels are alike"


def test_below_500_hertz_nothing_counts_since_near_sources_swell_there() -> None:
    field = scene((60, 0))
    hum = 0.5 * np.sin(2 * np.pi * 120 * np.arange(field.shape[1]) / RATE) * np.hanning(field.shape[1])
    swollen = field + np.stack([hum, 0 * hum, 0 * hum, 4 * hum])
    for name in ("left_db", "ahead_db", "velocity_db"):
        assert measure_sound_field(swollen, RATE)[name] == pytest.approx(
            measure_sound_field(field, RATE)[name], abs=0.1
        )


def test_a_missing_channel_is_silent_and_silence_is_no_division_by_zero() -> None:
    field = scene((60, 20))
    field[ambisonics.Z] = 0
    assert measure_sound_field(field, RATE)["up_db"] < -100
    nothing = measure_sound_field(np.zeros((4, RATE)), RATE)
    assert nothing["rms_db"] == -120
    assert all(np.isfinite(value) for value in nothing.values())


@pytest.mark.parametrize(("azimuth_deg", "elevation_deg"), [(0, 0), (90, 0), (-90, 10), (170, -30), (35, 60)])
def test_the_direction_of_arrival_is_the_sources(azimuth_deg: float, elevation_deg: float) -> None:
    found = directions_of_arrival(scene((azimuth_deg, elevation_deg)), RATE)
    np.testing.assert_allclose(ambisonics.wrapped(found.azimuth_deg - azimuth_deg), 0, atol=0.5)
    np.testing.assert_allclose(found.elevation_deg, elevation_deg, atol=0.5)


def test_a_source_that_crosses_over_is_followed_second_by_second() -> None:
    second = np.arange(4 * RATE) / RATE
    moving = ambisonics.encode(noise(4), 80 - 40 * second)
    found = directions_of_arrival(moving, RATE)
    np.testing.assert_array_equal(found.start_s, [0, 1, 2, 3])
    np.testing.assert_allclose(found.azimuth_deg, [60, 20, -20, -60], atol=3)


def test_silence_has_no_direction() -> None:
    field = scene((60, 0), seconds=3)
    field[:, round(0.9 * RATE) : round(2.1 * RATE)] = 0
    found = directions_of_arrival(field, RATE)
    assert np.isnan(found.azimuth_deg).tolist() == [False, True, False]
    assert np.isnan(found.directedness).tolist() == [False, True, False]


def test_the_rate_of_the_sound_does_not_matter() -> None:
    field = scene((60, 20), (-100, 0))
    fast = resample(field, RATE, 48_000)
    np.testing.assert_allclose(
        directions_of_arrival(fast, 48_000).azimuth_deg, directions_of_arrival(field, RATE).azimuth_deg, atol=0.5
    )


@pytest.mark.media
def test_a_real_orchestra_is_in_front_of_its_microphone() -> None:
    """It is held in Furse-Malham's order: read so, it sits ahead and below; read as ambiX it would be at the left."""
    from leftright.data.sound_field import read_sound_field

    path = media("foa/jsambisonics_BF_rec4_foa.ogg")
    right = directions_of_arrival(read_sound_field(path, "fuma"), RATE)
    wrong = directions_of_arrival(read_sound_field(path, "ambix"), RATE)
    assert len(right.azimuth_deg) == 22
    assert np.abs(right.azimuth_deg).max() < 25
    assert right.elevation_deg.max() < -15
    assert wrong.azimuth_deg.min() > 100
    assert 0.3 < right.directedness.min() < right.directedness.max() < 0.7
