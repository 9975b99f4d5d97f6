"""What is wrong with some videos, by plan: which faults there are, and which video has which.

The shares are kept exactly, block by block: the videos are counted through in blocks, each with its quota of every fault at
shuffled places. So no fault is missing by bad luck, and a longer world begins with the shorter one's videos.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

NONE: Final = "none"
SWAPPED: Final = "swapped"  # left and right sound exchanged for the whole video
MIRRORED: Final = "mirrored"  # the picture mirrored, the sound not
MONO: Final = "mono"  # one audio channel
DUAL_MONO: Final = "dual_mono"  # two equal audio channels
CENTRED: Final = "centred"  # the source straight ahead throughout
SILENT: Final = "silent"  # two audio channels of next to nothing
STILL: Final = "still"  # one picture throughout
NO_FACE: Final = "no_face"  # a hand at work, nobody to be seen
SECOND_FACE: Final = "second_face"  # a silent second person: a valid video
CORRUPT: Final = "corrupt"  # a file that does not open or does not decode
TRUNCATED: Final = "truncated"  # a file that ends long before its declared length
SHORT: Final = "short"  # shorter than a clip

FAULTS: Final = (
    SWAPPED, MIRRORED, MONO, DUAL_MONO, CENTRED, SILENT, STILL, NO_FACE, SECOND_FACE, CORRUPT, TRUNCATED, SHORT,
)  # fmt: skip

_BLOCK = 50  # videos


def fault_of(index: int, shares: Mapping[str, float], seed: int) -> str:
    """The fault of the world's video number `index`.

    shares : share of the videos, 0..1, by fault; together at most 1. The answer depends on no other video.
    """
    return planted(index, {fault: shares[fault] for fault in FAULTS}, _BLOCK, [seed])


def planted(index: int, shares: Mapping[str, float], block_size: int, key: Sequence[int]) -> str:
    """Which of the named things, if any, thing number `index` is given.

    shares : share of all, 0..1, by name; together at most 1. block_size : each block of so many has its quotas. key : seeds the
    places. Returns NONE for the others.
    """
    block, place = divmod(index, block_size)
    given: list[str] = []
    for name, share in shares.items():
        before, after = (round(share * block_size * count) for count in (block, block + 1))
        given += [name] * (after - before)
    given += [NONE] * (block_size - len(given))
    order = np.random.default_rng([*key, block]).permutation(block_size)
    return given[order[place]]
