import pytest

from leftright.errors import InputError
from leftright.simulation import faults
from tests.tiny_world import tiny_world


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"num_channels": 0}, "num_channels 0"),
        ({"min_videos": 3}, "max_videos 2"),
        ({"min_duration_s": 5.0}, "max_duration_s 4.0"),
        ({"width": 97}, "width 97"),
        ({"fov_deg": 200.0}, "fov_deg 200.0"),
        ({"max_azimuth_deg": 40.0}, "max_azimuth_deg 40.0: out of range; stay inside half of fov_deg"),
        ({"min_rt60_s": 0.5}, "min_rt60_s 0.5"),
        ({"habit_strength": 0.6}, "habit_strength 0.6"),
        ({"mono_share": -0.1}, "mono_share -0.1"),
        ({"mono_share": 0.6, "silent_share": 0.6}, "add up to more than 1"),
        ({"seed": -1}, "seed -1"),
        ({"sphere_num_videos": -1}, "sphere_num_videos -1"),
        ({"sphere_width": 98}, "sphere_width 98: out of range; give a multiple of 4"),
        ({"sphere_max_sources": 0}, "sphere_max_sources 0"),
        ({"sphere_min_duration_s": 5.0}, "sphere_max_duration_s 4.0"),
        ({"sphere_max_distance_m": 0.3}, "sphere_min_distance_m 0.42"),
        ({"sphere_max_elevation_deg": 70.0}, "sphere_max_elevation_deg 70.0"),
        ({"sphere_unseen_share": 1.5}, "sphere_unseen_share 1.5"),
        ({"sphere_no_z_share": 0.6, "sphere_head_locked_share": 0.6}, "kinds of sound add up to more than 1"),
        ({"sphere_tau_duration_s": 1.0}, "sphere_tau_duration_s 1.0"),
    ],
)
def test_senseless_values_are_named_in_one_line(changes, said):
    with pytest.raises(InputError, match=said) as caught:
        tiny_world(**changes)
    assert "\n" not in str(caught.value)


def test_shares_are_the_parameters():
    assert tiny_world(still_share=0.25).shares == {**dict.fromkeys(faults.FAULTS, 0.0), faults.STILL: 0.25}


def test_camera_is_the_parameters():
    lens = tiny_world().camera
    assert (lens.fov_deg, lens.width, lens.height) == (75.0, 128, 96)
