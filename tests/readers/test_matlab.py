from contextlib import suppress

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from spaxel import open_cube
from spaxel.errors import AxisError, CubeError, GuessWarning, NotFound, ParameterError, ReadError, SpaxelError
from spaxel.readers.matlab import reader
from spaxel.testing import check_reader

H, W, C, K = 13, 7, 11, 3
AXIS = 400.0 + 10 * np.arange(C)
CUBE = (np.arange(H * W * C).reshape(H, W, C) % 250 + 1).astype("i2")
LABELS = np.arange(H * W).reshape(H, W) % 4
ABUNDANCES = np.arange(H * W * K).reshape(H, W, K) / 100.0
PURE = np.arange(K * C).reshape(K, C) + 0.5
quiet = pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")


def folded(image):
    """(pixel, k), column by column, as MATLAB's reshape does."""
    return image.reshape(H * W, -1, order="F")


def save5(path, **variables):
    savemat(path, variables, do_compression=True)
    return path


def save73(path, **variables):
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in variables.items():
            file.create_dataset(name, data=np.atleast_2d(value).T)
    data = bytearray(path.read_bytes())
    data[:128] = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    path.write_bytes(data)
    return path


both = pytest.mark.parametrize("save", [save5, save73])


@both
def test_an_image_with_its_axis(tmp_path, save):
    path = save(tmp_path / "a.mat", img=CUBE, wavelength_nm=AXIS)
    cube = check_reader(reader, path)
    np.testing.assert_array_equal(open_cube(path)["spectra"], CUBE)
    assert cube["channel"].attrs["units"] == "nm"
    assert cube.attrs["guesses"] == []
    assert cube["spectra"].dtype == np.int16


@both
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_channel_axis_is_the_one_as_long_as_the_axis_values(tmp_path, save, axis):
    cube = open_cube(save(tmp_path / "a.mat", img=np.moveaxis(CUBE, 2, axis), wavelength_nm=AXIS))
    np.testing.assert_array_equal(cube["spectra"], CUBE)


@quiet
@both
def test_what_the_file_does_not_say_is_a_guess(tmp_path, save):
    path = save(tmp_path / "a.mat", img=CUBE)
    with pytest.warns(GuessWarning, match=r"took axis 2 \(11 channels\), by habit.*\. Option channel_axis decides"):
        cube = open_cube(path)
    assert len(cube.attrs["guesses"]) == 2
    turned = open_cube(path, channel_axis=0, channel="index")
    np.testing.assert_array_equal(turned["spectra"], np.moveaxis(CUBE, 0, 2))
    assert turned.attrs["guesses"] == []
    with pytest.raises(AxisError, match="Try one of 0 to 2"):
        open_cube(path, channel_axis=3)


def test_version_7_3_is_lazy(tmp_path):
    path = save73(tmp_path / "a.mat", img=np.ones((130, 67, C)), wavelength_nm=AXIS)
    cube = open_cube(path)
    with h5py.File(path, "a") as file:
        file.create_dataset("chunked", (C, 67, 130), "f4", chunks=(C, 20, 30))[...] = 1
    assert open_cube(path, dataset="chunked")["spectra"].chunks == ((60, 60, 10), (60, 7), (C,))
    assert cube["spectra"].chunks == ((64, 64, 2), (64, 3), (C,))


@both
def test_a_second_image_is_no_truth(tmp_path, save):
    path = save(tmp_path / "a.mat", img=CUBE, map=CUBE + 1, wavelength_nm=AXIS)
    assert "truth_abundances" not in open_cube(path, dataset="img")


@both
def test_a_matrix_of_pixels_is_unfolded_column_by_column_with_its_truth(tmp_path, save):
    path = save(
        tmp_path / "a.mat", Y=folded(CUBE).T.astype("f4"), lines=H, cols=W, wavelength_nm=AXIS, GT=PURE, S_GT=ABUNDANCES
    )
    with pytest.warns(GuessWarning, match="13 x 7 pixels of Y lie; took column by column. Option pixel_order"):
        cube = open_cube(path)
    np.testing.assert_array_equal(cube["spectra"], CUBE)
    np.testing.assert_array_equal(cube["truth_abundances"], ABUNDANCES)
    np.testing.assert_array_equal(cube["truth_spectra"], PURE)
    np.testing.assert_array_equal(open_cube(path, pixel_order="F", dataset="Y")["spectra"], CUBE)


