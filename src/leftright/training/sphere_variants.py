"""The networks of the 360 evaluation: the paper's, and each of its ablations and comparisons (supplement, tables 2 and 3)."""

from dataclasses import dataclass
from typing import Literal

from leftright.models.sound_field import Channels


@dataclass(frozen=True)
class SphereVariant:
    """One of them. channels : what it hears. start : of its visual network. is_short : sees short windows. is_hard : is trained
    on sounds that are turned by any angle but a small one.
    """

    name: str
    channels: Channels = "all"
    start: Literal["scratch", "supervised"] = "scratch"
    is_short: bool = False
    is_hard: bool = False


KNOWN = (
    SphereVariant("full"),
    SphereVariant("supervised", start="supervised"),
    SphereVariant("no_w", channels="no_w"),
    SphereVariant("no_xyz", channels="no_xyz"),
    SphereVariant("short", is_short=True),
    SphereVariant("harder", is_hard=True),
)


def variant_of(name: str) -> SphereVariant:
    """The variant of a name."""
    return next(each for each in KNOWN if each.name == name)
