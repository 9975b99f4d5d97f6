"""What decides the world, with the ranges in which it makes sense."""

from dataclasses import dataclass
from typing import Final

from leftright.errors import InputError
from leftright.simulation import faults
from leftright.simulation.camera import Camera

FIRST_ORDER: Final = "first_order"  # W, Y, Z, X
NO_Z: Final = "no_z"  # W, Y, X
SILENT_Z: Final = "silent_z"  # W, Y, nothing, X
HEAD_LOCKED: Final = "head_locked"  # W, Y, Z, X, left, right
TRACKS: Final = (FIRST_ORDER, NO_Z, SILENT_Z, HEAD_LOCKED)
"""The kinds of sound that 360 videos have."""


@dataclass(frozen=True)
class WorldParameters:
    """What decides the world."""

    seed: int
    """seed of everything that is drawn by chance"""
    num_channels: int
    """how many performers; more add channels and leave the earlier ones as they are"""
    min_videos: int
    """fewest videos of a channel"""
    max_videos: int
    """most videos of a channel"""
    min_duration_s: float
    """length of the shortest video"""
    max_duration_s: float
    """length of the longest video"""
    short_duration_s: float
    """length of the videos that are planted as shorter than a clip"""
    width: int
    """pixels of a picture's width, an even number"""
    height: int
    """pixels of a picture's height, an even number"""
    frame_rate: int
    """pictures a second"""
    fov_deg: float
    """the camera's horizontal field of view in degrees"""
    quality: int
    """x264's constant rate factor: less is better and larger"""
    sample_rate: int
    """of the sound, in Hz"""
    audio_bit_rate: int
    """AAC's bits a second"""
    hrtf: str
    """a SOFA file of measured head-related responses; empty for a spherical head"""
    min_rt60_s: float
    """reverberation time of the driest room; 0 with max_rt60_s 0 is no room at all"""
    max_rt60_s: float
    """reverberation time of the most reverberant room"""
    room_tone_db: float
    """level of the rooms' hush, RMS in dB of full scale"""
    min_depth_m: float
    """distance of the nearest performer's face"""
    max_depth_m: float
    """distance of the farthest performer's face"""
    min_azimuth_deg: float
    """least azimuth of a place where a source dwells, to either side"""
    max_azimuth_deg: float
    """greatest azimuth of a source, to either side; inside half the field of view"""
    habit_strength: float
    """how far the probability of a performer's favourite side is from a half, 0 to 0.5"""
    instrument_share: float
    """share of the videos in which a hand taps or brushes; in the others the mouth speaks"""
    swapped_share: float
    """share of videos with left and right sound exchanged"""
    mirrored_share: float
    """share of videos with the picture mirrored"""
    mono_share: float
    """share of videos with one audio channel"""
    dual_mono_share: float
    """share of videos with two equal audio channels"""
    centred_share: float
    """share of videos whose source stays straight ahead"""
    silent_share: float
    """share of videos without sound to speak of"""
    still_share: float
    """share of videos with one picture throughout"""
    no_face_share: float
    """share of videos that show no face"""
    second_face_share: float
    """share of videos with a second, silent face; these are valid"""
    corrupt_share: float
    """share of files that do not open or decode"""
    truncated_share: float
    """share of files that end long before their declared length"""
    short_share: float
    """share of videos shorter than a clip"""
    sphere_num_videos: int
    """how many 360 videos, beside the stereo ones; more leave the earlier ones as they are"""
    sphere_min_duration_s: float
    """length of the shortest 360 video"""
    sphere_max_duration_s: float
    """length of the longest 360 video"""
    sphere_width: int
    """pixels of an equirectangular picture's width, a multiple of 4; it is half as high"""
    sphere_frame_rate: int
    """pictures a second of the 360 videos"""
    sphere_sample_rate: int
    """of the 360 videos' sound, in Hz"""
    sphere_audio_bit_rate: int
    """AAC's bits a second of each of its channels"""
    sphere_max_sources: int
    """most people and things that sound in a 360 video; the fewest is 1"""
    sphere_max_silent: int
    """most people and things that are seen in a 360 video and never sound"""
    sphere_overlap_share: float
    """share of 360 videos whose sources take no turns"""
    sphere_min_distance_m: float
    """distance of the nearest face in a 360 video; a hand is a little nearer than its owner's face would be"""
    sphere_max_distance_m: float
    """distance of the farthest face in a 360 video"""
    sphere_max_elevation_deg: float
    """greatest elevation of a source in a 360 video, up or down"""
    sphere_outdoor_share: float
    """share of the 360 videos' channels that are outdoors, without any room"""
    sphere_no_z_share: float
    """share of 360 videos with three channels of sound (W, Y, X)"""
    sphere_silent_z_share: float
    """share of 360 videos with four channels of sound, of which Z is silent"""
    sphere_head_locked_share: float
    """share of 360 videos with six channels: the ambisonic four and music for two ears that does not turn with the head"""
    sphere_unseen_share: float
    """share of 360 videos that show no source: an unseen voice or hand"""
    sphere_tau_recordings: int
    """how many ambisonic recordings of annotated sound events, in the form of TAU Spatial Sound Events 2019"""
    sphere_tau_duration_s: float
    """length of each of these"""

    def __post_init__(self) -> None:
        for name in ("seed", "num_channels", "min_videos", "frame_rate", "sample_rate", "audio_bit_rate"):
            _check(getattr(self, name) >= (name != "seed"), self, name, "give a positive number")
        _check(self.max_videos >= self.min_videos, self, "max_videos", "give at least min_videos")
        _check(self.min_duration_s >= 2, self, "min_duration_s", "give at least 2 s")
        _check(self.max_duration_s >= self.min_duration_s, self, "max_duration_s", "give at least min_duration_s")
        _check(self.short_duration_s >= 2, self, "short_duration_s", "give at least 2 s")
        for name in ("width", "height"):
            _check(
                getattr(self, name) >= 32 and getattr(self, name) % 2 == 0, self, name, "give an even number from 32"
            )
        _check(10 <= self.fov_deg <= 150, self, "fov_deg", "give 10 to 150 degrees")
        _check(0 <= self.quality <= 51, self, "quality", "give 0 to 51")
        _check(0 <= self.min_rt60_s <= self.max_rt60_s, self, "min_rt60_s", "give 0 to max_rt60_s")
        _check(0.2 <= self.min_depth_m <= self.max_depth_m, self, "min_depth_m", "give 0.2 to max_depth_m")
        _check(0 <= self.min_azimuth_deg < self.max_azimuth_deg, self, "min_azimuth_deg", "give 0 to max_azimuth_deg")
        _check(self.max_azimuth_deg < self.fov_deg / 2, self, "max_azimuth_deg", "stay inside half of fov_deg")
        _check(0 <= self.habit_strength <= 0.5, self, "habit_strength", "give 0 to 0.5")
        _check(0 <= self.instrument_share <= 1, self, "instrument_share", "give 0 to 1")
        for fault, share in self.shares.items():
            _check(0 <= share <= 1, self, f"{fault}_share", "give 0 to 1")
        if sum(self.shares.values()) > 1:
            raise InputError("the shares of the faults add up to more than 1; lower them")
        self._check_sphere()

    def _check_sphere(self) -> None:
        for name in ("sphere_num_videos", "sphere_max_silent", "sphere_tau_recordings"):
            _check(getattr(self, name) >= 0, self, name, "give 0 or more")
        for name in ("sphere_frame_rate", "sphere_sample_rate", "sphere_audio_bit_rate", "sphere_max_sources"):
            _check(getattr(self, name) >= 1, self, name, "give a positive number")
        shortest, longest = self.sphere_min_duration_s, self.sphere_max_duration_s
        _check(shortest >= 2, self, "sphere_min_duration_s", "give at least 2 s")
        _check(longest >= shortest, self, "sphere_max_duration_s", "give at least sphere_min_duration_s")
        _check(self.sphere_tau_duration_s >= 5, self, "sphere_tau_duration_s", "give at least 5 s")
        width = self.sphere_width
        _check(width >= 64 and width % 4 == 0, self, "sphere_width", "give a multiple of 4 from 64")
        nearest, farthest = self.sphere_min_distance_m, self.sphere_max_distance_m
        _check(0.2 <= nearest <= farthest, self, "sphere_min_distance_m", "give 0.2 to sphere_max_distance_m")
        _check(0 <= self.sphere_max_elevation_deg <= 60, self, "sphere_max_elevation_deg", "give 0 to 60 degrees")
        for name in ("overlap", "outdoor", "unseen", *self.sphere_tracks):
            _check(0 <= getattr(self, f"sphere_{name}_share") <= 1, self, f"sphere_{name}_share", "give 0 to 1")
        if sum(self.sphere_tracks.values()) > 1:
            raise InputError("the shares of the 360 videos' kinds of sound add up to more than 1; lower them")

    @property
    def sphere_tracks(self) -> dict[str, float]:
        """The share of 360 videos with each kind of sound that is not plain first-order ambisonics."""
        return {track: getattr(self, f"sphere_{track}_share") for track in (NO_Z, SILENT_Z, HEAD_LOCKED)}

    @property
    def shares(self) -> dict[str, float]:
        """The share of videos with each fault."""
        return {fault: getattr(self, f"{fault}_share") for fault in faults.FAULTS}

    @property
    def camera(self) -> Camera:
        """The camera that sees it all."""
        return Camera(self.fov_deg, self.width, self.height)


def _check(holds: bool, parameters: WorldParameters, name: str, what_to_do: str) -> None:
    if not holds:
        raise InputError(f"{name} {getattr(parameters, name)}: out of range; {what_to_do}")
