"""Where only the shape speaks: the spectral axis by a look at the numbers, and how much of a file is read for it."""

import importlib.util
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from spaxel import open_cube, simulate
from spaxel.errors import GuessWarning
from spaxel.readers.parts.look import channels_by_numbers, look_for_channels

ORDERS = [(0, 1, 2), (0, 2, 1), (2, 0, 1)]
CUBE = simulate("maxrf", height=64, width=48, channels=100, seed=3)["spectra"].values.astype("f4")


class Counted:
    """An array-like that counts the numbers that are read."""

    def __init__(self, values):
        self.values, self.shape, self.dtype, self.read = values, values.shape, values.dtype, 0

    def __getitem__(self, key):
        found = self.values[key]
        self.read += found.size
        return found


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", ["npy", "npz", "h5", "tif"])
def test_every_order_of_every_format(tmp_path, order, kind):
    stored, path = np.ascontiguousarray(CUBE.transpose(order)), tmp_path / f"a.{kind}"
    if kind == "npy":
        np.save(path, stored)
    elif kind == "npz":
        np.savez(path, a=stored)
    elif kind == "tif":
        tifffile.imwrite(path, stored, photometric="minisblack")
    else:
        with h5py.File(path, "w") as file:
            file.create_dataset("a", data=stored, chunks=(16, 16, 16), compression="gzip")
    with pytest.warns(GuessWarning, match=rf"took axis {order.index(2)} .*numbers.* Option channel_axis decides"):
        cube = open_cube(path, channel="index")
    np.testing.assert_array_equal(cube["spectra"], CUBE)


@pytest.mark.parametrize("values", [np.zeros((20, 30, 40)), np.full((20, 30, 40), np.nan), np.ones((2, 30, 40))])
def test_what_the_numbers_leave_open_is_taken_by_habit(values):
    for habit in (0, 2):
        assert look_for_channels(values, habit)[0] == habit
    noise = np.random.default_rng(0).normal(size=(20, 30, 40))
    assert channels_by_numbers(noise) is None
    assert "leave it open" in look_for_channels(noise, 2)[1]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("mark", [np.nan, -9999.0, 65535.0, np.inf])
def test_marks_of_no_data_do_not_speak(order, mark):
    values = CUBE.copy()
    values[:20, :30] = mark
    assert look_for_channels(values.transpose(order), 0)[0] == order.index(2)


def test_a_look_reads_little():
    big = Counted(np.broadcast_to(np.float32(1), (5000, 4000, 300)))
    look_for_channels(big, 2)
    assert big.read == 48**3
    planes = Counted(np.broadcast_to(np.float32(1), (2000, 2000, 300)))
    look_for_channels(planes, 2, chunks=(2000, 2000, 1))
    assert planes.read == 16**3
    look_for_channels(planes, 2, chunks=(2000, 2000, 300))
    assert planes.read == 16**3


@pytest.mark.real_data
@pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")
@pytest.mark.parametrize("file", ["samson/Samson.mat", "salinas_a/SalinasA_corrected.mat", "hydice/HYDICE_data.mat"])
def test_real_scenes(real, file):
    spectra = open_cube(real / file)["spectra"].values
    for order in ORDERS:
        assert look_for_channels(spectra.transpose(order), 0)[0] == order.index(2)


@pytest.mark.real_data
@pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")
def test_cubes_with_their_bands_last_are_never_worse_off(real):
    spec = importlib.util.spec_from_file_location(
        "channel_axis", Path(__file__).parents[3] / "benchmarks/channel_axis.py"
    )
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    for file in bench.FILES:
        for path in sorted(real.glob(file)):
            if not path.name.startswith("labels") and path.suffix not in (".bcf", ".wdf"):
                assert look_for_channels(open_cube(path)["spectra"].values, 2)[0] == 2, path.name
