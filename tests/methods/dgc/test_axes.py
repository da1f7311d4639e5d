import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaxel.cube import make_cube
from spaxel.cube.patches import SIDE, covering, held_out, read_patch
from spaxel.cube.sampling import sample_cubes, sample_spectra
from spaxel.errors import CubeError
from spaxel.methods.dgc.axes import learn_axes
from spaxel.methods.dgc.encoder import Model, projected
from spaxel.methods.dgc.estimator import DeepGlobalClustering
from spaxel.methods.dgc.micro_clusters import HELD, Looked, contacts, look, many_clusters
from spaxel.methods.dgc.settings import Settings
from spaxel.methods.dgc.windows import TileScores, judged, windows
from spaxel.testing import tiny_cube

CUBE = tiny_cube(90, 80, 9, counts=False)


@pytest.fixture(scope="module")
def axes():
    return learn_axes(sample_spectra(CUBE, 2000, 0), 0)


def told(**given):
    return Settings.of(DeepGlobalClustering(**given))


def untrained(axes, sizes=(1, 3)):
    q = axes.project.shape[1]
    shapes = {"layers.0.weight": (4, len(sizes) * (q + 1)), "layers.1.weight": (4, 4), "last.weight": (q, 4)}
    shapes |= {"layers.0.bias": (4,), "layers.1.bias": (4,), "last.bias": (q,)}
    shapes |= {f"norms.{i}.{part}": (4,) for i in (0, 1) for part in ("weight", "bias")}
    weights = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()} | {"level": np.float32(0)}
    return Model(axes.scaling, axes.project, sizes, weights)


def test_noise_has_unit_size_on_the_axes(axes):
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 0.01, (5000, 9)) @ axes.project
    assert np.allclose(noise.std(0), 1, rtol=0.25)
    assert np.abs(np.corrcoef(noise.T) - np.eye(noise.shape[1])).max() < 0.25


def test_blocks_are_scores_of_the_spectrum_of_its_ramp_and_of_its_slope(axes):
    spectra = np.random.default_rng(0).random((7, 9))
    own, ramp, slope = np.split(spectra @ axes.blocks, 3, axis=1)
    assert np.allclose(own, spectra @ axes.project)
    assert np.allclose(ramp, (spectra * np.linspace(-1, 1, 9)) @ axes.project)
    assert np.allclose(slope, np.gradient(spectra, axis=1) @ axes.project)
    mean = float(CUBE["spectra"].mean())
    assert np.allclose(axes.haze, np.full(9, mean) @ axes.project, rtol=0.05)


def test_a_table_has_no_noise_to_be_seen():
    sample = sample_cubes([tiny_cube(1, 1)], 10, 0)
    with pytest.raises(CubeError, match="right neighbour"):
        learn_axes(sample, 0)


def test_windows_follow_seed_and_epoch_and_never_show_what_is_held_out(axes):
    cube = make_cube(np.broadcast_to(np.ones(9, np.float32), (2 * SIDE, 4 * SIDE, 9)).copy(), np.arange(9.0), "nm")
    shape = (2 * SIDE, 4 * SIDE)
    for number, tile in held_out([shape], 0):
        assert number == 0
        cube["spectra"].values[tile.y0 : tile.y1, tile.x0 : tile.x1] = 1000
    largest = max(
        np.abs(b[0]).max()
        for e in (0, 1)
        for b in windows(TileScores([cube], axes, None), told(tiles=len(covering(*shape)), reuse=1), e, 2)
    )
    score = projected(np.ones((1, 1, 9), np.float32), axes.blocks)
    assert largest == pytest.approx(np.abs(score).max(), rel=1e-4)
    kept_apart = [np.abs(b[0]).max() for b in judged([cube], axes, 0, None)]
    assert len(kept_apart) > 0
    assert min(kept_apart) > 100 * np.abs(score).max()
    one, same, other = (list(windows(TileScores([CUBE], axes, None), told(tiles=1, reuse=3), e, 2)) for e in (0, 0, 1))
    assert [len(b[0]) for b in one] == [2, 1]
    assert all(np.array_equal(p, q) for b, c in zip(one, same, strict=True) for p, q in zip(b, c, strict=True))
    assert not np.array_equal(one[0][0], other[0][0])


