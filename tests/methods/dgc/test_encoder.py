import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from spaxel.cube import make_cube
from spaxel.cube.executing import executing
from spaxel.cube.mapping import BLOCK, map_tiles
from spaxel.methods.centers import maps as module
from spaxel.methods.dgc.encoder import Model, embed, embed_tile, in_double, projected, surroundings
from spaxel.methods.dgc.estimator import DeepGlobalClustering
from spaxel.preprocess.scaling import Scaling
from spaxel.testing import tiny_cube

HOLES = [(slice(0, 3), slice(0, 70)), (slice(30, 50), slice(20, 25)), (60, 63), (64, 64)]


def with_holes(value=np.nan):
    cube = tiny_cube(83, 75, counts=False)
    spectra = cube["spectra"].values.copy()
    for hole in HOLES:
        spectra[hole] = np.nan
        spectra[hole][..., :4] = value
    return make_cube(spectra, cube["channel"].values, "nm")


CUBE = with_holes()
BAD = ~np.isfinite(CUBE["spectra"].values).all(2)


@pytest.fixture(scope="module")
def model():
    return DeepGlobalClustering(3, epochs=2, tiles=1, reuse=3, epochs_views=1, n_micro=8, n_sample=800, width=16).fit(
        CUBE
    )


@pytest.fixture(scope="module")
def whole(model):
    return model.predict(CUBE)


@pytest.mark.same_bits
@settings(max_examples=4)
@given(st.sampled_from([5 * 2**18, 2**21, 2**22, 2**30]), st.integers(5, 83), st.integers(5, 75))
def test_memory_and_chunks_change_no_bit(model, whole, memory, rows, columns):
    model.memory = memory
    xr.testing.assert_identical(model.predict(CUBE.chunk(y=rows, x=columns)), whole)


@pytest.mark.same_bits
@pytest.mark.parametrize(("scheduler", "workers"), [("synchronous", None), ("threads", 5)])
def test_scheduler_and_workers_change_no_bit(monkeypatch, model, whole, scheduler, workers):
    def mapped(function, cube, fill, *, memory, **how):
        assert set(how) == {"look", "after"}
        return map_tiles(function, cube, fill, memory=3 * 2**20, **how)

    monkeypatch.setattr(module, "map_tiles", mapped)
    with executing(scheduler, workers):
        xr.testing.assert_identical(model.predict(CUBE), whole)


@pytest.mark.same_bits
def test_a_pixel_without_data_has_no_label_and_what_it_holds_changes_nothing(model, whole):
    assert np.array_equal(whole["labels"].values == -1, BAD)
    for value in (1e6, -5.0):
        xr.testing.assert_identical(model.predict(with_holes(value)), whole)


@pytest.mark.same_bits
def test_a_piece_gets_the_labels_of_the_whole_a_radius_from_its_edges(model, whole):
    piece = model.predict(CUBE.isel(y=slice(20, 70), x=slice(10, 60)))
    for name in ("labels", "confidence", "picture", "micro_labels"):
        assert np.array_equal(piece[name].values[4:-4, 4:-4], whole[name].values[24:66, 14:56], equal_nan=True)


def plain_model(sizes=(1, 3, 7), channels=6, q=3, seed=0):
    rng = np.random.default_rng(seed)
    n = len(sizes) * (q + 1)
    shapes = {"layers.0.weight": (8, n), "layers.1.weight": (8, 8), "last.weight": (q, 8), "last.bias": (q,)}
    shapes |= {f"{kind}.{i}.{part}": (8,) for kind, part in (("layers", "bias"), ("norms", "bias")) for i in (0, 1)}
    shapes |= {f"norms.{i}.weight": (8,) for i in (0, 1)}
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    weights["level"] = np.float32(0.3)
    scaling = Scaling("mnf", np.zeros(channels), np.eye(channels))
    return Model(scaling, rng.normal(size=(channels, q)), sizes, weights)


@pytest.mark.same_bits
@pytest.mark.parametrize(("channels", "q"), [(6, 3), (61, 10), (131, 7)])
def test_scores_and_embeddings_do_not_depend_on_the_place_in_the_block(channels, q):
    rng, held = np.random.default_rng(3), plain_model((1, 3, 7), channels, q)
    spectra, features = rng.random((BLOCK, channels)).astype(np.float32), rng.normal(size=(BLOCK, held.n_features))
    features = features.astype(np.float32)
    scores, z = projected(spectra[None], held.project)[0], embed(features, held)
    assert np.array_equal(embed(features, in_double(held)), z)
    for order in (np.roll(np.arange(BLOCK), 1), np.arange(BLOCK)[::-1], rng.permutation(BLOCK)):
        assert np.array_equal(projected(spectra[None, order], held.project)[0], scores[order])
        assert np.array_equal(embed(features[order], held), z[order])


@settings(max_examples=20)
@given(st.integers(0, 19), st.integers(0, 19))
def test_nothing_beyond_the_halo_is_seen_and_what_is_at_it_is(y, x):
    rng, held = np.random.default_rng(3), plain_model()
    spectra, good = rng.random((20, 20, 6)).astype(np.float32), np.ones((20, 20), bool)
    other = spectra.copy()
    other[y, x] *= [3, 1, 2, 1, 5, 1]
    changed = (surroundings(spectra, good, held) != surroundings(other, good, held)).any(2)
    rows, columns = np.abs(np.arange(20) - y), np.abs(np.arange(20) - x)
    assert np.array_equal(changed, np.maximum(rows[:, None], columns[None]) <= held.halo)
    assert surroundings(spectra, good, held).shape == (20, 20, held.n_features)


def test_alone_among_pixels_without_data_only_the_own_spectrum_counts():
    rng, held = np.random.default_rng(3), plain_model()
    spectra, good = rng.random((9, 9, 6)).astype(np.float32), np.zeros((9, 9), bool)
    good[4, 4] = True
    features = surroundings(spectra, good, held)[4, 4].reshape(3, -1)
    assert np.allclose(features, features[0], atol=1e-6)
    assert np.linalg.norm(features[0, :-1]) == pytest.approx(1, rel=1e-5)


@given(st.integers(1, 40), st.integers(1, 40))
def test_scores_of_a_tile_are_products_and_embeddings_have_unit_length(height, width):
    rng, held = np.random.default_rng(height), plain_model()
    spectra = rng.random((height, width, 6)).astype(np.float32)
    assert np.allclose(projected(spectra, held.project), spectra @ held.project, atol=1e-5)
    z = embed_tile(spectra, np.ones((height, width), bool), held)
    assert z.dtype == np.float32
    assert np.allclose(np.linalg.norm(z, axis=2), 1, atol=1e-5)
    assert BLOCK == 512
