"""A known variance through the door of each method: used, said, and as if it were not there where it is asked not to be."""

import warnings

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import spaxel

SIGMA = np.where(np.arange(36) % 3 == 0, 1.0, 0.05)


def scene(seed=4, shape=(34, 40)):
    """Three materials with soft borders; every third channel is noisy. With its truth and its variance."""
    rng = np.random.default_rng(seed)
    field = np.stack([gaussian_filter(rng.normal(size=shape), 5, mode="wrap") for _ in range(3)], -1)
    share = np.exp(6 * field / field.std())
    share /= share.sum(-1, keepdims=True)
    pure = 0.5 + np.stack([gaussian_filter(rng.normal(size=36), 5, mode="nearest") for _ in range(3)]).clip(-0.4)
    clean = share @ pure
    spectra = clean + rng.normal(size=clean.shape) * SIGMA
    return spaxel.make_cube(spectra, variance=SIGMA**2, truth_labels=share.argmax(-1).astype("int32"))


METHODS = {
    "kmeans": lambda: spaxel.KMeans(n_clusters=3, scaling="unit", n_init=3),
    "consensus": lambda: spaxel.Segment(n_clusters=3, scaling="unit", n_init=2),
    "dsc": lambda: spaxel.DeepSpectralClustering(n_clusters=3, scaling="unit", context=3, epochs=1, n_sample=600),
    "dgc": lambda: spaxel.DeepGlobalClustering(n_clusters=3, epochs=1, epochs_views=0, tiles=1, n_sample=300),
    "mcr": lambda: spaxel.MCR(n_components=3, kind="scene", n_sample=1200),
}


def fitted(method, cube):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return METHODS[method]().fit(cube)


def test_dgc_says_that_it_does_not_use_the_variance():
    cube = scene()
    known, plain = fitted("dgc", cube), fitted("dgc", cube.drop_vars("variance"))
    assert known.info_["known_noise"]["used_for"] == []
    assert known.info_["known_noise"]["sentence"].endswith("No step of this fit uses it.")
    np.testing.assert_array_equal(known.state_["centers"], plain.state_["centers"])


@pytest.mark.parametrize("method", [m for m in METHODS if m != "dgc"])
def test_each_method_uses_the_variance_and_says_so(method):
    """Another answer than without it, and not a worse one."""
    cube = scene()
    known, plain = fitted(method, cube), fitted(method, cube.drop_vars("variance"))
    assert known.info_["known_noise"]["used_for"]
    assert "known_noise" not in plain.info_
    apply = "transform" if method == "mcr" else "predict"
    one, other = (getattr(model, apply)(cube) for model in (known, plain))
    assert (one["labels"] != other["labels"]).any()
    assert sum("Noise: from the file's variance" in s for s in one.attrs["history"]) == 1
    ari = [spaxel.score(result, cube)["ari"] for result in (one, other)]
    assert ari[0] > ari[1] - 0.02


@pytest.mark.parametrize("method", METHODS)
def test_values_that_were_not_measured_change_nothing(method):
    """Infinite variance is a missing value: what stands there, and how large the others call it, changes no bit."""
    cube = scene()
    rng = np.random.default_rng(1)
    gone = rng.random(cube["spectra"].shape) < 0.03
    answers = []
    for filler in (0.0, 1e6):
        variance = np.where(gone, np.inf, cube["variance"])
        spectra = np.where(gone, filler, cube["spectra"])
        holed = spaxel.make_cube(spectra, variance=variance)
        model = fitted(method, holed)
        answers.append(model.transform(holed)["labels"] if method == "mcr" else model.predict(holed)["labels"])
    np.testing.assert_array_equal(*answers)
    assert (answers[0] >= 0).mean() > 0.99


@pytest.mark.parametrize("method", ["kmeans", "dsc"])
def test_a_lazy_cube_gives_the_same_bits(method):
    cube = scene()
    lazy = cube.chunk(y=7, x=11)
    one, other = (fitted(method, c).predict(c)["labels"].values for c in (cube, lazy))
    np.testing.assert_array_equal(one, other)
