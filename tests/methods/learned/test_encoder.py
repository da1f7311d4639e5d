"""What the learned distance sees: counts stay counts on the grid, brightness and rows do not mix, weights are checked."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaxel.errors import NotFound, ParameterError, ReadError
from spaxel.methods.learned.encoder import Encoder, shares
from spaxel.methods.learned.fields import FIELDS, MAXRF, field_of, onto
from spaxel.methods.learned.sights import Counts
from spaxel.methods.learned.weights import read_weights, write_weights

BINS = len(MAXRF.edges) - 1


def encoder(seed=0, h=6, d=3, q=4):
    rng = np.random.default_rng(seed)
    shapes = ((2 * BINS + 1, h), (h,), (h, h), (h,), (h, d), (d,), (BINS,))
    basis = np.linalg.qr(rng.normal(size=(BINS, q)))[0].T
    return Encoder(*(rng.normal(size=shape) for shape in shapes), basis, np.array([0.3]))


@given(st.integers(1, 60), st.floats(0.0, 30.0), st.floats(0.05, 40.0), st.integers(0, 5))
def test_counts_inside_the_grid_are_kept_wherever_channels_lie(channels, low, width, seed):
    grid = np.linspace(0, 80, 47)
    edges = low + np.linspace(0, width, channels + 1)
    counts = np.random.default_rng(seed).integers(0, 50, (3, channels)).astype(float)
    binned = (onto(edges, grid) @ counts.T).T
    assert binned.sum(1) == pytest.approx(counts.sum(1))
    middle = (edges[1:] + edges[:-1]) / 2
    bins = (grid[1:] + grid[:-1]) / 2
    if counts[0].sum():
        apart = binned[0] @ bins / binned[0].sum() - counts[0] @ middle / counts[0].sum()
        assert abs(apart) <= (grid[1] - grid[0] + width / channels) / 2 + 1e-9


def test_two_cuts_of_one_axis_into_channels_say_the_same():
    rng, grid = np.random.default_rng(1), MAXRF.edges
    fine = rng.poisson(20, (4, 800)).astype(float)
    coarse = fine.reshape(4, 400, 2).sum(2)
    one, other = (np.linspace(0, 40, n + 1) for n in (800, 400))
    a, b = (onto(one, grid) @ fine.T).T, (onto(other, grid) @ coarse.T).T
    assert np.abs(a - b).max() <= fine.max()  # half a coarse channel at an edge of a bin
    assert a.sum() == pytest.approx(b.sum(), rel=0.01)


@pytest.mark.parametrize(
    ("axis", "units", "fits"),
    [
        (np.linspace(0.5, 38, 256), "keV", True),
        (np.linspace(500, 38000, 256), "eV", True),
        (np.linspace(0.5, 20, 64), "keV", True),
        (np.linspace(0.5, 3, 64), "keV", False),
        (np.linspace(0.5, 38, 10), "keV", False),
        (np.linspace(400, 900, 256), "nm", False),
        (np.linspace(38, 0.5, 256), "keV", False),
    ],
)
def test_an_axis_fits_the_grid_or_not(axis, units, fits):
    edges = MAXRF.grid_of(axis, units)
    assert (edges is not None) == fits
    if fits:
        assert len(edges) == len(axis) + 1
        assert edges[0] == pytest.approx((axis[0] - (axis[1] - axis[0]) / 2) * MAXRF.units[units])


def test_eV_and_keV_are_one_axis():
    axis = np.linspace(0.5, 38, 256)
    np.testing.assert_allclose(MAXRF.grid_of(axis, "keV"), MAXRF.grid_of(1000 * axis, "eV"), rtol=1e-12)


def test_an_unknown_field():
    with pytest.raises(ParameterError, match="Known: maxrf, ifu"):
        field_of("tea")


def test_places_have_norm_1_and_shares_know_no_brightness():
    rng = np.random.default_rng(2)
    own, around = rng.poisson(3, (2, 20, BINS)).astype(float)
    place = encoder()(Counts().seen(own, around))
    assert np.linalg.norm(place, axis=1) == pytest.approx(np.ones(20))
    bright = Counts().seen(7 * own, 7 * around)
    np.testing.assert_allclose(bright[:, :-1], Counts().seen(own, around)[:, :-1], atol=1e-12)
    assert (bright[:, -1] > Counts().seen(own, around)[:, -1]).all()


def test_a_spectrum_without_counts_has_a_place():
    place = encoder()(Counts().seen(np.zeros((2, BINS)), np.zeros((2, BINS))))
    assert np.isfinite(place).all()
    assert shares(np.full((1, 3), -1.0)).tolist() == [[0, 0, 0]]


def test_distance_is_none_on_what_was_simulated_and_grows_off_it():
    one, rng = encoder(), np.random.default_rng(3)
    on = one.mean + rng.normal(size=(5, 4)) @ one.basis
    spectra = np.maximum(on, 0) ** 2
    known = Encoder(*one[:6], np.sqrt(shares(spectra)).mean(0), one.basis, one.limit)
    roots = np.sqrt(shares(spectra)) - known.mean
    basis = np.linalg.svd(roots, full_matrices=False)[2][:4]
    known = known._replace(basis=basis)
    assert known.distance(spectra) == pytest.approx(np.zeros(5), abs=1e-6)
    assert (known.distance(rng.poisson(1.0, (5, BINS)) + 0.01) > 0.1).all()


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_weights_of_every_field_come_with_the_package(name):
    read, about = read_weights(name)
    assert about["field"] == name
    bins = len(FIELDS[name].edges) - 1
    assert read.first.shape[0] == {"maxrf": 2 * bins + 1, "ifu": bins + 2}[name]
    assert {"worlds", "epochs", "seed", "command", "versions"} <= set(about)
    assert 0 < read.limit[0] < 0.5


def test_a_file_of_weights_comes_back(tmp_path):
    one = encoder()
    write_weights(tmp_path / "a.safetensors", one, {"field": "maxrf", "seed": 1})
    read, about = read_weights(tmp_path / "a.safetensors")
    assert about == {"field": "maxrf", "seed": 1}
    for name, array in one._asdict().items():
        np.testing.assert_array_equal(getattr(read, name), array.astype(np.float16).astype(np.float32))


def damaged(how):
    one = encoder()
    return {
        "shape": one._replace(second=np.zeros((5, 5))),
        "nan": one._replace(last=np.full_like(one.last, np.nan)),
        "limit": one._replace(limit=np.zeros(2)),
    }[how]


@pytest.mark.parametrize("how", ["shape", "nan", "limit"])
def test_weights_that_do_not_fit_together(tmp_path, how):
    write_weights(tmp_path / "a.safetensors", damaged(how), {"field": "maxrf"})
    with pytest.raises(ReadError, match="no file of weights"):
        read_weights(tmp_path / "a.safetensors")


@pytest.mark.parametrize("content", [b"", b"tea", json.dumps({"field": "maxrf"}).encode()])
def test_a_file_that_holds_no_weights(tmp_path, content):
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(ReadError, match=r"no file of weights .*train-metric"):
        read_weights(tmp_path / "a.safetensors")


def test_weights_of_a_field_that_is_not_known(tmp_path):
    write_weights(tmp_path / "a.safetensors", encoder(), {"field": "tea"})
    with pytest.raises(ReadError, match="no file of weights"):
        read_weights(tmp_path / "a.safetensors")


def test_no_such_file(tmp_path):
    with pytest.raises(NotFound, match="train-metric"):
        read_weights(tmp_path / "none.safetensors")
