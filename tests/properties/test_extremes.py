"""Numbers at the edges of what can be computed: a right answer or words, never a warning of NumPy, for every method."""

import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

import spaxel
from spaxel.cube.sampling import Sample
from spaxel.errors import SpaxelError
from spaxel.linear.pca import fit_pca
from spaxel.methods.registry import METHODS, UNMIXING, apply, method_class
from spaxel.preprocess.scaling import fit_scaling
from spaxel.results.convention import check_result
from spaxel.testing import tiny_cube

QUICK = {"dsc": {"epochs": 2}, "dgc": {"epochs": 1, "epochs_views": 1, "n_sample": 500}, "ebgmcr": {"epochs": 20}}
SCENE = tiny_cube(16, 14, 12, counts=False)["spectra"].values.astype(np.float64) + 0.1
TRUTH = tiny_cube(16, 14, 12, counts=False)["truth_labels"].values
EVERY = pytest.mark.parametrize("method", [name for name in METHODS if name != "library"])  # which needs one


def answer(method, spectra, k=None, **given):
    """The model and its result, which keeps the convention; None for both where it is refused in words.

    Warnings of our own may come; any other is an error.
    """
    number = "n_components" if method in UNMIXING else "n_clusters"
    model = method_class(method)(**QUICK.get(method, {}) | ({number: k} if k else {}) | given)
    cube = spaxel.make_cube(spectra)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            result = apply(model.fit(cube), cube)
        except SpaxelError:
            return None, None
    check_result(result)
    return model, result


def right(result):
    """Whether pixels with a label are told apart as the truth does."""
    labels = result["labels"].values
    return adjusted_rand_score(TRUTH[labels >= 0], labels[labels >= 0]) > 0.9


def put(where, value, spectra=SCENE):
    changed = spectra.copy()
    changed[where] = value
    return changed


@EVERY
@pytest.mark.parametrize("power", [-30, 30])
def test_units_do_not_matter(method, power):
    model, result = answer(method, SCENE * 10.0**power, k=3)
    assert model.info_["n_components"] == 3
    assert right(result)


@EVERY
@pytest.mark.parametrize("power", [-320, 300])
def test_beyond_what_can_be_computed_it_says_so(method, power):
    with np.errstate(under="ignore"):
        spectra = SCENE * 10.0**power
    model, _ = answer(method, spectra)
    assert model is None


IN_DOUBLE = ("kmeans", "consensus", "learned", "library")  # no numbers in single precision on the way


@pytest.mark.parametrize("method", [name for name in METHODS if name not in IN_DOUBLE])
def test_what_single_precision_would_lose_is_refused(method):
    assert answer(method, SCENE * 1e-45)[0] is None


@pytest.mark.parametrize("size", [1e-25, 1e25])
def test_principal_components_of_any_size(size):
    """Squares of such numbers leave single precision."""
    features = (SCENE.reshape(-1, 12) * size).astype(np.float32)
    found, plain = fit_pca(features), fit_pca(SCENE.reshape(-1, 12))
    np.testing.assert_allclose(found.basis, plain.basis, atol=1e-4)
    np.testing.assert_allclose(found.variance / size**2, plain.variance, rtol=1e-4)


@EVERY
@pytest.mark.parametrize("dtype", ["i8", "f2"])
def test_kinds_of_numbers(method, dtype):
    """Sums of integers beyond 2^53, half precision near its top."""
    size = 60_000 if dtype == "f2" else 2.0**60
    _, result = answer(method, (SCENE / SCENE.max() * size).astype(dtype), k=3)
    assert right(result)


@EVERY
@settings(max_examples=3)
@given(st.floats(1e-6, 1e6), st.integers(2, 12), st.sampled_from(["f4", "f8"]))
def test_one_spectrum_everywhere_is_one_component(method, size, channels, dtype):
    spectra = (size * np.linspace(1, 2, channels) * np.ones((9, 8, 1))).astype(dtype)
    model, result = answer(method, spectra)
    if model is not None:
        assert model.info_["n_components"] == 1
        assert (result["labels"].values == 0).all()


@settings(max_examples=12)
@given(
    st.floats(1e-6, 1e6),
    st.sampled_from(["none", "unit", "zscore", "snv", "unit_bright", "mnf", "auto"]),
    st.sampled_from(["f4", "f8"]),
    st.booleans(),
)
def test_neighbours_make_nothing_of_a_constant_cube(size, scaling, dtype, sloped):
    """The mean of eight equal numbers differs from them by rounding, and not the same way at the edge."""
    spectrum = size * (np.linspace(1, 2, 7) if sloped else np.ones(7))
    spectra = (spectrum * np.ones((16, 14, 1))).astype(dtype)
    for method, more in (("dsc", {"context": 3}), ("consensus", {})):
        model, _ = answer(method, spectra, scaling=scaling, **more)
        assert model is None or model.info_["n_components"] == 1


