"""Write the FAIR-Play data set as training shards, in the form of `pack`.

Its clips come with a split, so that there is nothing to filter or curate. Whichever kind of split a later stage asks for, by
video, channel or scene, gets the one that was given here. docs/fairplay.md says what each is worth.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from leftright.data import fairplay
from leftright.data.packing import Packing, account, write_shards
from leftright.data.splits import PARTS
from leftright.results import Value


def run(packing: Packing, *, root: Path, split: Path, out: Path, part: str = "0/1") -> Mapping[str, Value]:
    """Pack the clips that a split names.

    root : the directory that holds `videos` and `binaural_audios`. split : the directory of one split, with `train`, `val` and
    `test` as `.h5` or `.txt`. out : gets `shard-NNNNN.tar` and `index.parquet`. part : which shards to write, "index/count".
    Raises InputError where split and files do not agree, or a file is not what it should be.
    """
    clips = fairplay.find_clips(root, split)
    index = write_shards(clips, fairplay.read_clip, packing, out, {"clips": fairplay.identity(clips)}, part)
    values = account("fairplay", index)
    counts = Counter(index["split_video"])
    for name in PARTS:
        values.add(f"clips.{name}", counts[name])
    print(f"{out}: {len(index)} clips, {', '.join(f'{counts[name]} {name}' for name in PARTS)}")
    return values.values
