import av
import numpy as np
import pytest

from leftright.simulation import encoding
from tests.unit.test_video_files import SECONDS, decode, sound, write


@pytest.mark.parametrize("seed", range(6))
def test_corrupt_file_does_not_open_or_decode(tmp_path, seed):
    path = tmp_path / "a.mp4"
    write(path, sound())
    size = path.stat().st_size
    encoding.corrupt(path, np.random.default_rng(seed))
    assert path.stat().st_size == size
    with pytest.raises(av.FFmpegError):
        decode(path)


def test_both_ways_to_corrupt_happen(tmp_path):
    opens = []
    for seed in range(8):
        write(tmp_path / "a.mp4", sound())
        encoding.corrupt(tmp_path / "a.mp4", np.random.default_rng(seed))
        try:
            av.open(str(tmp_path / "a.mp4")).close()
            opens.append(True)
        except av.FFmpegError:
            opens.append(False)
    assert set(opens) == {True, False}


def test_truncated_file_declares_more_than_it_has(tmp_path):
    path = tmp_path / "a.mp4"
    write(path, sound())
    encoding.truncate(path, 0.4)
    with av.open(str(path)) as container:
        assert container.duration / 1e6 == pytest.approx(SECONDS, abs=0.1)
        last = max(
            float(packet.pts * packet.time_base) for packet in container.demux(video=0) if packet.pts is not None
        )
    assert last < 0.7 * SECONDS
