import subprocess
import sys

import numpy as np
import pytest
from scipy.ndimage import label

from spaxel.cube import check_cube
from spaxel.errors import MissingExtra, ParameterError
from spaxel.readers.native import write_cube
from spaxel.readers.registry import open_cube
from spaxel.synth import simulate
from spaxel.synth.cameras import CAMERAS, Camera, response
from spaxel.synth.leaf import scene as leaf_scene
from spaxel.synth.leaf.light import STRIPES, noise_shape
from spaxel.synth.leaf.scene import VERSIONS
from spaxel.synth.leaf.spectra import CLASSES, KINDS, TISSUES, WAVELENGTH, prospect
from spaxel.synth.leaf.world import leaf, series

pytest.importorskip("prosail")
FEW = {"camera": "multispectral10"}  # channels, so that tests are quick


def lesions(cube):
    """Share of the image that is lesion, by area."""
    return float(cube["truth_abundances"].values[..., 2:].sum(-1).mean())


def at(cube):
    """Truth spectra at five wavelengths: (5, class)."""
    return cube["truth_spectra"].sel(channel=[450, 550, 670, 800, 950], method="nearest").values.T


def test_the_convention_and_the_truth():
    cube = check_cube(simulate("leaf", height=70, width=90, seed=5, day=4))
    assert cube["spectra"].dtype == np.float32
    assert cube["channel"].attrs == {"units": "nm", "long_name": "wavelength"}
    assert cube.attrs["truth_names"] == list(CLASSES)
    shares = cube["truth_abundances"].values
    np.testing.assert_allclose(shares.sum(-1), 1, atol=1e-6)
    assert shares.min() >= 0
    np.testing.assert_array_equal(shares.argmax(-1), cube["truth_labels"])
    assert set(np.unique(cube["truth_labels"])) == {0, 1, 2, 3}
    assert ((shares > 0.1) & (shares < 0.9)).any((0, 1)).all()  # every class has soft borders


@pytest.mark.parametrize(
    ("camera", "first", "last", "n"),
    [
        ("lab120", 400, 1000, 120),
        ("lab60", 400, 1000, 60),
        ("handheld204", 397, 1003, 204),
        ("multispectral10", 444, 842, 10),
    ],
)
def test_each_camera_has_its_axis(camera, first, last, n):
    cube = leaf(9, 8, camera=camera)
    assert cube["spectra"].shape == (9, 8, n)
    assert cube["channel"].values[[0, -1]].tolist() == [first, last]
    assert len(CAMERAS) == 4


def test_a_channel_is_a_mean_around_its_wavelength():
    seen = response(Camera(np.array([400.0, 600.0, 850.0]), np.array([5.0, 10.0, 57.0])), WAVELENGTH)
    np.testing.assert_allclose(seen.sum(1), 1)
    np.testing.assert_allclose((seen @ WAVELENGTH)[1:], [600, 850], atol=1e-6)
    above_half = (seen[2] >= seen[2].max() / 2).sum()
    assert abs(above_half - 57) <= 1


def test_the_answer_does_not_depend_on_how_it_is_read(tmp_path):
    cube = leaf(70, 130, seed=1, leaves=2, **FEW)
    assert cube["spectra"].chunks == ((64, 6), (64, 64, 2), (10,))
    whole = cube.compute()
    window = cube.isel(y=slice(60, 68), x=slice(120, 130)).compute()
    assert window.identical(whole.isel(y=slice(60, 68), x=slice(120, 130)))
    assert cube.chunk({"y": 35, "x": 130}).compute().identical(whole)
    read = open_cube(write_cube(cube, tmp_path / "leaf.zarr"))
    assert read[list(whole)].compute().equals(whole)
    assert read.attrs["truth_names"] == whole.attrs["truth_names"]


def test_equal_seeds_give_equal_bits_and_others_do_not():
    one, same, other = (leaf(66, 40, seed=s, **FEW).compute() for s in (4, 4, 5))
    assert one.identical(same)
    assert not np.array_equal(one["truth_labels"], other["truth_labels"])
    assert not np.array_equal(one["truth_spectra"], other["truth_spectra"])


def test_another_day_is_the_same_leaf_with_other_noise():
    early, late = (leaf(64, 64, seed=3, day=day, healthy=True, **FEW).load() for day in (2, 9))
    np.testing.assert_array_equal(early["truth_abundances"], late["truth_abundances"])
    assert not np.array_equal(early["spectra"], late["spectra"])
    clean = [leaf(64, 64, seed=3, day=day, healthy=True, noise=False, **FEW)["spectra"].values for day in (2, 9)]
    np.testing.assert_array_equal(*clean)


