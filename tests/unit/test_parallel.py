import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from leftright.errors import InputError
from leftright.parallel import process_map

PROGRAM = """
import sys, time
from functools import partial
from leftright.parallel import process_map
from tests.unit.test_parallel import record_and_wait

if __name__ == "__main__":
    list(process_map(partial(record_and_wait, sys.argv[1]), [0, 1], 2))
"""


def square(number: int) -> int:
    if number < 0:
        raise InputError(f"{number}: is negative; give a positive one")
    return number * number


def process_id(_: int) -> int:
    return os.getpid()


def record_and_wait(directory: str, number: int) -> None:
    (Path(directory) / f"{number}.pid").write_text(str(os.getpid()))
    time.sleep(60)


@pytest.mark.parametrize("num_workers", [1, 2])
def test_results_keep_the_order_of_the_items(num_workers):
    assert list(process_map(square, range(20), num_workers)) == [number**2 for number in range(20)]


def test_work_is_done_elsewhere_with_two_workers_and_here_with_one():
    assert os.getpid() not in set(process_map(process_id, range(4), 2))
    assert set(process_map(process_id, range(4), 1)) == {os.getpid()}


@pytest.mark.parametrize("num_workers", [1, 2])
def test_bad_input_comes_through(num_workers):
    with pytest.raises(InputError, match="-1: is negative"):
        list(process_map(square, [1, -1, 2], num_workers))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here to look processes up in")
def test_workers_end_with_a_killed_parent(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    parent = subprocess.Popen([sys.executable, program, tmp_path], env=environment)
    recorded = [tmp_path / "0.pid", tmp_path / "1.pid"]
    wait_until(lambda: all(path.exists() and path.read_text() for path in recorded))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_until(lambda: not any(is_running(int(path.read_text())) for path in recorded))


def wait_until(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"  # one that has ended, and that nobody has waited for
