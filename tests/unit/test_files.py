"""A killed run leaves nothing or a whole result: proved by killing real processes, at every step of the exchange."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from leftright.errors import InputError
from leftright.files import Part, replace_directory, replace_file, resume_directory, sha256


def child(body: str, *words: object) -> subprocess.Popen[str]:
    """A Python process that runs `body` with `words` as its arguments, its output to be read."""
    program = "import os, sys, time\nfrom pathlib import Path\nfrom leftright import files\n" + textwrap.dedent(body)
    command = [sys.executable, "-c", program, *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def kill_when_ready(process: subprocess.Popen[str]) -> None:
    """Wait for the process to say something, then kill it as nothing can be caught."""
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    process.kill()
    process.wait()
    process.stdout.close()


def content(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in directory.iterdir()}


@pytest.fixture
def finished(tmp_path):
    """The directory of an earlier, finished run."""
    directory = tmp_path / "out"
    directory.mkdir()
    (directory / "old").write_text("old")
    return directory


HALF_WAY = """
    with files.{manager} as directory:
        (directory / "new").write_text("half")
        print("ready", flush=True)
        time.sleep(60)
"""


def test_killed_inside_replace_directory_the_old_content_stays(finished):
    kill_when_ready(child(HALF_WAY.format(manager="replace_directory(Path(sys.argv[1]))"), finished))
    assert content(finished) == {"old": "old"}
    with replace_directory(finished) as directory:
        assert content(directory) == {}
        (directory / "new").write_text("whole")
    assert content(finished) == {"new": "whole"}
    assert [path.name for path in finished.parent.iterdir()] == ["out"]


def test_killed_inside_replace_file_the_old_content_stays(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    body = """
        with files.replace_file(Path(sys.argv[1])) as temporary:
            temporary.write_text("half")
            print("ready", flush=True)
            time.sleep(60)
    """
    kill_when_ready(child(body, path))
    assert path.read_text() == "old"
    with replace_file(path) as temporary:
        temporary.write_text("whole")
    assert content(tmp_path) == {"table.csv": "whole"}


def test_killed_inside_resume_directory_the_next_run_goes_on(finished):
    kill_when_ready(child(HALF_WAY.format(manager='resume_directory(Path(sys.argv[1]), {"seed": 1})'), finished))
    assert content(finished) == {"old": "old"}
    with resume_directory(finished, {"seed": 1}) as directory:
        assert (directory / "new").read_text() == "half"
        (directory / "new").write_text("whole")
    assert content(finished) == {"new": "whole"}


def test_work_begun_under_other_parameters_is_thrown_away(finished):
    kill_when_ready(child(HALF_WAY.format(manager='resume_directory(Path(sys.argv[1]), {"seed": 1})'), finished))
    with resume_directory(finished, {"seed": 2}) as directory:
        assert not (directory / "new").exists()


DIES_AT_A_RENAME = """
    renames, last = 0, int(sys.argv[2])
    original = Path.replace

    def replace(self, target):
        global renames
        if renames == last:
            os._exit(9)
        renames += 1
        return original(self, target)

    Path.replace = replace
    with files.{manager} as directory:
        (directory / "a").write_text("new")
        (directory / "b").write_text("new")