@quiet
@both
def test_truth_is_unfolded_as_the_spectra_are(tmp_path, save):
    variables = {"Y": folded(CUBE), "A": folded(ABUNDANCES).T, "labels": folded(LABELS), "wavelength_nm": AXIS}
    path = save(tmp_path / "a.mat", **variables)
    for shape in ((H, W), "13x7", "13,7"):
        cube = open_cube(path, shape=shape)
        np.testing.assert_array_equal(cube["spectra"], CUBE)
        np.testing.assert_array_equal(cube["truth_abundances"], ABUNDANCES)
        np.testing.assert_array_equal(cube["truth_labels"], LABELS)
    rows = open_cube(path, shape=(H, W), pixel_order="C")
    np.testing.assert_array_equal(rows["spectra"], folded(CUBE).reshape(H, W, C))
    np.testing.assert_array_equal(rows["truth_labels"], folded(LABELS).reshape(H, W))


@pytest.mark.parametrize("shape", [(5, 5), "13", "a,b"])
def test_a_shape_that_does_not_fit_is_refused(tmp_path, shape):
    with pytest.raises(ParameterError, match="Try"):
        open_cube(save5(tmp_path / "a.mat", Y=folded(CUBE), wavelength_nm=AXIS), shape=shape)


@quiet
def test_a_matrix_alone_is_a_list_of_spectra(tmp_path):
    path = save5(tmp_path / "a.mat", X=folded(CUBE))
    with pytest.warns(GuessWarning, match="one spectrum per row"):
        assert open_cube(path)["spectra"].shape == (H * W, 1, C)
    turned = open_cube(path, channel_axis=0, channel="index")
    assert turned["spectra"].shape == (C, 1, H * W)


@quiet
def test_channel_option_is_checked(tmp_path):
    path = save5(tmp_path / "a.mat", img=CUBE, other=np.arange(5.0), words=["a", "b"])
    np.testing.assert_array_equal(open_cube(path, channel=AXIS, channel_axis=2, units="nm")["channel"], AXIS)
    with pytest.raises(AxisError, match=r"5 values, the spectra .* 11 channels"):
        open_cube(path, channel="other", channel_axis=2)
    with pytest.raises(NotFound, match=r"no variable 'nowhere' \(it holds img, other, words\)"):
        open_cube(path, channel="nowhere")
    with pytest.raises(AxisError, match="no row of numbers"):
        open_cube(path, channel="words")


@both
def test_several_candidates_are_listed(tmp_path, save):
    path = save(tmp_path / "a.mat", first=CUBE, second=CUBE[:5], wavelength_nm=AXIS)
    with pytest.raises(ReadError, match=r"several .* first \(13, 7, 11\) int16, second \(5, 7, 11\) int16.*dataset="):
        open_cube(path)
    assert open_cube(path, dataset="second").sizes["y"] == 5
    with pytest.raises(NotFound, match=r"no dataset 'third'. It holds: .*first \(13, 7, 11\)"):
        open_cube(path, dataset="third")


@pytest.mark.parametrize(
    ("gt", "option", "wanted"),
    [
        (LABELS, None, LABELS - 1),
        (LABELS, "none", LABELS),
        (LABELS, 2, np.where(LABELS == 2, -1, LABELS - (LABELS > 2))),
        (LABELS % 2, None, LABELS % 2),
        (LABELS - 1, None, np.where(LABELS == 1, -1, LABELS - 1 - (LABELS > 1))),
    ],
)
def test_label_zero_of_a_gt_file_is_unlabelled(tmp_path, gt, option, wanted):
    path = save5(tmp_path / "Scene_corrected.mat", img=CUBE, wavelength_nm=AXIS)
    save5(tmp_path / "Scene_gt.mat", scene_gt=gt.astype(float))
    cube = open_cube(path, truth_background=option)
    assert cube["truth_labels"].dtype == np.int32
    assert any("option truth_background decides" in line for line in cube.attrs["history"])
    if gt.min() < 0:
        wanted = gt
    np.testing.assert_array_equal(cube["truth_labels"], wanted)


def test_truth_option(tmp_path):
    path = save5(tmp_path / "a.mat", img=CUBE, wavelength_nm=AXIS, where=LABELS, labels=LABELS + 5, odd=np.ones((5, 4)))
    other = save5(tmp_path / "b.mat", classes=LABELS + 7, M=PURE.T)
    assert (open_cube(path)["truth_labels"] == LABELS + 5).all()
    assert (open_cube(path, truth="where")["truth_labels"] == LABELS).all()
    assert "truth_labels" not in open_cube(path, truth="none")
    cube = open_cube(path, truth=other.name)
    assert (cube["truth_labels"] == LABELS + 7).all()
    np.testing.assert_array_equal(cube["truth_spectra"], PURE)
    assert "truth_labels" not in open_cube(path, truth=f"{other}:M")
    with pytest.raises(ReadError, match=r"truth='odd' does not fit the 13 x 7 pixels and 11 channels"):
        open_cube(path, truth="odd")


