"""Both forms of the annotations say the same, each way in which they can be wrong has its line, and left is left."""

import wave

import numpy as np
import pandas as pd
import pytest

from leftright import ambisonics
from leftright.data import tau
from leftright.errors import InputError
from leftright.simulation.sound_events import make_recording, plan_recordings
from tests.tiny_world import tiny_world

HEADER = "sound_event_recording,start_time,end_time,ele,azi,dist\n"


def write_wav(path, num_channels=4, sample_rate=16_000):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(num_channels)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(np.zeros((sample_rate // 10, num_channels), "<i2").tobytes())


def read(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_text(text)
    return tau.read_annotations(path)


def test_the_form_of_2019_has_elevation_before_azimuth(tmp_path):
    events = read(tmp_path, HEADER + "phone,1.5,2.25,-20,130,2\nspeech,0.25,0.75,10,-180,1\n")
    assert events.to_dict("list") == {
        "recording": ["a", "a"],
        "start_s": [0.25, 1.5],
        "end_s": [0.75, 2.25],
        "event": ["speech", "phone"],
        "azimuth_deg": [-180, 130],
        "elevation_deg": [10, -20],
        "distance_m": [1, 2],
    }
    assert events.dtypes.astype(str).to_dict() == tau.EVENT_COLUMNS


def test_frames_of_one_direction_are_one_event(tmp_path):
    """STARSS23's own example, by hand: two of class 1 at once, and one of class 8 with the last frame of the second."""
    text = "10,1,1,-50,30\n11,1,1,-50,30\n11,1,2,10,-20\n12,1,2,10,-20\n13,1,2,10,-20\n13,8,0,-40,0\n"
    events = read(tmp_path, text)
    assert events[["start_s", "end_s", "event", "azimuth_deg", "elevation_deg"]].values.tolist() == [
        [1.0, 1.2, "1", -50, 30],
        [1.1, 1.4, "1", 10, -20],
        [1.3, 1.4, "8", -40, 0],
    ]
    assert events["distance_m"].isna().all()


def test_a_pause_or_a_turn_ends_an_event(tmp_path):
    events = read(tmp_path, "0,3,0,20,0\n1,3,0,20,0\n3,3,0,20,0\n4,3,0,21,0\n")
    assert events[["start_s", "end_s", "azimuth_deg"]].values.tolist() == [[0, 0.2, 20], [0.3, 0.4, 20], [0.4, 0.5, 21]]


def test_distance_is_in_centimetres_and_the_source_may_lack(tmp_path):
    with_distance = read(tmp_path, "0,2,5,90,0,150\n1,2,5,90,0,170\n")
    assert with_distance[["end_s", "distance_m"]].values.tolist() == [[pytest.approx(0.2), pytest.approx(1.6)]]
    without_source = read(tmp_path, "0,2,90,-10\n1,2,90,-10\n1,2,90,-10\n")
    assert without_source[["end_s", "azimuth_deg", "elevation_deg"]].values.tolist() == [[0.2, 90, -10]]


def test_behind_is_one_direction(tmp_path):
    assert read(tmp_path, "0,0,0,180,0\n1,0,0,-180,0\n")[["end_s", "azimuth_deg"]].values.tolist() == [[0.2, -180]]


def test_nothing_sounding_is_no_event(tmp_path):
    for text in ("", HEADER):
        events = read(tmp_path, text)
        assert events.empty and list(events) == list(tau.EVENT_COLUMNS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER + "phone,1,2,0,30\n", "row 2 has 5 values, not 6"),
        (HEADER + "phone,1,2,0,30,1\n\nphone,2,1,0,30,1\n", "row 4 lasts from 2 to 1 s"),
        (HEADER + "phone,1,two,0,30,1\n", "row 2 .* holds what is no number"),
        (HEADER + "phone,1,2,100,30,1\n", "azimuth 30 and elevation 100"),
        (HEADER.replace("ele,azi", "azi,ele") + "phone,1,2,0,30,1\n", "its header is .*azi,ele"),
        ("0,1,0\n", "row 1 has 3 values, not 4 to 6"),
        ("0,1,0,30,0\n1,1,0,30\n", "row 2 has 4 values, and the first has 5"),
        ("0,1,0,30,nan\n", "row 1 .* holds what is no number"),
        ("-1,1,0,30,0\n", "frame -1"),
        ("0,1,0,300,0\n", "azimuth 300"),
    ],
)
def test_bad_rows_are_named(tmp_path, text, said):
    with pytest.raises(InputError, match=said) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "a.csv")) and "\n" not in str(caught.value)


