"""The made-up set has TAU's form; that its sound comes from where its annotations say is tested with the set's reader."""

import csv
import wave

import numpy as np
import pytest

from leftright.simulation.sound_events import HEADER, Recording, make_recording, plan_recordings
from tests.tiny_world import tiny_world

LONG = {"sphere_tau_duration_s": 20.0}


def rows(directory, recording: Recording) -> list[dict[str, str]]:
    with (directory / "metadata_dev" / f"{recording.name}.csv").open() as file:
        return list(csv.DictReader(file))


def samples(directory, recording: Recording) -> np.ndarray:
    """The recording's sound, (4, samples) of 16 bits."""
    with wave.open(str(directory / "foa_dev" / f"{recording.name}.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (4, 2, 24_000)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 4).T


def test_names_count_places_and_overlap():
    names = [recording.name for recording in plan_recordings(tiny_world(sphere_tau_recordings=5))]
    assert names == ["split1_ir0_ov1_1", "split2_ir0_ov2_2", "split3_ir1_ov1_3", "split4_ir1_ov2_4", "split1_ir0_ov1_5"]
    assert not list(plan_recordings(tiny_world()))


@pytest.mark.parametrize("index", [0, 1, 2])
def test_annotations_have_the_form_of_2019_and_directions_of_its_grid(tmp_path, index):
    recording = Recording(index)
    make_recording(tiny_world(**LONG), recording, tmp_path)
    text = (tmp_path / "metadata_dev" / f"{recording.name}.csv").read_text()
    assert text.splitlines()[0] == HEADER == "sound_event_recording,start_time,end_time,ele,azi,dist"
    for row in rows(tmp_path, recording):
        assert row["sound_event_recording"] in ("speech", "tapping", "brushing")
        assert 0 <= float(row["start_time"]) < float(row["end_time"]) <= 20
        assert int(row["azi"]) in range(-180, 180, 10) and int(row["ele"]) in range(-40, 50, 10)
        assert row["dist"] in ("1", "2")
    assert samples(tmp_path, recording).shape == (4, 480_000)


def test_azimuths_are_all_around(tmp_path):
    azimuths = []
    for index in range(6):
        make_recording(tiny_world(**LONG), Recording(index), tmp_path)
        azimuths += [int(row["azi"]) for row in rows(tmp_path, Recording(index))]
    assert np.histogram(azimuths, bins=4, range=(-180, 180))[0].min() >= 5


@pytest.mark.parametrize("index", [0, 1])
def test_no_more_sound_at_once_than_the_name_says(tmp_path, index):
    recording = Recording(index)
    make_recording(tiny_world(**LONG), recording, tmp_path)
    spans = [(float(row["start_time"]), float(row["end_time"])) for row in rows(tmp_path, recording)]
    times = np.arange(0, 20, 0.01)
    at_once = sum(((times >= start) & (times < end)).astype(int) for start, end in spans)
    assert at_once.max() == recording.max_overlap
    assert spans == sorted(spans)


def test_between_events_there_is_hush_alone(tmp_path):
    make_recording(tiny_world(**LONG), Recording(0), tmp_path)
    pressure = samples(tmp_path, Recording(0))[0] / 32_768
    is_sounding = np.zeros(pressure.size, bool)
    levels = []
    for row in rows(tmp_path, Recording(0)):
        span = slice(round(float(row["start_time"]) * 24_000), round(float(row["end_time"]) * 24_000))
        is_sounding[span] = True
        levels.append(20 * np.log10(np.std(pressure[span])))
    assert min(levels) > -45
    assert 20 * np.log10(np.std(pressure[~is_sounding])) == pytest.approx(-62, abs=3)


def test_a_recording_is_its_seeds(tmp_path):
    files = []
    for number, seed in enumerate((1, 1, 2)):
        make_recording(tiny_world(seed=seed), Recording(0), tmp_path / str(number))
        files.append((tmp_path / str(number) / "foa_dev" / "split1_ir0_ov1_1.wav").read_bytes())
    assert files[0] == files[1] != files[2]
