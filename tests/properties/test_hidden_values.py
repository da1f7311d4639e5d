"""What is hidden, by a mask or as NaN, has no say in any bit of any result; and a few missing values cost no pixel.

For every method, on counts and reflectance, and on galaxy and Raman spectra where that is quick.
"""

import warnings

import numpy as np
import pytest
import xarray as xr
from sklearn.metrics import adjusted_rand_score

from spaxel.cube import make_cube
from spaxel.errors import LostWarning
from spaxel.methods.registry import METHODS, method_class
from spaxel.preprocess import mask_channels, mask_pixels

HEIGHT, WIDTH, CHANNELS = 22, 26, 30
U = np.linspace(0, 1, CHANNELS)
MATERIALS = 0.1 + np.exp(-((U - np.array([[0.15], [0.5], [0.85]])) ** 2) / 0.02)
SMALL = {"n_init": 2, "n_micro": 8, "max_clusters": 6}
PARAMETERS = {
    "kmeans": {"n_clusters": 3, **SMALL},
    "consensus": {"n_clusters": 3, **SMALL},
    "learned": {"n_clusters": 3, **SMALL},
    "dsc": {"n_clusters": 3, **SMALL, "epochs": 2, "context": 3, "smoothing": 0.6},
    "dgc": {"n_clusters": 3, "n_micro": 8, "epochs": 2, "epochs_views": 1, "tiles": 2, "reuse": 4, "width": 16},
    "mcr": {"n_components": 3},
    "ebgmcr": {"n_components": 3, "epochs": 4},
    "library": {"library": MATERIALS},
    "nmf": {"n_components": 3},
    "mcr-als": {"n_components": 3, "max_iter": 10},
}
KINDS = ("counts", "reflectance", "galaxy", "raman")
LABELS = np.repeat(np.minimum(np.arange(WIDTH) // 9, 2)[None], HEIGHT, axis=0)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
SLOW = ("dsc", "dgc", "ebgmcr", "library")  # on two kinds of data, which are as different as any
BOTH = [
    (method, kind) for method in METHODS for kind in KINDS if method not in SLOW or kind in ("counts", "reflectance")
]
ON_EACH_KERNEL = [
    pytest.param(method, kind, marks=pytest.mark.same_bits if kind == "reflectance" else ()) for method, kind in BOTH
]


def measured(kind):
    """A scene of three materials as it is measured: float32 spectra (y, x, channel), axis, units."""
    rng = np.random.default_rng(KINDS.index(kind))
    clean = (np.eye(3)[LABELS] * 0.9 + 0.1 / 3) @ MATERIALS
    clean = clean * np.exp(rng.normal(0, 0.1, (HEIGHT, WIDTH, 1)))
    noisy = clean + rng.normal(0, 0.03, clean.shape)
    spectra, axis, units = {
        "counts": (rng.poisson(40 * clean), 1 + 0.3 * np.arange(CHANNELS), "keV"),
        "reflectance": (np.abs(0.6 * noisy), 400 + 15.0 * np.arange(CHANNELS), "nm"),
        "galaxy": (1e-3 * (noisy - 0.1), 5000 + 40.0 * np.arange(CHANNELS), "Angstrom"),
        "raman": (300 - 100 * U + 500 * noisy, 400 + 50.0 * np.arange(CHANNELS), "1/cm"),
    }[kind]
    return spectra.astype(np.float32), axis, units


def fitted(method, cube):
    """Everything that a fit and its maps give: (arrays of the model, plain values, result)."""
    cube = mask_channels(cube)
    model = method_class(method)(**PARAMETERS[method]).fit(cube)
    apply = model.predict if hasattr(model, "predict") else model.transform
    return model.state_, model.info_, apply(cube)


@pytest.mark.parametrize(("method", "kind"), ON_EACH_KERNEL)
def test_hidden_values_change_no_bit(method, kind):
    spectra, axis, units = measured(kind)
    rng = np.random.default_rng(1)
    mask = np.ones((HEIGHT, WIDTH), bool)
    mask[5:9, 3:20] = mask[15, 15] = False
    missing = rng.random(spectra.shape) < 0.04
    junk = rng.choice(np.float32([0, -9999, 65535, 1e30, np.nan, np.inf, -3]), spectra.shape)
    junk[5:7] = np.float32(0)  # whole spectra
    answers = []
    for hidden, hole in ((spectra, np.nan), (junk, -np.inf)):
        values = np.where(mask[..., None], np.where(missing, np.float32(hole), spectra), hidden)
        answers.append(fitted(method, mask_pixels(make_cube(values, axis, units), mask)))
    (state, info, result), (other_state, other_info, other) = answers
    assert set(state) == set(other_state)
    assert [name for name in state if not np.array_equal(state[name], other_state[name], equal_nan=True)] == []
    assert repr(info) == repr(other_info)
    xr.testing.assert_identical(result, other)
    assert np.array_equal(result["labels"].values >= 0, mask)


@pytest.mark.parametrize(("method", "kind"), BOTH)
def test_three_in_a_hundred_missing_values_cost_nothing(method, kind):
    """Every pixel keeps its label, and the map agrees with the truth as that of the whole cube, to 0.02 of ARI."""
    spectra, axis, units = measured(kind)
    missing = np.random.default_rng(2).random(spectra.shape) < 0.03
    agreement = []
    for values in (spectra, np.where(missing, np.float32(np.nan), spectra)):
        with warnings.catch_warnings():
            warnings.simplefilter("error", LostWarning)
            labels = fitted(method, make_cube(values, axis, units))[2]["labels"].values
        assert (labels >= 0).all()
        agreement.append(adjusted_rand_score(LABELS.ravel(), labels.ravel()))
    assert agreement[0] > 0.3
    assert agreement[1] > agreement[0] - 0.02
