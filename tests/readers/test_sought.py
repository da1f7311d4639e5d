"""What no file declares: marks for no data, and full detectors. They are found, said, and never seen in good data."""

import numpy as np
import pytest

from spaxel import mask_pixels, open_cube, simulate
from spaxel.cube.sampling import sample_spectra
from spaxel.errors import GuessWarning, ParameterError
from spaxel.readers.native import write_cube
from spaxel.synth import WORLDS

H, W, C = 40, 30, 12
RNG = np.random.default_rng(0)
REFLECTANCE = RNG.random((H, W, C)) * 0.6 + 0.05
COUNTS = RNG.poisson(300 + 2000 * REFLECTANCE)


def said(cube):
    return [s for s in cube.attrs["guesses"] if "Option no_data" in s or "Option saturated" in s]


def marked(values, mark, dtype, whole=True):
    values = values.astype(dtype)
    values[:4, :5] = mark
    if not whole:
        values[:4, :5, :6] = REFLECTANCE[:4, :5, :6].astype(dtype)
    return values


@pytest.mark.parametrize(
    ("values", "mark", "dtype"),
    [
        (REFLECTANCE, -9999, "f4"),
        (REFLECTANCE, -999, "f8"),
        (REFLECTANCE, -0.9999, "f4"),
        (REFLECTANCE * 1e4, -9999, "i2"),
        (REFLECTANCE * 1e4, -32768, "i2"),
        (REFLECTANCE * 1e4, 32767, "i2"),
        (COUNTS, 65535, "u2"),
        (COUNTS, 4294967295, "u4"),
        (REFLECTANCE, 1e20, "f4"),
        (REFLECTANCE, -1e30, "f8"),
        (REFLECTANCE, 9.969209968386869e36, "f4"),
        (REFLECTANCE, np.finfo("f4").min, "f4"),
        (REFLECTANCE, np.finfo("f8").max, "f8"),
        (COUNTS - 2000, -9999, "f4"),
    ],
)
def test_a_mark_that_nobody_declared_is_hidden_and_said(values, mark, dtype):
    stored = marked(values, mark, dtype)
    with pytest.warns(GuessWarning, match="Option no_data decides"):
        cube = open_cube(stored)
    expected = np.zeros((H, W, C), bool)
    expected[:4, :5] = True
    np.testing.assert_array_equal(np.isnan(cube["spectra"].values), expected)
    np.testing.assert_array_equal(cube["valid"].values, ~expected.any(-1))
    left = open_cube(stored, no_data="none", saturated="none")
    assert left["spectra"].dtype == stored.dtype
    assert not said(left)


@pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")
def test_a_mark_in_some_channels_hides_these():
    cube = open_cube(marked(REFLECTANCE, -9999, "f4", whole=False))
    assert np.isnan(cube["spectra"].values[:4, :5, 6:]).all()
    assert np.isfinite(cube["spectra"].values[:4, :5, :6]).all()
    assert cube["valid"].values.all()


@pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")
def test_what_a_mark_is_changes_no_bit():
    found = [open_cube(marked(REFLECTANCE, mark, "f4"))["spectra"].values.tobytes() for mark in (-9999, 1e30, -32768)]
    assert len(set(found)) == 1


def full(level, dtype, bright=1.0):
    """Counts whose brightest pixels fill the detector: (values, which pixels do)."""
    light = np.random.default_rng(1).lognormal(0, bright, (H, W, 1)) * REFLECTANCE * level
    return np.minimum(light, level).astype(dtype), (light >= level).any(-1)


@pytest.mark.parametrize(
    ("level", "dtype"), [(4095, "u2"), (65535, "u2"), (16383, "i4"), (65520, "u2"), (61237, "u2"), (4095, "f4")]
)
def test_a_full_detector_is_said_and_kept_out_of_the_fit(level, dtype):
    values, reached = full(level, dtype)
    assert 0.05 < reached.mean() < 0.4
    with pytest.warns(GuessWarning, match=f"ceiling {level} .*Option saturated decides"):
        cube = open_cube(values)
    assert cube["spectra"].dtype == values.dtype
    np.testing.assert_array_equal(cube["saturated"].values, reached)
    assert cube["valid"].values.all()
    sample = sample_spectra(cube, 10_000)
    assert len(sample.spectra) == (~reached).sum()
    assert sample.spectra.max() < level
    assert sample.valid_share == 1
    assert "saturated" not in open_cube(values, saturated="none")