@EVERY
def test_more_components_than_different_spectra(method):
    spectra = np.tile(np.eye(12)[[0, 5, 9]] + 1, (5, 5, 1))
    model, _ = answer(method, spectra, k=9)
    if model is not None and method not in (
        "consensus",
        "learned",
    ):  # which also see surroundings, and these differ at the edge
        assert model.info_["n_components"] == 3
        assert "not 9 as asked" in model.info_["sentence"]


@EVERY
@pytest.mark.parametrize(("shape", "channels"), [((1, 1), 2), ((1, 2), 2), ((1, 40), 12), ((40, 1), 2), ((8, 5), 1)])
def test_small_shapes(method, shape, channels):
    spectra = SCENE.reshape(-1, 12)[::5][: np.prod(shape), :channels]
    model, result = answer(method, spectra.reshape(*shape, channels))
    if model is not None:
        assert 1 <= model.info_["n_components"] <= 4
        assert (result["labels"].values >= 0).all()


@EVERY
@pytest.mark.parametrize(
    "spectra",
    [
        put(np.s_[:, :, 4], np.nan), put(np.s_[3, 4, 5], np.inf), put(np.s_[4:9], 0.0),
    ],
    ids=["a NaN channel", "one inf", "zero rows"],
)  # fmt: skip
def test_what_was_not_measured_changes_little(method, spectra):
    model, result = answer(method, spectra, k=3)
    assert model.info_["n_components"] == 3
    assert right(result)


@EVERY
@pytest.mark.parametrize("spectra", [-SCENE, SCENE - SCENE.mean()], ids=["all negative", "signed"])
def test_signed_spectra(method, spectra):
    model, result = answer(method, spectra, k=3)
    if model is None:
        assert method in ("nmf", "mcr-als")
    elif method not in UNMIXING:
        assert right(result)


@EVERY
@pytest.mark.parametrize(("where", "value"), [(np.s_[3, 4, 5], 1e15), (np.s_[3, 4, 5], 1e60), (np.s_[3, 4], 1e15)])
def test_one_huge_value_is_spoken_of(method, value, where):
    cube = spaxel.make_cube(put(where, value))
    model = method_class(method)(**QUICK.get(method, {}))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = apply(model.fit(cube), cube)
        except SpaxelError:
            return
    check_result(result)
    assert all(issubclass(w.category, UserWarning) for w in caught), [str(w.message) for w in caught]
    assert any("It may decide the result alone" in str(w.message) for w in caught)


@pytest.mark.parametrize("method", ["kmeans"])
def test_a_hundred_thousand_channels(method):
    """Decomposed along the 12 pixels: a matrix of channels would be 75 GiB."""
    rng = np.random.default_rng(0)
    means = np.repeat(rng.random((3, 50)), 2000, axis=1)[np.repeat([0, 1, 2], 4)].reshape(3, 4, -1)
    model, _ = answer(method, means + 0.01 * rng.normal(size=means.shape), k=3)
    assert model.info_["n_components"] == 3


def test_brightness_is_weighed_along_the_shorter_side():
    """Of the consensus: 12 spectra of 4,000 channels need no 128 MB."""
    spectra = np.random.default_rng(0).random((12, 4000))
    tracemalloc.start()
    fit_scaling("unit_bright", Sample(spectra, np.zeros((0, 2, 4000)), 1.0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6


def test_too_many_channels_to_whiten_are_refused_in_words():
    cube = spaxel.make_cube(np.random.default_rng(0).normal(5, 1, (6, 6, 20_000)))
    for model in (spaxel.DeepGlobalClustering(), spaxel.KMeans(scaling="mnf")):
        with pytest.raises(SpaxelError, match="matrix of 20000 x 20000"):
            model.fit(cube)


@pytest.mark.parametrize(
    ("method", "kind"), [("kmeans", "constant"), ("kmeans", "one pixel"), ("kmeans", "huge"), ("mcr", "tiny")]
)
def test_a_run_of_such_numbers_is_read_by_every_command(cli, tmp_path, method, kind):
    spectra = {
        "constant": np.full((6, 5, 4), 3.0), "one pixel": np.arange(1.0, 6).reshape(1, 1, 5), "huge": SCENE * 1e30,
        "tiny": SCENE * 1e-30,
    }[kind]  # fmt: skip
    path, run = spaxel.write_cube(spaxel.make_cube(spectra), tmp_path / "cube.zarr"), tmp_path / "run"
    verb = "unmix" if method in UNMIXING else "segment"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        code, _, err = cli(verb, path, "--method", method, "-o", run, "--keep-channels")
        assert code == 0, err
        steps = [["report", run], ["export", run, "-o", tmp_path / "labels.csv"], ["score", run]]
        steps += [["cut", run, "--n-clusters", 1]] if verb == "segment" else []
        for words in steps:
            code, _, err = cli(*words)
            assert "Traceback" not in err
            assert code == 0 or (code == 2 and len(err.strip().splitlines()) == 1), (words, err)
