import numpy as np
import pytest
from sklearn.cluster import KMeans as Lloyd
from sklearn.metrics import adjusted_rand_score

from spaxel.cube import make_cube
from spaxel.methods.dsc.distances import nearby, within
from spaxel.methods.dsc.estimator import DeepSpectralClustering
from spaxel.methods.dsc.training import _turned


def stretched(seed=0, side=24):
    """An image of two components that lie apart along one axis and vary as much within them along another."""
    rng = np.random.default_rng(seed)
    truth = np.broadcast_to(np.arange(side) * 2 // side, (side, side))
    return truth, np.stack([truth + rng.normal(0, 0.15, truth.shape), rng.normal(0, 1.0, truth.shape)], 2)


def agreement(scores, truth):
    return adjusted_rand_score(truth.ravel(), Lloyd(2, n_init=5, random_state=0).fit_predict(scores))


@pytest.mark.parametrize("turn", [0.0, 0.7])
def test_what_varies_between_near_pixels_counts_little(turn):
    truth, z = stretched()
    z = z @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    metric = nearby((z[:, 3:] - z[:, :-3]).reshape(-1, 2), z.reshape(-1, 2))
    assert agreement(z.reshape(-1, 2), truth) < 0.1
    assert agreement(z.reshape(-1, 2) @ metric, truth) > 0.9


def test_what_varies_within_clusters_counts_little():
    rng = np.random.default_rng(0)
    truth = np.arange(400) % 2
    z = np.column_stack([2.0 * truth, np.zeros(400)]) + rng.normal(0, (0.25, 1.0), (400, 2))
    z = z @ np.array([[1.0, 0.8], [0.0, 1.0]])
    metric = within(z, 2, 5, 0)
    spread = sum(np.cov((z @ metric)[truth == k].T) for k in (0, 1))
    plain = sum(np.cov(z[truth == k].T) for k in (0, 1))
    assert np.linalg.cond(spread) < 0.5 * np.linalg.cond(plain)
    assert agreement(z @ metric, truth) >= agreement(z, truth)


@pytest.mark.parametrize("make", [lambda z: nearby(z[1:] - z[:-1], z), lambda z: within(z, 3, 2, 0)])
def test_all_variance_is_kept_and_equal_spectra_change_nothing(make):
    z = np.random.default_rng(2).normal(size=(200, 4)) * [3, 1, 1, 0.1]
    assert (z @ make(z)).var(0).sum() == pytest.approx(z.var(0).sum())
    assert np.array_equal(make(np.ones((50, 4))), np.eye(4))


def test_a_turned_decoder_says_what_it_said():
    rng = np.random.default_rng(0)
    d, width, channels = 3, 5, 7
    decoder = {"rows": rng.normal(size=(d + width, channels)), "body.layers.0.weight": rng.normal(size=(width, d))}
    before, turn, z = {"metric": rng.normal(size=(d, d))}, rng.normal(size=(d, d)), rng.normal(size=(4, d))
    after = {"metric": before["metric"] @ turn}
    turned = _turned(decoder, before, after)
    for inside in ("rows", "body.layers.0.weight"):
        old, new = (part[inside][:d] if inside == "rows" else part[inside].T for part in (decoder, turned))
        np.testing.assert_allclose(z @ turn @ new, z @ old, rtol=1e-4, atol=1e-4)
    assert np.array_equal(turned["rows"][d:].astype(np.float32), decoder["rows"][d:].astype(np.float32))


def shaded(side=26):
    """Two materials under light that is the same for no two pixels: brightness is most of the variance."""
    rng = np.random.default_rng(1)
    truth = np.broadcast_to(np.arange(side)[:, None] * 2 // side, (side, side + 1))
    wave = np.linspace(0, 1, 20)
    shapes = np.stack([0.5 + 0.2 * (wave - 0.5), 0.5 - 0.2 * (wave - 0.5)])
    light = np.exp(rng.normal(0, 0.25, truth.shape))[..., None]
    return truth, make_cube((shapes[truth] * light + rng.normal(0, 0.004, (*truth.shape, 20))).astype(np.float32))


@pytest.mark.parametrize("context", [0, 3])
def test_light_that_differs_between_near_pixels_is_seen_through(context):
    truth, cube = shaded()
    found = {}
    for metric in ("plain", "nearby"):
        model = DeepSpectralClustering(2, scaling="none", metric=metric, epochs=0, context=context, n_init=3).fit(cube)
        found[metric] = adjusted_rand_score(truth.ravel(), model.predict(cube)["labels"].values.ravel())
        assert ("encoder.metric" in model.state_) == (metric == "nearby")
        assert model.info_["scaling"] == "none"
    assert found["plain"] < 0.2
    assert found["nearby"] > 0.8


def test_a_scaling_that_was_asked_for_stays_and_starts_are_told():
    _, cube = shaded()
    model = DeepSpectralClustering(2, scaling="none", epochs=0, n_init=2).fit(cube)
    assert model.info_["scaling"] == "none"
    assert set(model.info_["deep"]["starts"]) == {"none, near-by", "none, plain"}
    free = DeepSpectralClustering(2, epochs=0, n_init=2).fit(cube)
    assert "unit_bright, plain" in free.info_["deep"]["starts"]


def test_another_start_needs_a_margin():
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:30, :31] / 30
    light = 0.02 + np.exp(-((y - 0.5) ** 2 + (x - 0.5) ** 2) * 30)  # a few bright pixels in the middle
    wave = np.linspace(0, 1, 24)
    share = (x > 0.5)[..., None]
    spectra = light[..., None] * (np.where(share, 1 + wave, 2 - wave)) + rng.normal(0, 0.002, (30, 31, 24))
    model = DeepSpectralClustering(3, epochs=0, context=3, n_init=3).fit(make_cube(spectra.astype(np.float32)))
    told = model.info_["deep"]["starts"]
    usual, best = next(iter(told)), max(told, key=told.get)
    changed = told[best] > 1.3 * told[usual]
    assert changed == model.info_["scaling_sentence"].startswith("Scaling and distances")
    assert model.info_["scaling"] == (best if changed else usual).split(",")[0]


def test_a_margin_that_nothing_reaches_keeps_a_linear_state():
    _, cube = shaded()
    found = DeepSpectralClustering(2, epochs=3, context=3, margin=10, n_init=2).fit(cube).info_["deep"]
    assert found["kept"] in ("linear", "neighbours")
    assert found["criterion"].keys() == {"linear", "neighbours", "deep"}