@pytest.mark.parametrize("value", [3000, "3000", 3000.0])
def test_the_option_says_where_a_detector_is_full(value):
    cube = open_cube(COUNTS, saturated=value)
    np.testing.assert_array_equal(cube["saturated"].values, (COUNTS >= 3000).any(-1))
    with pytest.raises(ParameterError, match="saturated"):
        open_cube(COUNTS, saturated="bright")


def good_data():
    """Data in which nothing is to be found, by name."""
    rng = np.random.default_rng(5)
    poisson = rng.poisson(rng.gamma(1, 3, (H, W, 1)) * np.ones(C))
    picture = np.clip(rng.normal(200, 60, (H, W, 3)), 0, 255)
    capped = np.minimum(REFLECTANCE * 2, 1.0)
    zeros = np.where(rng.random((H, W, C)) < 0.9, 0, rng.integers(1, 5, (H, W, C)))
    heavy = rng.pareto(1.5, (H, W, C)) * 1000
    return {
        "photon counts": poisson.astype("u2"),
        "sparse counts": zeros.astype("u4"),
        "counts": COUNTS.astype("u2"),
        "counts as floats": COUNTS.astype("f4"),
        "a true maximum": np.where(COUNTS.max() == COUNTS, 65535, COUNTS).astype("u2")[..., :C],
        "8 bits": picture.astype("u1"),
        "8 bits kept in 16": picture.astype("u2"),
        "capped reflectance": capped,
        "capped reflectance x 10000": np.round(capped * 10_000).astype("i2"),
        "negative reflectance": (REFLECTANCE - 0.3).astype("f4"),
        "derivatives": np.diff(REFLECTANCE, axis=2),
        "heavy tails": heavy.astype("u2"),
        "heavy tails as floats": heavy,
        "luminosities": REFLECTANCE * 1e41,
        "fluxes": REFLECTANCE * 1e-19,
        "absorbance down to -9999": np.linspace(-9999, 5, H * W * C).reshape(H, W, C),
        "one value": np.full((H, W, C), -9999.0),
        "two values": np.where(RNG.random((H, W, C)) < 0.5, 0.0, 1.0),
        "a mask of 65535 and 0": np.where(RNG.random((H, W, C)) < 0.5, 0, 1000).astype("u2"),
        "yes and no": RNG.random((H, W, C)) < 0.5,
        "rounded": np.round(REFLECTANCE * 5000).astype("i4"),
    }


@pytest.mark.parametrize("name", sorted(good_data()))
def test_in_good_data_nothing_is_found(name):
    cube = open_cube(good_data()[name])
    assert not said(cube)
    assert "saturated" not in cube


@pytest.mark.parametrize("world", sorted(WORLDS))
def test_in_simulated_worlds_nothing_is_found(world):
    for seed in range(3):
        cube = open_cube(simulate(world, seed=seed))
        assert not said(cube)
        assert "saturated" not in cube


@pytest.mark.parametrize("where", [(0, 0), (-70, -70), (260, 300)])
@pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")
def test_corners_and_middle_of_a_large_image_are_looked_at(tmp_path, where):
    values = np.random.default_rng(0).random((600, 700, 4)).astype("f4")
    y, x = where
    values[y : y + 60 or None, x : x + 60 or None] = -9999
    np.save(tmp_path / "a.npy", values)
    cube = open_cube(tmp_path / "a.npy", channel_axis=2)
    assert cube["spectra"].chunks is not None
    assert int((~cube["valid"]).sum()) == 3600


@pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")
def test_pixels_that_are_masked_are_not_looked_at():
    values = marked(REFLECTANCE, -9999, "f4")
    use = np.ones((H, W), bool)
    use[:4, :5] = False
    cube = mask_pixels(open_cube(values), use)
    assert int(cube["valid"].sum()) == H * W - 20


@pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")
def test_what_was_decided_stays_when_a_cube_is_converted(tmp_path):
    np.save(tmp_path / "a.npy", full(4095, "u2")[0])
    left = open_cube(write_cube(open_cube(tmp_path / "a.npy", channel_axis=2, saturated="none"), tmp_path / "a.zarr"))
    assert "saturated" not in left
    kept = open_cube(write_cube(open_cube(tmp_path / "a.npy", channel_axis=2), tmp_path / "b.zarr"))
    np.testing.assert_array_equal(kept["saturated"].values, full(4095, "u2")[1])


def test_counts_of_x_rays_are_counts():
    assert not said(open_cube(full(4095, "u2")[0], channel=np.arange(C) + 1.0, units="keV"))
