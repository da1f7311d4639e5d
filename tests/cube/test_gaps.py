import numpy as np
import pytest

from spaxel.cube import make_cube, usable
from spaxel.cube.completion import fit_completion
from spaxel.cube.gaps import (
    EMPTY,
    FEW,
    HOLED,
    LEAST,
    MARKED,
    PARTLY,
    WHOLE,
    ZERO,
    completed_sentence,
    completion_of,
    judge,
    lost_sentence,
    with_completion,
)
from spaxel.cube.mapping import map_tiles
from spaxel.cube.sampling import read_tile, sample_spectra
from spaxel.cube.tiles import Tile
from spaxel.testing import tiny_cube

NAN, INF = np.nan, np.inf
CASES = [
    ([1, 2, 3, 4], WHOLE, WHOLE),
    ([0, 0, 0, 4], WHOLE, WHOLE),
    ([1, NAN, 3, 4], HOLED, PARTLY),
    ([1, INF, -INF, 4], HOLED, PARTLY),
    ([1, INF, NAN, NAN], FEW, FEW),
    ([0, NAN, 0, 0], ZERO, ZERO),
    ([0, 0, 0, 0], ZERO, ZERO),
    ([NAN, NAN, INF, NAN], EMPTY, EMPTY),
]


def test_each_spectrum_is_used_or_lost_for_a_reason():
    spectra = np.array([case[0] for case in CASES])
    assert judge(spectra).tolist() == [case[1] for case in CASES]
    assert judge(spectra, least=LEAST).tolist() == [case[2] for case in CASES]
    assert judge(spectra, least=0.0).tolist() == [WHOLE, WHOLE, PARTLY, PARTLY, PARTLY, ZERO, ZERO, EMPTY]
    assert usable(spectra, least=LEAST).tolist() == [True] * 4 + [False] * 4
    assert judge(np.array([[0, 0], [0, 3]], np.uint8)).tolist() == [ZERO, WHOLE]


def test_a_mask_says_why_unless_values_say_it():
    spectra, valid = np.array([case[0] for case in CASES]), np.zeros(len(CASES), bool)
    assert (judge(spectra, valid, LEAST) == MARKED).all()
    expected = [MARKED] * 4 + [FEW, ZERO, ZERO, EMPTY]
    assert judge(spectra, valid, LEAST, by_values=True).tolist() == expected


def test_many_lost_pixels_are_said_with_the_reason():
    assert lost_sentence(np.array([90, 0, 0, 10, 0, 0, 0])) == ""
    said = lost_sentence(np.array([80, 5, 7, 4, 0, 4, 0]))
    assert "15 of 100 pixels (15%) are no data: 7 marked as no data" in said
    assert "4 all zero" in said
    assert "4 with less than half of their values" in said
    assert completed_sentence(np.array([80, 5, 7, 4, 0, 4, 0])).startswith("5 of 85 pixels with data lack some values")
    assert completed_sentence(np.array([80, 0, 7, 4, 0, 4, 0])) == ""


def gappy(height=70, width=67, share=0.05):
    cube = tiny_cube(height, width, counts=False)
    spectra = cube["spectra"].values.copy()
    missing = np.random.default_rng(0).random(spectra.shape) < share
    missing[..., 3:] &= missing.sum(-1, keepdims=True) < 4  # most of the values are there
    spectra[missing] = np.nan
    return cube.assign(spectra=(cube["spectra"].dims, spectra))


def test_a_cube_carries_how_it_is_completed():
    cube = gappy()
    model = fit_completion(cube["spectra"].values.reshape(-1, 11))
    ready = with_completion(cube, model)
    assert all(np.array_equal(a, b) for a, b in zip(completion_of(ready), model, strict=True))
    assert completion_of(with_completion(ready, None)) is None
    assert completion_of(cube) is None


@pytest.mark.parametrize("context", [0, 3])
def test_tiles_are_completed_where_they_are_read_and_the_cube_is_left_alone(context):
    cube = gappy()
    before = cube["spectra"].values.copy()
    whole_image = Tile(0, 70, 0, 67)
    ready = with_completion(cube, fit_completion(before.reshape(-1, 11)))
    expected, good = read_tile(ready, whole_image, context=context)
    assert good.all()
    assert np.isfinite(expected).all()
    assert np.array_equal(cube["spectra"].values, before, equal_nan=True)
    part, _ = read_tile(ready.chunk(y=13, x=67, channel=4), Tile(9, 40, 3, 50), context=context)
    assert np.array_equal(part, expected[9:40, 3:50])
    assert read_tile(cube, whole_image)[1].mean() == np.isfinite(before).all(-1).mean()


def test_gaps_may_stay_as_nan():
    cube = gappy()
    cube["spectra"].values[0, 0] = [1.0, *[np.nan] * 9, np.inf]
    kept, good = read_tile(cube, Tile(0, 70, 0, 67), "keep")
    assert not good[0, 0]
    assert good.mean() > 0.99
    held, good = read_tile(cube, Tile(0, 70, 0, 67), "any")
    assert good.all()
    assert not np.isinf(held).any()
    assert np.isnan(kept[good]).any()
    assert sample_spectra(cube, 10_000, gaps="any").spectra.shape[0] == good.size


def test_a_map_counts_what_it_saw():
    cube = gappy()
    cube["spectra"].values[:3] = 0
    cube["spectra"].values[5, 5] = np.nan
    ready = with_completion(cube, fit_completion(cube["spectra"].values.reshape(-1, 11)))
    fill = {"total": np.float64(np.nan)}

    def total(block, n):
        return {"total": block.sum(1)}, {}

    for memory in (2**17, None):
        maps, sums = map_tiles(total, ready, fill, memory=memory)
        assert sums["why"].sum() == 70 * 67
        assert sums["why"][[ZERO, EMPTY]].tolist() == [3 * 67, 1]
        assert sums["why"][PARTLY] == np.isnan(cube["spectra"].values[3:]).any(-1).sum() - 1
        assert np.isnan(maps["total"]).sum() == 3 * 67 + 1


def test_a_cube_of_whole_numbers_is_not_touched():
    cube = make_cube(np.arange(60, dtype=np.uint16).reshape(4, 5, 3))
    ready = with_completion(cube, fit_completion(cube["spectra"].values.reshape(-1, 3)))
    spectra, good = read_tile(ready, Tile(0, 4, 0, 5))
    assert spectra.dtype == np.uint16
    assert good.all()
