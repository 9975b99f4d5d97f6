"""The clip manifest: one row a clip, the table that every stage reads and widens.

Stages add columns and never change rows; a rejected clip stays in the table with its verdict and reason. A clip's `path` is
relative to the directory that holds the manifest which named it first, so that a result can be moved as a whole.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from leftright.errors import InputError
from leftright.files import replace_file

MANIFEST = "clips.parquet"
FILTERED = "filtered.parquet"

# What `collect` writes, with the pandas type of each column.
CLIP_COLUMNS: dict[str, str] = {
    "clip": "str",  # <video>_<start_ms>_<end_ms>
    "video": "str",
    "channel": "str",
    "start_ms": "int64",
    "end_ms": "int64",
    "path": "str",
    "sha256": "str",
    "bytes": "int64",
    "duration_s": "float64",
    "width": "int64",
    "height": "int64",
    "frame_rate": "float64",
    "video_codec": "str",
    "sample_rate": "int64",  # of the sound as it came; 0 where there is none
    "num_channels": "int64",  # likewise
    "channel_layout": "str",
    "audio_codec": "str",
    "projection": "str",  # as the video that it was cut from declares it, one of PROJECTIONS
    "sound_field": "str",  # likewise, one of SOUND_FIELDS
    "source": "str",  # folder, urls or youtube
    "url": "str",
    "title": "str",
}

PROJECTIONS = (
    "", "equirectangular", "cubemap", "mesh", "half_equirectangular", "rectilinear", "fisheye", "immersive",
)  # fmt: skip
"""What `projection` may be; "" is unknown."""

SOUND_FIELDS = ("", "ambix", "ambix+head_locked", "wxyz_sn3d", "wxyz_sn3d+head_locked", "other")
"""What `sound_field` may be: unknown; ACN order with SN3D; SN3D in the order W, X, Y, Z; declared, but as nothing that is
read here. Two channels that do not turn with the head may follow.
"""

# What `filter` adds: what was measured of each clip, audio before visual. A measure that was not taken, since an earlier check
# had failed, is NaN, and a list is empty.
MEASURE_COLUMNS: dict[str, str] = {
    "audio_duration_s": "float64",
    "video_duration_s": "float64",
    "rms_db": "float64",  # of the quieter channel, full scale 0
    "channel_correlation": "float64",
    "side_to_mid_db": "float64",
    "polarity": "float64",  # correlation of the channels where no head is wide enough to turn the phase
    "offcentre_share": "float64",  # of time bins
    "log_energy_difference_db": "float64",
    "motion": "float64",  # grey levels of 255
    "scene_signature": "object",  # list of float64: the clip's median frame, tiny
    "face_share": "float64",  # of the sampled frames
    "face_score": "float64",  # of the best face, median over the sampled frames
    "num_faces": "float64",  # median over the sampled frames
    "face_times_s": "object",  # lists of float64, one item a sampled frame
    "face_xs": "object",  # centre of the largest face, 0 at the picture's left, 1 at its right; NaN where there is none
    "face_lefts": "object",  # of that face's box, 0 at the picture's left, 1 at its right, cut to these; NaN likewise
    "face_tops": "object",  # 0 at the picture's top, 1 at its bottom
    "face_rights": "object",
    "face_bottoms": "object",
    "face_led_db": "object",  # log energy difference of the sound around that time
    "verdict": "str",  # kept or rejected
    "reason": "str",  # "" where kept, else the first of REASONS that holds
}

FACE_EDGES = ("face_lefts", "face_tops", "face_rights", "face_bottoms")
"""The box of the largest face, in the order that detectors have."""

REASONS = (
    "unreadable",
    "truncated",
    "no_picture",
    "no_sound",
    "not_stereo",
    "silent",
    "dual_mono",
    "near_mono",
    "inverted",
    "length_mismatch",
    "still",
    "centred",
    "no_face",
)
"""Why a clip is rejected, in the order in which the checks are made."""


def clip_id(video: str, start_ms: int, end_ms: int) -> str:
    """The name of a clip, in the form of the authors' published lists."""
    return f"{video}_{start_ms}_{end_ms}"


def safe_name(text: str) -> str:
    """`text` as a name for files, shard keys and clip ids: letters, digits, `-` and `_`. YouTube ids pass unchanged."""
    inside = re.sub(r"^[^A-Za-z0-9_-]+|[^A-Za-z0-9_-]+$", "", text)
    return re.sub(r"[^A-Za-z0-9_-]+", "-", inside) or "unnamed"


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a Parquet table in one step."""
    with replace_file(path) as temporary:
        table.to_parquet(temporary, index=False)


def read_table(path: Path, columns: Sequence[str] = ()) -> pd.DataFrame:
    """Read a Parquet table; raises InputError if it is missing, unreadable, or lacks one of `columns`."""
    if not path.is_file():
        raise InputError(f"{path}: no such table; run the stage that writes it, or correct the path")
    try:
        table = pd.read_parquet(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable Parquet table ({error})".replace("\n", " ")) from None
    if missing := [name for name in columns if name not in table.columns]:
        raise InputError(f"{path}: lacks the column(s) {', '.join(missing)}; run the stage that adds them")
    return table


def read_tables(directories: Sequence[Path], name: str, columns: Sequence[str] = ()) -> pd.DataFrame:
    """Read table `name` of each directory (the parts of a fanned-out stage) as one, ordered by clip.

    Raises InputError as `read_table`, or where two parts hold the same clip.
    """
    parts = [read_table(directory / name, columns) for directory in directories]
    table = pd.concat(parts, ignore_index=True).sort_values("clip", ignore_index=True)
    if repeated := table.loc[table["clip"].duplicated(), "clip"].unique().tolist():
        raise InputError(f"{directories[-1] / name}: the clip {repeated[0]} stands in two parts; name each part once")
    return table


def locate(path: str, directories: Sequence[Path]) -> Path:
    """The file of a manifest's relative `path`, looked for in each directory. Raises InputError where none has it."""
    for directory in directories:
        if (found := directory / path).is_file():
            return found
    raise InputError(f"{path}: in none of {', '.join(map(str, directories))}; run collect again, or name its directory")
