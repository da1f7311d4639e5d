import numpy as np
import pytest
import xarray as xr

import spaxel
from spaxel.cube import make_cube
from spaxel.cube.gaps import completion_of
from spaxel.cube.sampling import sample_cubes
from spaxel.errors import LostWarning
from spaxel.methods.completing import ready, whole_sample
from spaxel.methods.mixtures.baselines import NMF
from spaxel.metrics import matched_spectra
from spaxel.preprocess import mask_pixels
from spaxel.testing import tiny_cube

CUBE = tiny_cube(30, 29, 20, counts=False)
KMEANS = {"n_clusters": 3, "n_init": 2, "n_micro": 8}


def gappy(cube=CUBE, share=0.05, seed=0):
    spectra = cube["spectra"]
    return cube.assign(spectra=spectra.where(np.random.default_rng(seed).random(spectra.shape) > share))


def test_a_model_completes_what_its_fit_never_missed_and_after_loading(tmp_path):
    model = spaxel.KMeans(**KMEANS).fit(CUBE)
    whole, result = model.predict(CUBE), model.predict(gappy())
    assert (result["labels"] == whole["labels"]).mean() > 0.995
    loaded = spaxel.load(model.save(tmp_path / "model"))
    xr.testing.assert_identical(loaded.predict(gappy()), result)
    assert "pixels with data lack some values, which were completed" in " ".join(result.attrs["history"])
    assert "completed" not in " ".join(whole.attrs["history"])


def test_a_model_of_before_leaves_such_pixels_out_and_says_so():
    model = spaxel.KMeans(**KMEANS).fit(CUBE)
    model.state_ = {name: array for name, array in model.state_.items() if not name.startswith("completion_")}
    cube = gappy()
    lost = np.isnan(cube["spectra"]).any("channel").values
    with pytest.warns(LostWarning, match=f"{lost.sum()} that lack a value"):
        labels = model.predict(cube)["labels"].values
    assert np.array_equal(labels < 0, lost)


def test_many_lost_pixels_are_said_once_with_reasons_and_remedies():
    cube = gappy()
    cube["spectra"].values[:2] = 0
    cube["spectra"].values[2, :10] = np.nan
    cube["spectra"].values[3, :, :12] = np.nan
    cube = mask_pixels(cube, np.arange(29)[None] < 27 + np.zeros((30, 1)))
    model = spaxel.KMeans(**KMEANS).fit(cube)
    with pytest.warns(LostWarning) as said:
        result = model.predict(cube)
    (text,) = (str(one.message) for one in said if one.category is LostWarning)
    assert text.startswith("tiny: ")
    for reason in ("60 marked as no data", "54 all zero", "10 without any finite value", "27 with less than half"):
        assert reason in text
    assert text.removeprefix("tiny: ") in result.attrs["history"]
    assert int((result["labels"] < 0).sum()) == 60 + 54 + 10 + 27


def test_few_lost_pixels_are_not_worth_a_word(recwarn):
    cube = gappy()
    cube["spectra"].values[:2] = 0
    result = spaxel.KMeans(**KMEANS).fit(cube).predict(cube)
    assert not [one for one in recwarn if one.category is LostWarning]
    assert "no data" not in " ".join(result.attrs["history"])


@pytest.mark.filterwarnings("ignore:Negative values", "ignore:.*explained much worse")
def test_tables_may_have_gaps_and_infinite_values_are_refused():
    X = CUBE["spectra"].values.reshape(-1, 20).astype(float)
    holed = np.where(np.random.default_rng(1).random(X.shape) < 0.05, np.nan, X)
    labels = spaxel.KMeans(**KMEANS).fit_predict(holed)
    assert (labels == spaxel.KMeans(**KMEANS).fit_predict(X)).mean() > 0.99
    amounts = NMF(n_components=3).fit_transform(holed)
    assert np.isfinite(amounts).all()
    for model in (spaxel.KMeans(**KMEANS), NMF(n_components=3)):
        with pytest.raises(ValueError, match="infinity"):
            model.fit(np.where(np.isnan(holed), np.inf, X))


