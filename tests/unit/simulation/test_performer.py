from dataclasses import asdict

import numpy as np
import pytest

from leftright.simulation.performer import draw, draw_look

RT60_S, DEPTH = (0.1, 0.2), (0.4, 0.5)


def test_same_generator_draws_the_same_performer():
    first, again, other = (draw(np.random.default_rng(seed), RT60_S, DEPTH) for seed in (1, 1, 2))
    assert first == again != other


def test_ranges_are_kept():
    performers = [draw(np.random.default_rng(seed), RT60_S, DEPTH) for seed in range(50)]
    assert all(RT60_S[0] <= performer.room.rt60_s <= RT60_S[1] for performer in performers)
    assert all(DEPTH[0] <= performer.depth <= DEPTH[1] for performer in performers)
    assert {performer.favourite_side for performer in performers} == {-1, 1}


def test_looks_are_many():
    looks = [draw_look(np.random.default_rng(seed)) for seed in range(60)]
    assert len({look.skin for look in looks}) > 50
    assert len({look.hair_style for look in looks}) == 6
    assert {look.glasses for look in looks} == {"none", "round", "square"}


@pytest.mark.parametrize("seed", range(5))
def test_colours_are_colours(seed):
    look = asdict(draw_look(np.random.default_rng(seed)))
    for name in ("skin", "hair", "eyes", "lips", "clothes"):
        assert all(0 <= part <= 255 for part in look[name])
