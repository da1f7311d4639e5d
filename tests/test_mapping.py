import numpy as np
import pytest

from spaxel.cube import make_cube
from spaxel.errors import MemoryBudgetError
from spaxel.mapping import BLOCK, map_tiles
from spaxel.testing import tiny_cube

FILL = {"total": np.float64(np.nan)}


def _total(spectra, n):
    return {"total": spectra.sum(1, dtype=float)}, {"sum": spectra[:n].sum(0, dtype=float), "n": np.array(n)}


def test_each_usable_pixel_is_mapped_once():
    cube = tiny_cube(70, 65)
    spectra = cube["spectra"].values.copy()
    spectra[:20, :5] = 0
    maps, sums = map_tiles(_total, make_cube(spectra), FILL)
    assert np.array_equal(maps["total"][20:], spectra[20:].sum(2))
    assert np.isnan(maps["total"][:20, :5]).all()
    assert sums["n"] == 70 * 65 - 100
    assert np.array_equal(sums["sum"], spectra.sum((0, 1)))


def test_every_call_sees_the_same_number_of_rows():
    seen = set()

    def spy(spectra, n):
        seen.add(len(spectra))
        return _total(spectra, n)

    map_tiles(spy, tiny_cube(70, 65), FILL, memory=2**17, scheduler="synchronous")
    assert seen == {BLOCK}


def test_nothing_to_map_gives_empty_maps():
    maps, sums = map_tiles(_total, make_cube(np.zeros((3, 4, 5))), FILL)
    assert np.isnan(maps["total"]).all()
    assert sums == {}


def test_progress_ends_at_all():
    told = []
    map_tiles(_total, tiny_cube(70, 65), FILL, memory=2**17, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (70 * 65, 70 * 65)
    assert sorted(told) == told


def test_too_small_a_budget_is_refused():
    with pytest.raises(MemoryBudgetError, match="Try a larger memory"):
        map_tiles(_total, tiny_cube(), FILL, memory=10)
