import re

import numpy as np
import pytest

from spaxel.cube import make_cube
from spaxel.errors import CubeError
from spaxel.methods.registry import method_class
from spaxel.testing import tiny_cube
from spaxel.workflow.describe import BASE, EXTRAS, describe, diagnose, fit_memory
from spaxel.workflow.expected import SAMPLE


def test_what_a_cube_is_in_words():
    found = describe(tiny_cube(20, 17))
    assert found["pixels"] == "20 x 17 (y, x), origin upper"
    assert found["channels"] == 11
    assert found["axis"] == "energy (keV): 1 to 6"
    assert found["step"] == "0.5"
    assert found["values"] == "uint16, 7.30 kiB in all"
    assert found["chunks"] == "in memory"
    assert found["valid"] == "100.0% of the pixels looked at"
    assert found["looks like"].startswith("photon counts")
    assert found["channels that say nothing"] == "none"
    assert found["truth labels"] == "20 x 17"
    assert "a fit takes" in found


def test_what_is_odd_is_said():
    spectra = tiny_cube(20, 17)["spectra"].values.astype(float)
    spectra[:, :, 3] = 0
    spectra[:10] = np.nan
    cube = make_cube(spectra, [1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100], "nm", origin="lower", guesses=["One.", "Two."])
    found = describe(cube.chunk({"y": 5, "x": 17, "channel": 11}))
    assert found["step"] == "1 to 90 (uneven)"
    assert found["chunks"] == "5 x 17 x 11, lazy"
    assert found["valid"] == "50.0% of the pixels looked at"
    assert found["channels that say nothing"] == "1 (1 zero)"
    assert found["guess 1"] == "One."
    assert found["guess 2"] == "Two."
    assert "origin lower" in found["pixels"]


def test_a_cube_without_data_is_described_all_the_same():
    found = describe(make_cube(np.zeros((3, 4, 1))))
    assert found["step"] == "one channel"
    assert found["valid"].startswith("0 % of the pixels looked at")
    with pytest.raises(CubeError):
        describe(np.zeros((3, 4, 5)))


def test_memory_of_a_fit_is_bounded():
    import dask.array as da

    def cube(side):
        return make_cube(da.zeros((side, side, 1000), dtype="u2", chunks=(64, 64, 1000)))

    for method in SAMPLE:
        small, large = fit_memory(cube(2000), method), fit_memory(cube(4000), method)
        assert 2**28 < small <= large < 1.5 * small
    loaded = make_cube(np.zeros((50, 50, 400), "f4"))
    assert fit_memory(loaded) == BASE + 14 * loaded["spectra"].nbytes + loaded["spectra"].nbytes
    assert fit_memory(loaded, "kmeans") < fit_memory(loaded)


def test_memory_is_that_of_the_methods_that_are_asked_for():
    found = describe(make_cube(np.random.default_rng(0).random((9, 9, 20))), ["consensus", "kmeans"])
    assert re.match(r"at most about \S+ MiB with consensus, \S+ MiB with kmeans of memory", found["a fit takes"])


@pytest.mark.parametrize("method", SAMPLE)
def test_fits_look_at_as_many_spectra_as_is_said(method):
    assert method_class(method)().n_sample == SAMPLE[method]


def test_what_is_installed(monkeypatch):
    monkeypatch.setattr("spaxel.workflow.foreseen.fixed_memory", lambda deep: (2**28, 2**29))  # see test_foreseen
    found = diagnose()
    assert found["machine"]["memory of the libraries"] == "256.00 MiB, with torch 512.00 MiB"
    assert "kmeans" in found["spaxel"]["methods"]
    assert found["machine"]["cores"].isdigit()
    assert {"native", "envi", "fits", "matlab", "hdf5"} <= set(found["readers"])
    monkeypatch.setitem(EXTRAS, "deep", ("no-such-library",))
    assert "pip install 'spaxel[deep]'" in diagnose()["extras"]["deep"]


def test_a_large_cube_is_looked_at_in_a_few_places(monkeypatch):
    import dask.array as da

    from spaxel.workflow import describe as module

    read = []

    def block(block_info=None):
        read.append(block_info[None]["chunk-location"])
        return np.random.default_rng(0).random((64, 64, 9))

    spectra = da.map_blocks(block, chunks=((64,) * 10, (64,) * 10, (9,)), dtype=float)
    monkeypatch.setattr(module, "LARGE", 1)
    found = describe(make_cube(spectra))
    assert len(read) == len(set(read)) == module.PLACES + 1  # and a cell, to see how fast it is read
    assert found["valid"] == "100.0% of the pixels looked at"


def test_missing_values_are_told_and_counts_stay_counts():
    cube = tiny_cube(40, 30)
    assert "missing" not in describe(cube)
    holes = np.random.default_rng(0).random(cube["spectra"].shape) < 0.03
    told = describe(cube.assign(spectra=cube["spectra"].astype("f4").where(~holes)))
    assert told["missing"].startswith("3.0% of the values, in 2")
    assert told["missing"].endswith("of these pixels; a fit completes them from the others")
    assert told["valid"] == "100.0% of the pixels looked at"
    assert "photon counts" in told["looks like"]