@pytest.mark.parametrize("seed", range(4))
def test_lesions_grow_and_healthy_leaves_have_none(seed):
    found = [lesions(cube) for cube in series((0, 1, 2, 3, 5, 7, 10, 20), height=96, width=96, seed=seed, **FEW)]
    assert found[0] == 0
    assert (np.diff(found) > 0).all()
    for options in ({"healthy": True, "day": 10}, {"day": 0}):
        cube = leaf(96, 96, seed=seed, **options, **FEW)
        assert lesions(cube) == 0
        assert cube["truth_labels"].values.max() == 1


def test_nothing_heals_in_any_pixel():
    days = [cube["truth_abundances"].values[..., 2:].sum(-1) for cube in series((1, 3, 6, 12), seed=8, **FEW)]
    assert np.diff(days, axis=0).min() > -1e-6


def test_shares_are_those_promised():
    days = [series((3, 5, 10), height=64, width=64, seed=seed, **FEW) for seed in range(10)]
    shares = np.array([[lesions(cube) for cube in cubes] for cubes in days]).mean(0)
    assert 0.01 < shares[0] < 0.03 < shares[1] < 0.06 < shares[2] < 0.12
    plants = [1 - cubes[0]["truth_abundances"].values[..., 0].mean() for cubes in days]
    assert 0.15 < min(plants) <= max(plants) < 0.4


@pytest.mark.parametrize("version", VERSIONS)
def test_reflectance_lies_between_0_and_1_before_noise(version):
    for seed in range(3):
        spectra = leaf(128, 128, seed=seed, version=version, shadows=1, noise=False, **FEW)["spectra"].values
        assert spectra.min() > 0
        assert spectra.max() < 1


def test_in_even_light_the_cube_is_what_the_truth_says(monkeypatch):
    calm = VERSIONS["easy"]._replace(shadows=0, slope=0, gloss=0, variety=0)
    monkeypatch.setitem(leaf_scene.VERSIONS, "easy", calm)
    cube = leaf(64, 64, seed=2, day=8, noise=False).load()
    spectra, shares = cube["spectra"].values.astype(float), cube["truth_abundances"].values
    linear = shares @ cube["truth_spectra"].values
    cosine = (spectra * linear).sum(-1) / np.linalg.norm(spectra, axis=-1) / np.linalg.norm(linear, axis=-1)
    assert cosine[shares[..., 0] == 1].min() > 1 - 1e-6
    assert cosine.min() > 0.97
    bright = spectra.sum(-1) / linear.sum(-1)
    assert 0.6 < bright.min() < bright.max() < 1.4
    tissue = shares[..., 1] > 0.99
    assert bright[tissue].mean() == pytest.approx(1, abs=0.1)


def test_noise_is_as_asked_and_rises_in_the_blue():
    options = {"seed": 2, "version": "hard", "day": 6}
    clean = leaf(64, 64, noise=False, **options)["spectra"].values.astype(float)
    for snr in (5, 10, 40):
        cube = leaf(64, 64, snr=snr, **options)
        noise = cube["spectra"].values - clean
        mean = float(cube["truth_spectra"][1].mean())
        wanted = mean / snr * noise_shape(cube["channel"].values)
        stripes = noise.mean(0)  # of 64 rows
        pull = (noise - stripes) / wanted / np.sqrt(0.5 + 0.5 * clean / mean)
        np.testing.assert_allclose(pull.var() * 64 / 63, 1, atol=0.02)
        np.testing.assert_allclose((stripes / wanted).var(), STRIPES**2 + 0.01, atol=0.01)
        middle, blue = noise[..., 20:100].std(), noise[..., :5].std()
        assert 4 < blue / middle < 8
        assert 0.7 * mean / snr < middle < 1.1 * mean / snr


def test_tiles_draw_their_own_noise():
    options = {"seed": 2, "healthy": True, "snr": 1, **FEW}
    noise = leaf(128, 128, **options)["spectra"].values - leaf(128, 128, noise=False, **options)["spectra"].values
    tiles = [noise[y : y + 64, x : x + 64, 3].ravel() for y in (0, 64) for x in (0, 64)]
    apart = np.corrcoef(tiles)[~np.eye(4, dtype=bool)]
    assert np.abs(apart).max() < 0.15  # tiles below each other share the stripes of their columns: 0.09


def test_shadows_darken_and_turn_blue():
    lit, dark = (leaf(96, 96, seed=1, shadows=s, noise=False, **FEW)["spectra"].values for s in (0, 0.9))
    ratio = dark / lit
    assert ratio.max() < 1 + 1e-5
    deep = ratio[..., -1] < 0.4
    assert 0.02 < deep.mean() < 0.8
    assert (ratio[deep][:, 0] > 1.05 * ratio[deep][:, -1]).all()


def test_the_versions_are_the_same_leaf():
    easy, hard = (leaf(64, 64, seed=6, version=v, **FEW) for v in ("easy", "hard"))
    np.testing.assert_array_equal(easy["truth_abundances"], hard["truth_abundances"])
    angle = []
    for cube in (easy, hard):
        tissue, dead = cube["truth_spectra"].values[[1, 3]]
        angle.append(tissue @ dead / np.linalg.norm(tissue) / np.linalg.norm(dead))
    assert angle[0] < angle[1]  # lesions of the hard version are closer to tissue