def test_recordings_are_found_below_folders_too(tmp_path):
    for name in ("dev-train/mix002", "dev-train/mix001", "mix003"):
        write_wav(tmp_path / "foa_dev" / f"{name}.wav")
        path = tmp_path / "metadata_dev" / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name[-1]},0,0,30,0\n")
    found = tau.find_recordings(tmp_path)
    assert [each.recording for each in found] == ["dev-train/mix001", "dev-train/mix002", "mix003"]
    events = tau.read_events(found)
    assert events[["recording", "start_s"]].values.tolist() == [
        ["dev-train/mix001", 0.1], ["dev-train/mix002", 0.2], ["mix003", pytest.approx(0.3)],
    ]  # fmt: skip


def test_missing_files_are_named(tmp_path):
    with pytest.raises(InputError, match="foa_dev: no such folder"):
        tau.find_recordings(tmp_path)
    write_wav(tmp_path / "foa_dev" / "a.wav")
    (tmp_path / "metadata_dev").mkdir()
    with pytest.raises(InputError, match=r"metadata_dev: holds no \.csv"):
        tau.find_recordings(tmp_path)
    (tmp_path / "metadata_dev" / "b.csv").write_text(HEADER)
    with pytest.raises(InputError, match=r"metadata_dev/a\.csv: no such annotations"):
        tau.find_recordings(tmp_path)
    (tmp_path / "metadata_dev" / "a.csv").write_text(HEADER)
    with pytest.raises(InputError, match=r"foa_dev/b\.wav: no such sound"):
        tau.find_recordings(tmp_path)
    with pytest.raises(InputError, match=r"none\.csv: no such annotations"):
        tau.read_annotations(tmp_path / "none.csv")


def test_sound_has_four_channels_and_the_shared_rate(tmp_path):
    write_wav(tmp_path / "mic.wav", num_channels=2)
    with pytest.raises(InputError, match=r"mic\.wav: has 2 channels"):
        tau.read_sound(tmp_path / "mic.wav")
    write_wav(tmp_path / "foa.wav", sample_rate=24_000)
    assert tau.read_sound(tmp_path / "foa.wav").shape == (4, 1600)


def test_sound_comes_from_where_its_annotations_say(tmp_path):
    """The made-up set through the reader, in both normalisations that such sets have."""
    world = tiny_world(sphere_tau_recordings=1, sphere_tau_duration_s=12.0)
    make_recording(world, next(plan_recordings(world)), tmp_path)
    (found,) = tau.find_recordings(tmp_path)
    waveform, events = tau.read_sound(found.sound), tau.read_events([found])
    assert len(events) >= 3
    for event in events.itertuples():
        stretch = waveform[:, round(event.start_s * 16_000) : round(event.end_s * 16_000)]
        azimuth, elevation = ambisonics.direction_of_arrival(stretch)
        assert abs(ambisonics.wrapped(azimuth - event.azimuth_deg)) < 2
        assert elevation == pytest.approx(event.elevation_deg, abs=2)
    as_n3d = tau.read_sound(found.sound, "n3d")
    np.testing.assert_allclose(as_n3d[1:] * np.sqrt(3), waveform[1:], rtol=1e-4, atol=1e-6)


def test_one_table_holds_all_recordings(tmp_path):
    world = tiny_world(sphere_tau_recordings=2)
    for recording in plan_recordings(world):
        make_recording(world, recording, tmp_path)
    events = tau.read_events(tau.find_recordings(tmp_path))
    assert events["recording"].unique().tolist() == ["split1_ir0_ov1_1", "split2_ir0_ov2_2"]
    assert isinstance(events, pd.DataFrame) and events.dtypes.astype(str).to_dict() == tau.EVENT_COLUMNS