@quiet
@both
@pytest.mark.parametrize("size", [(1, 1, 11), (13, 7, 1), (2, 1, 1)])
def test_one_pixel_and_one_channel(tmp_path, save, size):
    path = save(tmp_path / "a.mat", img=CUBE[: size[0], : size[1], : size[2]])
    cube = open_cube(path, channel_axis=2, dataset="img")
    np.testing.assert_array_equal(cube["spectra"], CUBE[: size[0], : size[1], : size[2]])


def test_complex_cells_structs_and_nothing(tmp_path):
    complex5 = save5(tmp_path / "a.mat", img=CUBE * 1j, wavelength_nm=AXIS)
    with pytest.raises(CubeError, match="real part"):
        open_cube(complex5)
    with h5py.File(tmp_path / "c.mat", "w", userblock_size=512) as file:
        file["img"] = np.zeros((C, W, H), dtype=[("real", "f8"), ("imag", "f8")])
    data = bytearray((tmp_path / "c.mat").read_bytes())
    data[:128] = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    (tmp_path / "c.mat").write_bytes(data)
    with pytest.raises(ReadError, match="complex"):
        open_cube(tmp_path / "c.mat", dataset="img")
    path = save5(tmp_path / "b.mat", s={"img": CUBE}, cells=np.array([CUBE, "x"], dtype=object))
    with pytest.raises(ReadError, match=r"several arrays .* s\.img \(13, 7, 11\) int16, cells\{1,1\} \(13, 7, 11\)"):
        open_cube(path)
    with pytest.raises(ReadError, match="cells cannot be read: a MATLAB cell"):
        open_cube(path, dataset="cells")
    np.testing.assert_array_equal(
        open_cube(path, dataset="cells{1,1}", channel_axis=2, channel="index")["spectra"], CUBE
    )


@quiet
def test_the_fields_of_a_struct_are_searched_as_variables_are(tmp_path):
    held = {"DataCube": CUBE, "Wavelength": AXIS, "Metadata": {"sensor": "x", "gain": 2.0}}
    path = save5(tmp_path / "a.mat", data=held)
    cube = open_cube(path)
    np.testing.assert_array_equal(cube["spectra"], CUBE)
    np.testing.assert_array_equal(cube["channel"], AXIS)
    for name in ("data.DataCube", "data/DataCube"):
        np.testing.assert_array_equal(open_cube(path, dataset=name)["spectra"], CUBE)
    with pytest.raises(NotFound, match=r"It holds: .*data\.DataCube \(13, 7, 11\)"):
        open_cube(path, dataset="data.Cube")


def test_a_cell_of_texts_is_an_axis(tmp_path):
    texts = np.array([f"{value:.1f} nm".replace(".", ",") for value in AXIS], dtype=object)
    cube = open_cube(save5(tmp_path / "a.mat", img=CUBE, wavelength=texts))
    np.testing.assert_array_equal(cube["channel"], AXIS)
    assert cube.attrs["guesses"] == []


def test_a_struct_of_version_7_3(tmp_path):
    path = save73(tmp_path / "a.mat", **{"data/DataCube": CUBE, "data/wavelength_nm": AXIS})
    for options in ({}, {"dataset": "data.DataCube"}):
        cube = open_cube(path, **options)
        np.testing.assert_array_equal(cube["spectra"], CUBE)
        np.testing.assert_array_equal(cube["channel"], AXIS)


@quiet
def test_version_4(tmp_path):
    path = tmp_path / "a.dat"
    savemat(tmp_path / "a.mat", {"X": CUBE[0].astype(float), "wavelength": AXIS}, format="4")
    (tmp_path / "a.mat").rename(path)
    cube = open_cube(path)
    np.testing.assert_array_equal(cube["spectra"][:, 0], CUBE[0])
    np.testing.assert_array_equal(cube["channel"], AXIS)


@quiet
def test_nan_and_big_endian(tmp_path):
    values = CUBE.astype(">f8")
    values[2, 3] = np.nan
    cube = open_cube(save5(tmp_path / "a.mat", img=values))
    np.testing.assert_array_equal(cube["spectra"], values)
    assert np.argwhere(~cube["valid"].values).tolist() == [[2, 3]]


@quiet
@both
def test_content_decides_and_damage_never_raises_a_stranger(tmp_path, save):
    path = save(tmp_path / "a.csv", img=CUBE, wavelength_nm=AXIS)
    np.testing.assert_array_equal(open_cube(path)["spectra"], CUBE)
    whole, rng = path.read_bytes(), np.random.default_rng(5)
    broken = tmp_path / "broken.mat"
    for size in (130, 600, len(whole) // 2, len(whole) - 9):
        broken.write_bytes(whole[:size])
        with pytest.raises(ReadError, match=r"broken\.mat"):
            open_cube(broken)["spectra"].compute()
    for _ in range(80):
        bad = bytearray(whole)
        bad[rng.integers(128, len(bad))] ^= 1 << rng.integers(8)
        broken.write_bytes(bad)
        with suppress(SpaxelError):
            open_cube(broken)