"""


@pytest.mark.parametrize("manager", ["replace_directory(Path(sys.argv[1]))", "resume_directory(Path(sys.argv[1]), {})"])
@pytest.mark.parametrize("last", range(4))
def test_wherever_the_exchange_is_cut_nothing_is_mixed_and_the_next_run_is_whole(finished, manager, last):
    process = child(DIES_AT_A_RENAME.format(manager=manager), finished, last)
    process.communicate()
    new = {"a": "new", "b": "new"}
    if finished.exists():
        assert content(finished) in ({"old": "old"}, new)
    else:
        assert process.returncode == 9
    assert child(DIES_AT_A_RENAME.format(manager=manager), finished, 99).wait() == 0
    assert content(finished) == new
    assert [path.name for path in finished.parent.iterdir()] == ["out"]


def test_the_cuts_above_reach_every_state(finished):
    """Else they would prove nothing: uncut there are two renames, so the cuts at 0 and 1 do happen."""
    codes = []
    for last in range(3):
        process = child(DIES_AT_A_RENAME.format(manager="replace_directory(Path(sys.argv[1]))"), finished, last)
        process.communicate()
        codes.append(process.returncode)
        (finished / "old").parent.mkdir(exist_ok=True)
    assert codes == [9, 9, 0]


def test_an_error_inside_leaves_the_old_content_and_no_litter(finished):
    with pytest.raises(ZeroDivisionError), replace_directory(finished) as directory:
        (directory / "new").write_text("half")
        raise ZeroDivisionError
    assert content(finished) == {"old": "old"}
    with pytest.raises(ZeroDivisionError), replace_file(finished / "old") as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert content(finished) == {"old": "old"}
    assert [path.name for path in finished.parent.iterdir()] == ["out"]


def test_an_error_inside_resume_directory_keeps_the_work(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(ZeroDivisionError), resume_directory(out, {"rate": 0.5}) as directory:
        (directory / "work").write_text("done")
        raise ZeroDivisionError
    assert not out.exists()
    with resume_directory(out, {"rate": 0.5}) as directory:
        assert (directory / "work").read_text() == "done"
    assert content(out) == {"work": "done"}


def test_a_temporary_file_keeps_the_suffix_by_which_writers_choose_their_format(tmp_path):
    with replace_file(tmp_path / "deep" / "figure.png") as temporary:
        assert temporary.suffix == ".png"
        temporary.write_bytes(b"png")
    assert (tmp_path / "deep" / "figure.png").read_bytes() == b"png"


def test_sha256_of_the_standard_s_example(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_parts_are_disjoint_and_together_the_whole(count):
    items = list("abcde")
    parts = [Part.parse(f"{index}/{count}").of(items) for index in range(count)]
    assert sorted(item for part in parts for item in part) == items
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("text", ["", "1", "2/2", "-1/2", "0/0", "a/b", "1/2/3", "0.5/2", "0 / 2"])
def test_a_part_that_is_none_is_refused_in_one_line(text):
    with pytest.raises(InputError, match="INDEX/COUNT") as caught:
        Part.parse(text)
    assert repr(text) in str(caught.value)


def test_work_goes_on_where_it_outlives_the_place_of_the_result(tmp_path, monkeypatch):
    """A task's second try has another disk: what the first one began lies in LEFTRIGHT_WORK."""
    monkeypatch.setenv("LEFTRIGHT_WORK", str(tmp_path / "work"))
    with pytest.raises(KeyError), resume_directory(tmp_path / "first/out", {"seed": 1}) as directory:
        (directory / "begun").write_text("half")
        raise KeyError
    assert not (tmp_path / "first").exists()
    with resume_directory(tmp_path / "other/out", {"seed": 2}) as directory:
        assert not (directory / "begun").exists(), "other work"
    with resume_directory(tmp_path / "second/out", {"seed": 1}) as directory:
        assert (directory / "begun").read_text() == "half"
        (directory / "ended").write_text("whole")
    found = sorted(path.name for path in (tmp_path / "second").rglob("*"))
    assert found == ["begun", "ended", "out"]
    assert [path for path in (tmp_path / "work").iterdir() if path.suffix != ".lock"] == []


def test_the_same_work_at_the_same_time_is_done_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("LEFTRIGHT_WORK", str(tmp_path / "work"))
    with resume_directory(tmp_path / "a/out", {"seed": 1}) as one:
        (one / "file").write_text("one")
        with resume_directory(tmp_path / "b/out", {"seed": 1}) as two:
            assert two != one
            (two / "file").write_text("two")
    assert (tmp_path / "a/out/file").read_text() == "one"
    assert (tmp_path / "b/out/file").read_text() == "two"
