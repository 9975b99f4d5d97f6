"""What `leftright check360 FILE ...` prints, as a person reads it, and its exit status."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from leftright import ambisonics, cli
from leftright.spherical import ambix
from tests.numbered_videos import write_video
from tests.real_media import media
from tests.sound_fields import LIMITS, RATE, noise, scene, write_film


@pytest.fixture
def check(tmp_path, capsys):
    """The exit status and the lines printed for files."""
    params = tmp_path / "params.yaml"
    params.write_text(yaml.safe_dump({"evaluate360": {"learning_rate": 0.1, "layout": "declared", **asdict(LIMITS)}}))

    def check(*words) -> tuple[int, list[str]]:
        status = cli.main(["check360", "--params", str(params), *map(str, words)])
        return status, capsys.readouterr().out.splitlines()

    return check


def moving_film(path: Path, **how) -> Path:
    """A film whose sound goes from 60 degrees left to 60 right, by 40 each second."""
    time_s = np.arange(4 * RATE) / RATE
    return write_film(path, ambisonics.encode(noise(4), 80 - 40 * time_s, 10.0), **how)


def test_a_sound_film_is_usable_and_its_sound_is_followed(check, tmp_path):
    declared = replace(ambix(4), projection="equirectangular", stereo_mode="mono")
    path = moving_film(tmp_path / "film.mp4", declared=declared)
    status, lines = check(path)
    assert status == 0
    assert lines[0] == str(path)
    assert lines[1] == "  declares  equirectangular, the whole sphere, mono; ambiX (ACN, SN3D) of order 1"
    assert lines[2] == "  holds     picture 64 x 32; 4 channels, order 1 (flac, 16000 Hz, layout ambisonic 1)"
    assert "  verdict   usable" in lines
    assert not [line for line in lines if line.startswith(("  doubt", "  picture"))]
    table = lines[lines.index("  verdict   usable") + 2 :]
    assert [row.split()[:3] for row in table] == [
        ["0", "60", "left"], ["1", "20", "left"], ["2", "20", "right"], ["3", "60", "right"]
    ]  # fmt: skip
    assert all(row.split()[3:5] == ["10", "up"] and float(row.split()[5]) > 0.9 for row in table)
    assert max(map(len, lines[1:])) <= 100


def test_an_unusable_film_is_named_with_what_to_do_and_the_others_are_looked_at_all_the_same(check, tmp_path):
    copied = write_film(tmp_path / "copied.mp4", np.stack([noise()] * 4))
    sound = write_film(tmp_path / "sound.mp4", scene((30, 0)))
    status, lines = check(copied, sound)
    assert status == 1
    assert "  verdict   unusable (mono_copied): all channels are one" in "\n".join(lines)
    assert lines[lines.index(str(sound)) :].count("  verdict   usable") == 1


def test_a_doubt_is_no_reason_and_the_right_layout_ends_it(check, tmp_path):
    path = write_film(tmp_path / "film.mp4", ambisonics.convert(scene((60, 0), (-50, 8)), "ambix", "fuma"))
    status, lines = check(path)
    assert status == 0
    assert [line.split()[1] for line in lines if line.startswith("  doubt")] == ["order_suspect:", "looks_fuma:"]
    status, lines = check(path, "--layout", "fuma")
    assert not [line for line in lines if line.startswith("  doubt")]


@pytest.mark.parametrize("name", ["text.mp4", "gone.mp4", "mute.mp4", "stereo.mp4"])
def test_what_holds_no_sound_field_is_one_verdict_and_no_traceback(check, tmp_path, name):
    (tmp_path / "text.mp4").write_text("no film")
    write_video(tmp_path / "mute.mp4", 1, sound_codec="")
    write_video(tmp_path / "stereo.mp4", 1)
    reason = {"mute.mp4": "no_sound", "stereo.mp4": "not_first_order"}.get(name, "unreadable")
    status, lines = check(tmp_path / name)
    assert status == 1
    (verdict,) = [line for line in lines if line.startswith("  verdict")]
    assert verdict.startswith(f"  verdict   unusable ({reason}): ")


def test_a_picture_that_is_no_sphere_is_doubted(check, tmp_path):
    status, lines = check(
        write_film(tmp_path / "film.mp4", scene((30, 0)), declared=replace(ambix(4), projection="cubemap"))
    )
    assert status == 0
    assert "  picture   not_equirectangular: another projection: convert it" in "\n".join(lines)


def test_silence_between_is_told(check, tmp_path):
    field = scene((30, 0), seconds=4)
    field[:, round(0.9 * RATE) : round(2.1 * RATE)] = 0
    _, lines = check(write_film(tmp_path / "film.mp4", field))
    assert lines[-3].split() == ["1", "silence"]


def test_limits_that_are_missing_are_named(tmp_path, capsys):
    (tmp_path / "params.yaml").write_text("evaluate360:\n  silent_db: -65.0\n")
    assert cli.main(["check360", "--params", str(tmp_path / "params.yaml"), "film.mp4"]) == 2
    assert "no number `copied_db`" in capsys.readouterr().err
    assert cli.main(["check360"]) == 2
    assert "name the videos" in capsys.readouterr().err


@pytest.mark.media
def test_a_real_recording_is_usable_and_in_front(check):
    status, lines = check(media("foa/jsambisonics_BF_rec4_foa.ogg"), "--layout", "fuma")
    assert status == 0
    assert "no picture; 4 channels, order 1 (vorbis, 44100 Hz, layout quad)" in lines[2]
    rows = [row.split() for row in lines[lines.index("  verdict   usable") + 2 :]]
    assert len(rows) == 22
    assert max(int(row[1]) for row in rows) < 25
    assert {row[4] for row in rows} == {"down"}