def test_small_images_are_judged_by_other_windows_of_the_same_tiles(axes):
    first, again = judged([CUBE], axes, 0, None), judged([CUBE], axes, 0, None)
    assert len(first) == 6
    assert all(len(b[0]) == 1 for b in first)
    assert all(np.array_equal(p[0], q[0]) for p, q in zip(first, again, strict=True))


def test_a_sample_is_spectra_with_their_embeddings_and_the_same_for_every_model(axes):
    model = untrained(axes)
    found, other = look([CUBE], model, 300, 0, None), look([CUBE], untrained(axes, (1, 5)), 300, 0, None)
    assert len(found.spectra) == len(found.z) == 300
    assert np.array_equal(found.spectra, other.spectra)
    scores = found.spectra @ axes.project
    assert np.allclose(found.z, scores / np.linalg.norm(scores, axis=1, keepdims=True), atol=1e-4)
    assert found.pairs.shape[1:] == (2, axes.project.shape[1])


def test_of_many_tiles_no_more_is_held_than_of_some(axes):
    cubes = [tiny_cube(20, 11, 9, seed=i, counts=False) for i in range(64)]
    few, many = (look(cubes[:n], untrained(axes), 400, 0, None) for n in (HELD, 64))
    assert len(few.tiles) == HELD
    assert len(many.tiles) == 64
    assert sum(good.size for _, good in few.tiles) == sum(good.size for _, good in many.tiles) == HELD * 20 * 11
    assert all(z.shape[:2] == good.shape and z.base is None for z, good in many.tiles)


@settings(max_examples=20)
@given(st.integers(0, 99), st.integers(1, 9), st.integers(1, 9))
def test_contacts_are_those_of_the_label_image(seed, height, width):
    rng = np.random.default_rng(seed)
    labels, good = rng.integers(0, 3, (height, width)), rng.random((height, width)) < 0.8
    expected = np.zeros((3, 3))
    for y in range(height):
        for x in range(width):
            for v, u in ((y, x + 1), (y + 1, x)):
                if v < height and u < width and good[y, x] and good[v, u]:
                    expected[labels[y, x], labels[v, u]] += 1
    nothing = np.zeros((0, 3))
    found = contacts(Looked(nothing, nothing, nothing, [(np.eye(3, dtype=np.float32)[labels], good)]), np.eye(3))
    assert np.array_equal(found + found.T, expected + expected.T)


def test_a_rare_distinct_group_keeps_a_centre_and_centres_are_unit_and_repeatable():
    rng = np.random.default_rng(0)
    angles = np.concatenate([rng.normal(0, 0.15, 4000), rng.normal(0.9, 0.15, 4000), rng.normal(1.8, 0.05, 12)])
    z = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    centers = many_clusters(z, 5, 0)
    assert np.allclose(np.linalg.norm(centers, axis=1), 1)
    assert np.array_equal(centers, many_clusters(z, 5, 0))
    assert centers.shape == (5, 2)
    assert (centers @ [np.cos(1.8), np.sin(1.8)]).max() > np.cos(0.2)


def test_no_more_centres_than_different_embeddings():
    z = np.repeat(np.eye(2), 50, axis=0)
    assert np.allclose(np.sort(many_clusters(z, 9, 0), axis=0), np.sort(np.eye(2), axis=0))
    assert many_clusters(z[:10], 9, 0).shape == (1, 2)


@pytest.mark.same_bits
@pytest.mark.parametrize(("memory", "again"), [(2**30, False), (8, True)])  # all tiles are remembered, none
def test_windows_are_the_same_whatever_is_remembered(axes, monkeypatch, memory, again):
    read = []
    monkeypatch.setattr("spaxel.methods.dgc.windows.read_patch", lambda *a: (read.append(a[1]), read_patch(*a))[1])
    tiles, asked = TileScores([CUBE], axes, memory), told(tiles=1, reuse=2)
    for epoch in (0, 1):
        read.clear()
        found = list(windows(tiles, asked, epoch, 2))
        assert bool(read) == (again or epoch == 0)
        fresh = list(windows(TileScores([CUBE], axes, None), asked, epoch, 2))
        assert all(np.array_equal(p, q) for b, c in zip(found, fresh, strict=True) for p, q in zip(b, c, strict=True))