@pytest.mark.filterwarnings("ignore:Negative values", "ignore:.*explained much worse")
def test_counts_with_gaps_are_still_counts():
    counts = tiny_cube(30, 29, 20)
    model = spaxel.KMeans(**KMEANS).fit(gappy(counts.astype("f4")))
    assert model.info_["counts"]
    assert NMF(n_components=3).fit(gappy(counts.astype("f4"))).info_["counts"]


@pytest.mark.filterwarnings("ignore:Negative values", "ignore:.*explained much worse")
def test_residuals_are_of_what_was_measured():
    """Values that are completed fit well; they must not make a residual small."""
    cube = gappy(share=0.3)
    model = NMF(n_components=3).fit(cube)
    result = model.transform(cube)
    seen = np.isfinite(cube["spectra"].values)
    explained = result["abundances"].values.astype(float) @ model.components_
    x = np.where(seen, cube["spectra"].values, 0).astype(float)
    expected = np.linalg.norm((x - explained) * seen, axis=-1) / np.linalg.norm(x, axis=-1)
    kept = result["labels"].values >= 0
    assert kept.mean() > 0.9
    assert np.allclose(result["residual"].values[kept], expected[kept], rtol=1e-4)


def test_a_sample_is_read_again_only_where_neighbours_have_gaps():
    for cube, context, times in ((CUBE, 0, 1), (CUBE, 3, 1), (gappy(), 0, 1), (gappy(), 3, 2)):
        read = []

        def reading(cubes, gaps, context=context, read=read):
            read.append(gaps)
            return sample_cubes(cubes, 500, gaps=gaps, context=context)

        whole = whole_sample([cube], reading, 20)
        assert len(read) == times
        assert np.isfinite(whole.sample.spectra).all()
        assert np.isfinite(whole.sample.pairs).all()
        assert completion_of(whole.cubes[0]) is not None


def test_a_prepared_cube_carries_the_completion_of_the_model():
    model = spaxel.KMeans(**KMEANS).fit(gappy())
    prepared = ready(CUBE, model.info_, model.state_)
    assert np.array_equal(completion_of(prepared).mean, model.state_["completion_mean"])
    assert "completion" not in model.predict(CUBE)


@pytest.mark.filterwarnings("ignore:.*rotational ambiguity:UserWarning", "ignore:.*not unique:UserWarning")
@pytest.mark.parametrize("missing", ["complete", "weights", "drop"])
def test_mcr_has_three_ways(missing):
    rng = np.random.default_rng(0)
    pure = np.exp(-((np.linspace(0, 1, 30) - np.array([[0.2], [0.5], [0.8]])) ** 2) / 0.01) + 0.01
    amounts = rng.dirichlet(np.ones(3), 60)
    amounts[amounts < 0.2] = 0
    X = amounts @ pure + rng.normal(0, 0.003, (60, 30))
    holes = rng.random(X.shape) < 0.02
    holes[0, :25] = True
    model = spaxel.MCR(n_components=3, missing=missing).fit(np.where(holes, np.nan, X))
    found = model.transform(np.where(holes, np.nan, X))
    lost = np.isnan(found).any(1)
    expected = {"complete": [0], "weights": [], "drop": np.flatnonzero(holes.any(1))}[missing]
    if missing != "weights":  # which keeps what the five channels of the first tell apart
        assert np.array_equal(np.flatnonzero(lost), expected)
    angles = matched_spectra(model.components_, pure)["angle"]
    assert max(angles) < 0.06


def test_infinite_values_in_a_cube_are_missing_values():
    cube = CUBE.copy(deep=True)
    cube["spectra"].values[3, 4, 5] = np.inf
    cube["spectra"].values[6, 7, 8] = -np.inf
    result = spaxel.KMeans(**KMEANS).fit(cube).predict(cube)
    assert (result["labels"].values >= 0).all()
    assert np.isfinite(result["component_spectra"].values).all()


def test_a_cube_of_which_nothing_is_whole_is_used():
    cube = make_cube(np.where(np.eye(20)[np.arange(870) % 20].reshape(30, 29, 20) > 0, np.nan, CUBE["spectra"].values))
    result = spaxel.KMeans(**KMEANS).fit(cube).predict(cube)
    assert (result["labels"].values >= 0).all()
