import pickle
import zipfile
from contextlib import suppress

import numpy as np
import pytest

from spaxel import open_cube
from spaxel.errors import AxisError, CubeError, GuessWarning, NotFound, ReadError, SpaxelError
from spaxel.readers.array import reader
from spaxel.testing import check_reader

H, W, C, K = 13, 7, 11, 3
AXIS = 400.0 + 10 * np.arange(C)
CUBE = (np.arange(H * W * C).reshape(H, W, C) % 250 + 1).astype("i2")
quiet = pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")


def npy(path, values):
    np.save(path, values)
    return path


def npz(path, **arrays):
    np.savez_compressed(path, **arrays)
    return path


class Trap:
    """An object that would leave a mark if it were unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


@pytest.mark.parametrize("values", [CUBE, np.asfortranarray(CUBE), CUBE.astype(">f4"), CUBE > 100, CUBE[::2]])
def test_npy_is_mapped_as_it_was_saved(tmp_path, values):
    path = npy(tmp_path / "a.npy", values)
    cube = open_cube(path, channel=AXIS, channel_axis=2, units="nm")
    assert cube["spectra"].chunks is not None
    assert cube["spectra"].dtype == values.dtype
    np.testing.assert_array_equal(cube["spectra"], values)
    assert cube.attrs["guesses"] == []
    check_reader(reader, path, channel=AXIS)


def test_a_lazy_cube_can_be_sent_to_another_process(tmp_path):
    cube = open_cube(npy(tmp_path / "a.npy", CUBE), channel=AXIS, channel_axis=2, units="nm")
    message = pickle.dumps(cube["spectra"].data)
    np.testing.assert_array_equal(pickle.loads(message).compute(), CUBE)
    big = npy(tmp_path / "b.npy", np.ones((64, 64, 300)))
    assert len(pickle.dumps(open_cube(big, channel_axis=2, channel="index")["spectra"].data)) < 20_000


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_npy_guess_and_option(tmp_path, axis):
    path = npy(tmp_path / "a.npy", np.moveaxis(CUBE, 2, axis))
    np.testing.assert_array_equal(open_cube(path, channel_axis=axis, channel="index")["spectra"], CUBE)
    with (
        pytest.warns(GuessWarning, match=r"took axis 2 .* Option channel_axis"),
        pytest.warns(GuessWarning, match="numbered"),
    ):
        open_cube(path)


@quiet
@pytest.mark.parametrize(
    ("values", "shape"),
    [
        (np.ones((5, 4)), (5, 1, 4)),
        (np.ones(4), (1, 1, 4)),
        (np.ones((1, 1, 4)), (1, 1, 4)),
        (np.ones((2, 3, 1)), (2, 3, 1)),
    ],
)
def test_lists_single_spectra_and_single_channels(tmp_path, values, shape):
    path = npy(tmp_path / "a.npy", values)
    assert open_cube(path)["spectra"].shape == shape
    if values.ndim == 2:
        assert open_cube(path, channel_axis=2)["spectra"].shape == (5, 4, 1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (CUBE * 1j, "real numbers"),
        (np.array([Trap()], dtype=object), "Python objects"),
        (np.zeros((3, 4), [("a", "i4"), ("b", "f4")]), "compound"),
        (np.array([["a", "b"]]), "real numbers"),
        (np.array(3.0), "0 axes"),
        (np.ones((0, 4)), "empty"),
    ],
)
@quiet
def test_what_cannot_be_a_cube_is_refused(tmp_path, values, message):
    path = npy(tmp_path / "a.npy", values)
    with pytest.raises((CubeError, ReadError), match=message):
        open_cube(path, dataset="a")


def test_npz_finds_axis_and_truth_by_name(tmp_path):
    pure, amounts = np.arange(C * K).reshape(C, K) + 0.5, np.arange(H * K).reshape(H, K) / 7
    path = npz(
        tmp_path / "a.npz", D=CUBE[:, 0], S=pure, C=amounts, raman_shift_cm1=AXIS[::-1], names=np.array(["a", "b"])
    )
    cube = check_reader(reader, path)
    np.testing.assert_array_equal(cube["spectra"].values[:, 0], CUBE[:, 0, ::-1])
    np.testing.assert_array_equal(cube["truth_spectra"], pure.T[:, ::-1])
    np.testing.assert_array_equal(cube["truth_abundances"].values[:, 0], amounts)
    assert cube["channel"].attrs["units"] == "1/cm"
    assert cube.attrs["guesses"] == []


@pytest.mark.parametrize("text", [[f"{a:g} nm" for a in AXIS], [f"{a:g}nm" for a in AXIS]])
def test_npz_axis_of_texts(tmp_path, text):
    path = npz(tmp_path / "a.npz", X=CUBE[0], X_dim_1=np.array(text), X_dim_0=np.array([str(k) for k in range(W)]))
    cube = open_cube(path)
    np.testing.assert_array_equal(cube["channel"], AXIS)
    assert cube["channel"].attrs["units"] == "nm"
    assert cube.attrs["guesses"] == []


def test_npz_choice(tmp_path):
    path = npz(tmp_path / "a.npz", A=CUBE, b=CUBE[:5], wavelength_nm=AXIS)
    with pytest.raises(ReadError, match=r"several .*A \(13, 7, 11\) int16, b \(5, 7, 11\) int16"):
        open_cube(path)
    assert open_cube(path, dataset="b", truth="none").sizes["y"] == 5
    with pytest.raises(NotFound, match="no dataset 'c'"):
        open_cube(path, dataset="c")
    with pytest.raises(AxisError, match="Try another channel"):
        open_cube(path, dataset="b", channel=[1, 2, 3])


def test_npz_never_unpickles(tmp_path):
    path = npz(tmp_path / "a.npz", a=CUBE, wavelength_nm=AXIS, trap=np.array([Trap()], dtype=object))
    assert open_cube(path).sizes["channel"] == C
    with pytest.raises(ReadError, match="Python objects"):
        open_cube(path, dataset="trap")


def header(shape):
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize("shape", [(10, 10, 10), (10**6, 10**6, 10**4)])
def test_truncation_and_petabytes_are_refused_without_allocation(tmp_path, shape):
    data = header(shape) + b"\0" * 100
    (tmp_path / "a.npy").write_bytes(data)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", data)
    needed = 8 * np.prod(shape, dtype=object)
    with pytest.raises(ReadError, match=rf"truncated: it has {len(data)} bytes, and {needed + len(data) - 100}"):
        open_cube(tmp_path / "a.npy")
    with pytest.raises(ReadError, match=rf"truncated, it has {len(data)} bytes and {needed + len(data) - 100}"):
        open_cube(tmp_path / "a.npz", dataset="x")


@quiet
@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_content_decides_and_damage_never_raises_a_stranger(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    npy(path, CUBE) if kind == "npy" else npz(path, x=CUBE, wavelength_nm=AXIS)
    whole, rng = path.read_bytes(), np.random.default_rng(4)
    wrong = tmp_path / "a.hdr"
    wrong.write_bytes(whole)
    np.testing.assert_array_equal(open_cube(wrong)["spectra"], CUBE)
    for size in (8, 60, len(whole) // 2, len(whole) - 1):
        wrong.write_bytes(whole[:size])
        with pytest.raises(ReadError, match=r"a\.hdr"):
            open_cube(wrong)
    for _ in range(100):
        bad = bytearray(whole)
        bad[rng.integers(min(len(bad), 300))] ^= 1 << rng.integers(8)
        wrong.write_bytes(bad)
        with suppress(SpaxelError):
            open_cube(wrong)


@quiet
def test_nan_is_kept(tmp_path):
    values = CUBE.astype("f4")
    values[1, 2] = np.nan
    cube = open_cube(npy(tmp_path / "a.npy", values))
    assert np.argwhere(~cube["valid"].values).tolist() == [[1, 2]]
