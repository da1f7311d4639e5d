"""Small spots that stand apart in colour, in an image whose first channels are noise, are a component of their own."""

from functools import cache

import numpy as np
import pytest

import spaxel
from spaxel.cube import make_cube
from spaxel.methods.consensus import spots

SIDE, CHANNELS = 96, 40


@cache
def world(seed, spotted=True):
    """A lit and a shaded half of one material beside another, round spots of a third; half of the channels are mostly noise."""
    rng = np.random.default_rng([seed, 71])
    y, x = np.mgrid[:SIDE, :SIDE]
    truth = (x >= SIDE // 2).astype(np.int32)
    for row, column in rng.integers(8, SIDE - 8, (4, 2)) * [1, 0] + [[0, 56], [0, 66], [0, 76], [0, 86]]:
        if spotted:
            truth[(y - row) ** 2 + (x - column) ** 2 <= 20] = 2
    t = np.linspace(0, 1, CHANNELS)
    pure = np.stack([0.1 + 0 * t, 0.2 + 0.5 * t, 0.2 + 0.5 * t + 0.1 * np.sin(9 * t) * (t > 0.5)])
    light = np.where((y < SIDE // 2) & (truth > 0), 0.45, 1.0)
    noise = np.where(t < 0.5, 0.2, 0.004)
    spectra = pure[truth] * light[..., None] + rng.normal(size=(SIDE, SIDE, CHANNELS)) * noise
    return make_cube(spectra.astype(np.float32), np.arange(CHANNELS) * 5.0 + 400, "nm", truth_labels=truth)


@cache
def labels_of(seed, number, sight=True):
    with pytest.MonkeyPatch.context() as patch:
        if not sight:
            patch.setattr(spaxel.Segment, "_sight", lambda *_: None)
        model = spaxel.Segment(number, n_init=2, random_state=seed).fit(world(seed))
    return model, model.predict(world(seed))


def overlap(result, seed):
    """Best intersection over union of a component with the spots."""
    truth, found = world(seed)["truth_labels"].values == 2, result["labels"].values
    return max((truth & (found == k)).sum() / (truth | (found == k)).sum() for k in np.unique(found))


@pytest.mark.parametrize("seed", [0, 1])
def test_spots_are_found_that_members_do_not_see(seed):
    assert overlap(labels_of(seed, 3, sight=False)[1], seed) < 0.4
    model, result = labels_of(seed, 3)
    assert overlap(result, seed) > 0.7
    assert len(np.unique(result["labels"].values)) == 3
    assert model.state_["spots.table"].shape[1] == 1


def test_a_cut_finds_them_too():
    assert overlap(spaxel.cut(labels_of(0, "auto")[1], 3), 0) > 0.7


def test_labels_that_hold_a_spot_stay():
    z = np.random.default_rng(1).normal(size=(900, 2))
    part = np.arange(900) % 3
    sight = spots.Sight(spots.Colours(*[np.eye(2)] * 3), z, np.zeros((3, 2)), part, np.zeros((0, 2), int))
    spot = spots.Spot(np.array([False, False, True]), 0.9)
    labels, taken = spots.with_spots(sight, [spot], part)
    assert not taken
    assert (labels == part).all()
    other = (z[:, 0] > 0).astype(int) + (z[:, 0] > 1)
    labels, taken = spots.with_spots(sight, [spot], other)
    assert taken == [spot]
    assert ((labels == 2) == (part == 2)).all()


def test_two_components_are_left_as_they_are():
    z = np.random.default_rng(1).normal(size=(900, 2))
    part = np.arange(900) % 3
    sight = spots.Sight(spots.Colours(*[np.eye(2)] * 3), z, np.zeros((3, 2)), part, np.zeros((0, 2), int))
    labels, taken = spots.with_spots(sight, [spots.Spot(part[:3] == 2, 0.9)], (z[:, 0] > 0).astype(int))
    assert not taken
    assert labels.max() == 1


def test_no_spot_no_table():
    model = spaxel.Segment(3, n_init=1).fit(world(0, spotted=False))
    assert "spots.table" not in model.state_


def test_a_saved_model_has_them(tmp_path):
    model, result = labels_of(0, 3)
    again = spaxel.load(model.save(tmp_path / "model")).predict(world(0))
    assert (again["labels"].values == result["labels"].values).all()