@pytest.mark.parametrize("n", [1, 2, 4, 6])
def test_as_many_leaves_as_asked(n):
    labels = leaf(160, 160, seed=3, leaves=n, **FEW)["truth_labels"].values
    parts, _ = label(labels > 0)
    sizes = np.bincount(parts.ravel())[1:]
    assert (sizes > 0.3 * sizes.max()).sum() == n
    edges = [labels[0], labels[-1], labels[:, 0], labels[:, -1]]
    assert not np.concatenate(edges).any()  # whole leaves


def test_prospect_makes_leaves():
    model = prospect()
    for _, tissue in TISSUES.values():
        reflected, passed = model(tissue)
        assert (reflected > 0).all()
        assert (reflected + passed < 1).all()
    assert len(KINDS) == 2 + len(TISSUES)
    cube = leaf(4, 4)
    background, tissue, young, dead = (dict(zip((450, 550, 670, 800, 950), v, strict=True)) for v in at(cube).T)
    assert tissue[550] > 1.5 * tissue[670]  # the green peak, the chlorophyll well
    assert tissue[800] > 5 * tissue[670]  # the red edge
    assert abs(tissue[950] - tissue[800]) < 0.05  # the plateau
    assert dead[550] < dead[670] < dead[800] < dead[950]  # brown slopes upwards
    assert tissue[670] < young[670]
    assert tissue[800] > young[800] > dead[800]
    assert max(background.values()) < 0.12


def test_without_prosail_the_error_says_what_to_install(monkeypatch, cli, tmp_path):
    monkeypatch.setitem(sys.modules, "prosail", None)
    with pytest.raises(MissingExtra, match=r"prosail.*pip install 'spaxel\[leaf\]'"):
        leaf(4, 4)
    code, _, said = cli("simulate", "leaf", tmp_path / "leaf.zarr", "--size", "8x8")
    assert code == 2
    assert "spaxel[leaf]" in said
    assert not (tmp_path / "leaf.zarr").exists()


def test_simulate_leaf_on_the_command_line(cli, tmp_path):
    words = ("--size", "20x30", "--seed", 4, "--option", "day=7", "--option", "camera=multispectral10")
    code, said, _ = cli("simulate", "leaf", tmp_path / "a.zarr", *words, "--option", "version=hard")
    assert (code, said) == (0, f"wrote {tmp_path / 'a.zarr'}: 20 x 30 pixels, 10 channels\n")
    read = open_cube(tmp_path / "a.zarr").load()
    made = leaf(20, 30, seed=4, day=7, version="hard", **FEW).load()
    np.testing.assert_array_equal(read["spectra"], made["spectra"])
    assert cli("simulate", "leaf", tmp_path / "b.zarr", *words, "--option", "healthy=true")[0] == 0
    assert open_cube(tmp_path / "b.zarr")["truth_labels"].values.max() == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 3)])
def test_tiny_images(shape):
    cube = leaf(*shape, **FEW).compute()
    assert np.isfinite(cube["spectra"]).all()
    assert cube["spectra"].shape == (*shape, 10)


def test_a_huge_scene_costs_nothing_until_it_is_read():
    cube = leaf(5_000, 4_000)
    corner = cube.isel(y=slice(4_999, None), x=slice(3_990, None))
    assert corner["spectra"].values.shape == (1, 10, 120)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"height": 0}, "height is 0, expected a whole number from 1"),
        ({"seed": -1}, "seed is -1"),
        ({"day": -1}, "day is -1, expected a number from 0 to 60"),
        ({"day": "soon"}, "day is 'soon'"),
        ({"healthy": "maybe"}, "healthy is 'maybe', expected true or false"),
        ({"noise": 2}, "noise is 2, expected true or false"),
        ({"leaves": 0}, "leaves is 0"),
        ({"leaves": 65}, "leaves is 65, expected a whole number from 1 to 64"),
        ({"camera": "eye"}, "no camera 'eye'. Known cameras: lab120, lab60"),
        ({"version": "mad"}, "no version 'mad' of leaf. Known versions: easy, hard"),
        ({"snr": 0}, "snr is 0"),
        ({"snr": float("nan")}, "snr is nan"),
        ({"shadows": 1.5}, "shadows is 1.5, expected a number from 0 to 1"),
        ({"colour": 3}, "no option colour. Known options: day, healthy, leaves, camera"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ParameterError, match=message):
        simulate("leaf", **options)


def test_numba_is_loaded_only_by_the_work():
    without = "import sys; sys.modules['sparse'] = None"  # dask loads it where it is there, and it loads numba
    code = f"{without}; import spaxel.synth.leaf.world; print({{'numba', 'prosail', 'torch'}} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"
