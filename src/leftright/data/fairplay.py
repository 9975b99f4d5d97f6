"""The FAIR-Play data set as its authors publish it: which part of a split each clip is in, and where its media lie.

    ROOT/videos/NNNNNN.mp4              the picture
    ROOT/binaural_audios/NNNNNN.wav     the sound, recorded with two ears
    ROOT/splits/splitK/{train,val,test}.h5

A list of a split names files of its authors' machines: the HDF5 ones `.../binaural16k/000234.wav`, in the data set `audio`, and
the text ones of the scene-disjoint splits `000234.mp3`, one a line. Only the number is ours, so only the number counts.
"""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from leftright import audio
from leftright.clips import clip_id
from leftright.data.packing import FACE_COLUMNS, Row, Source, read_stereo
from leftright.data.splits import KINDS, PARTS
from leftright.data.stream_measures import measure_streams
from leftright.errors import InputError
from leftright.files import sha256

CHANNEL = "fairplay"
"""The channel of every clip: the set names neither performers nor recordings."""

URL = "https://github.com/facebookresearch/FAIR-Play"

_CLIP_MS = 10_000
# By their sizes the sounds last 9.98 s or 10.01 s, and the authors' program looks at pictures up to 9.5 s: less was cut off.
_LEAST_S = 9.0
_NUMBER = re.compile(r"(?:^|[/\\])(\d+)(?:\.\w+)?$")
_POINTER = b"version https://git-lfs"
_FETCH = "fetch it again"


def find_clips(root: Path, split: Path) -> list[Row]:
    """What `read_clip` needs of each clip that the split names, ordered by number.

    root : the directory that holds `videos` and `binaural_audios`. split : the directory of one split's lists. Nothing is
    decoded. Raises InputError where a list is missing or unreadable, or where lists and files do not name the same clips once.
    """
    part_of = read_split(split)
    rows: list[Row] = []
    for number, part in sorted(part_of.items()):
        sound, picture = root / "binaural_audios" / f"{number}.wav", root / "videos" / f"{number}.mp4"
        for path in (sound, picture):
            _require(path)
        rows.append(
            {
                "clip": clip_id(number, 0, _CLIP_MS),
                "video": number,
                "part": part,
                "sound": sound,
                "picture": picture,
                "bytes": [path.stat().st_size for path in (sound, picture)],
            }
        )
    for path in sorted((root / "binaural_audios").glob("[0-9]*.wav")):
        if path.stem not in part_of:
            raise InputError(f"{path}: no list of {split} names it; add it to one, or move the file away")
    return rows


def identity(rows: Sequence[Row]) -> list[list[Any]]:
    """What tells one job from another, as JSON values: each clip with its part and its files' sizes in bytes."""
    return [[row["clip"], row["part"], *row["bytes"]] for row in rows]


def read_split(directory: Path) -> dict[str, str]:
    """The part of each clip, train, val or test, by its number as text.

    directory : holds `train`, `val` and `test`, each as `.h5` or `.txt`. Raises InputError where a list is missing, cannot be
    read or is empty, where an entry ends in no number, or where a number comes twice.
    """
    part_of: dict[str, str] = {}
    for part in PARTS:
        path = _list_of(directory, part)
        for entry in _entries(path):
            if not (found := _NUMBER.search(entry)):
                raise InputError(f"{path}: {entry!r} does not end in a clip's number, such as 000234.wav; correct it")
            if (number := found[1]) in part_of:
                raise InputError(f"{path}: the clip {number} is in {part_of[number]} already; leave it in one place")
            part_of[number] = part
    return part_of


def read_clip(row: Row) -> Source:
    """A clip of `find_clips` with its sound decoded.

    Raises InputError where the sound is not stereo, the picture is missing, or either ends long before the clip should.
    """
    waveform = read_stereo(row["sound"], _FETCH)
    video_duration_s = _picture_s(row["picture"])
    _require_length(row["sound"], waveform.shape[1] / audio.SAMPLE_RATE)
    _require_length(row["picture"], video_duration_s)
    description = {
        "clip": row["clip"],
        "video": row["video"],
        "channel": CHANNEL,
        "start_ms": 0,
        "end_ms": _CLIP_MS,
        "source": "fairplay",
        "url": URL,
        "title": "",
        "sha256": sha256(row["sound"]),
        "scene": "",
        **{f"split_{kind}": row["part"] for kind in KINDS},
        "log_energy_difference_db": float(audio.log_energy_difference(audio.from_pcm(waveform))),
    }
    return Source(description, dict.fromkeys(FACE_COLUMNS, ()), waveform, row["picture"], video_duration_s)


def _list_of(directory: Path, part: str) -> Path:
    found = [path for path in (directory / f"{part}.h5", directory / f"{part}.txt") if path.is_file()]
    if not found:
        raise InputError(
            f"{directory / part}.h5: no such list, nor {part}.txt; name the directory of one split, such as splits/split1"
        )
    if len(found) > 1:
        raise InputError(f"{found[0]}: {found[1].name} lies beside it; remove the one that is not to count")
    return found[0]


def _entries(path: Path) -> list[str]:
    _refuse_pointer(path)
    entries = [entry.strip() for entry in (_read_hdf5(path) if path.suffix == ".h5" else _read_text(path))]
    if not (entries := [entry for entry in entries if entry]):
        raise InputError(f"{path}: names no clip; {_FETCH}")
    return entries


def _read_hdf5(path: Path) -> list[str]:
    try:
        import h5py
    except ImportError:
        raise InputError(f"{path}: reading HDF5 needs h5py; install leftright[fairplay]") from None
    try:
        with h5py.File(path) as file:
            entries = file["audio"][:].tolist()
        return [entry.decode() if isinstance(entry, bytes) else str(entry) for entry in entries]
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: no HDF5 file with a list `audio` ({error}); {_FETCH}".replace("\n", " ")) from None


def _read_text(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as text ({error}); {_FETCH}") from None


def _require(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"{path}: no such file, and the split names it; fetch it, or take it out of the split's list")
    _refuse_pointer(path)


def _refuse_pointer(path: Path) -> None:
    """A clone without Git LFS holds three lines of text in the place of each file."""
    with path.open("rb") as stream:
        if stream.read(len(_POINTER)) == _POINTER:
            raise InputError(f"{path}: a pointer of Git LFS in the file's place; run `git lfs pull` in the clone")


def _picture_s(path: Path) -> float:
    duration_s = measure_streams(path).video_duration_s
    if math.isnan(duration_s):
        raise InputError(f"{path}: has no picture; {_FETCH}")
    return duration_s


def _require_length(path: Path, duration_s: float) -> None:
    if duration_s < _LEAST_S:
        raise InputError(f"{path}: ends after {duration_s:.2f} s of {_CLIP_MS // 1000}; {_FETCH}")
