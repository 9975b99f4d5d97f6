"""What speaks against a picture that is to be read as the whole sphere, by what its file declares and by its shape.

A declaration is often missing, and a picture is never refused for what is declared of it: these are doubts, for a person or a
stage to act on.
"""

from leftright.spherical import Metadata

ADVICE = {
    "undeclared": "no projection is declared, and the picture has the shape of the whole sphere, 2 to 1: look at a frame",
    "not_a_sphere": "no projection is declared, and the picture has not the shape of the whole sphere, 2 to 1",
    "not_equirectangular": "another projection: convert it (ffmpeg -i IN -c:a copy -vf v360=INPUT:equirect OUT; `c3x2` is"
    " FFmpeg's cube map and `eac` YouTube's)",
    "cropped": "a part of the sphere is missing: where it is at the left or right, no shift of the picture is a turn",
    "two_pictures": "a picture for each eye: keep one (top and bottom: ffmpeg -i IN -c:a copy -vf crop=iw:ih/2:0:0 OUT)",
    "turned": "a player would turn it first; picture and sound are both left as they lie in the file",
}
"""What each doubt means for whoever has the file."""

DOUBTS = tuple(ADVICE)

_SHAPE = 2.0  # width to height of the whole sphere
_TOLERANCE = 0.05  # encoders round to whole blocks


def picture_doubts(declared: Metadata, width: int, height: int) -> tuple[str, ...]:
    """The doubts about a picture of so many pixels, in the order of DOUBTS; none about a film without one."""
    if not width or not height:
        return ()
    has_two = declared.stereo_mode not in ("", "mono")
    is_wide = abs(width / height / _SHAPE - 1) <= _TOLERANCE
    holds = {
        "undeclared": not declared.projection and is_wide,
        "not_a_sphere": not declared.projection and not is_wide,
        "not_equirectangular": declared.projection not in ("", "equirectangular"),
        "cropped": any(declared.cropped),
        "two_pictures": has_two,
        "turned": any((declared.yaw_deg, declared.pitch_deg, declared.roll_deg)),
    }
    return tuple(name for name in DOUBTS if holds[name])
