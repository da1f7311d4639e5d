"""Quality arrays, masks of the user, polygons, references: through `open_cube`, as users meet them."""

import json

import h5py
import numpy as np
import pytest
import rasterio
import scipy.io
from astropy.io import fits
from PIL import Image

from spaxel import make_cube, open_cube
from spaxel.errors import GuessWarning, NotFound, ParameterError, ReadError, SpaxelError

pytestmark = pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")

H, W, C = 8, 7, 5
CUBE = np.random.default_rng(0).random((H, W, C)) + 1
BAD = np.random.default_rng(1).random((H, W)) < 0.3
BAD_VALUES = np.random.default_rng(2).random((H, W, C)) < 0.3
PLACE = rasterio.Affine(10, 0, 500_000, 0, -10, 5_000_000)


def save_fits(path, flags, name="MASK", header=()):
    """A FITS cube with an extension of flags; header : cards of the primary header."""
    primary = fits.PrimaryHDU()
    primary.header.update(dict(header))
    data = fits.ImageHDU(np.moveaxis(CUBE, -1, 0), name="FLUX")
    data.header["CTYPE3"], data.header["CRVAL3"], data.header["CDELT3"], data.header["CUNIT3"] = (
        "WAVE",
        500.0,
        1.0,
        "nm",
    )
    flags = np.moveaxis(flags, -1, 0) if flags.ndim == 3 else flags
    fits.HDUList([primary, data, fits.ImageHDU(flags, name=name)]).writeto(path)
    return path


def check_hidden(cube, hidden):
    """The values that are hidden are NaN, no others, and `valid` says where none is left."""
    hidden = np.broadcast_to(hidden[..., None], CUBE.shape) if hidden.ndim == 2 else hidden
    np.testing.assert_array_equal(np.isnan(cube["spectra"].values), hidden)
    np.testing.assert_array_equal(cube["valid"].values, ~hidden.all(-1))
    np.testing.assert_allclose(cube["spectra"].values[~hidden], CUBE[~hidden], rtol=1e-6)


@pytest.mark.parametrize("flags", [BAD, BAD_VALUES], ids=["pixels", "values"])
@pytest.mark.parametrize("name", ["MASK", "DQ", "BADPIX"])
@pytest.mark.parametrize("dtype", ["i4", "u1", "u4"])
def test_an_extension_of_flags_hides_where_it_is_not_zero(tmp_path, flags, name, dtype):
    cube = open_cube(save_fits(tmp_path / "a.fits", (flags * 4).astype(dtype), name))
    check_hidden(cube, flags)
    assert any(f"{name} is not 0" in sentence for sentence in cube.attrs["history"])
    whole = open_cube(tmp_path / "a.fits", mask="none")
    np.testing.assert_array_equal(whole["spectra"].values, CUBE)
    assert any("not used" in sentence for sentence in whole.attrs["history"])


@pytest.mark.parametrize(
    ("header", "hides", "informs"),
    [
        ({"MASKNAME": "MANGA_DRP3PIXMASK"}, [1, 4, 8, 1024], [2, 16, 512]),
        ({"INSTRUME": "MaNGA"}, [1024], [2]),
        ({"MASKNAME": "MANGA_DAPSPECMASK"}, [1, 2, 4, 8, 16], [32, 64, 128]),
        ({"TELESCOP": "JWST"}, [1, 513, 3], [2, 4, 512]),
    ],
    ids=["drp", "manga", "dap", "jwst"],
)
def test_surveys_say_which_bits_make_a_value_useless(tmp_path, header, hides, informs):
    flags = np.zeros((H, W, C), "u4")
    hidden = np.zeros(flags.shape, bool)
    for place, bits in enumerate(hides):
        flags[0, 0, place % C] |= bits
        hidden[0, 0, place % C] = True
    for place, bits in enumerate(informs):
        flags[1, place] = bits
    check_hidden(open_cube(save_fits(tmp_path / "a.fits", flags, "DQ", header)), hidden)


@pytest.mark.parametrize("use", [~BAD, ~BAD_VALUES], ids=["pixels", "values"])
def test_a_mask_that_calls_most_of_the_image_bad_is_taken_as_what_to_use(tmp_path, use):
    path = save_fits(tmp_path / "a.fits", use.astype("u1"))
    with pytest.warns(GuessWarning, match="Options mask_invert and mask decide"):
        check_hidden(open_cube(path), ~use)
    check_hidden(open_cube(path, mask_invert=True), use)


def test_flags_of_muse_are_bad_whatever_the_bit(tmp_path):
    flags = np.where(BAD_VALUES, 1 << 30, 0).astype("i4")
    check_hidden(open_cube(save_fits(tmp_path / "a.fits", flags, "DQ", {"INSTRUME": "MUSE"})), BAD_VALUES)


def as_npz(folder, **arrays):
    np.savez(folder / "a.npz", **arrays)
    return folder / "a.npz"


def as_mat(folder, **arrays):
    scipy.io.savemat(
        folder / "a.mat", {name: np.asarray(v, "u1" if v.dtype == bool else v.dtype) for name, v in arrays.items()}
    )
    return folder / "a.mat"


def as_h5(folder, **arrays):
    with h5py.File(folder / "a.h5", "w") as file:
        for name, values in arrays.items():
            file[f"entry/{name}"] = values
    return folder / "a.h5"


@pytest.mark.parametrize("kind", [as_npz, as_mat, as_h5])
@pytest.mark.parametrize(
    ("name", "values", "hidden", "doubt"),
    [
        ("mask", ~BAD, BAD, True),
        ("valid", ~BAD, BAD, False),
        ("roi", ~BAD, BAD, False),
        ("bad_pixels", BAD, BAD, False),
        ("quality", (BAD * 6).astype("i2"), BAD, False),
        ("quality", (~BAD).astype("u1"), BAD, True),
        ("dq", (BAD_VALUES * 2).astype("i4"), BAD_VALUES, False),
        ("mask", BAD_VALUES, BAD_VALUES, True),
    ],
    ids=["mask", "valid", "roi", "bad", "flags", "quality01", "dq", "values"],
)
def test_an_array_beside_the_cube_says_what_is_good(tmp_path, kind, name, values, hidden, doubt):
    path = kind(tmp_path, cube=CUBE, wavelengths=np.arange(400.0, 400 + C), **{name: values})
    cube = open_cube(path, channel_axis=2)
    check_hidden(cube, hidden)
    said = [sentence for sentence in cube.attrs["guesses"] if name in sentence]
    assert bool(said) == doubt
    assert not doubt or ("mask_invert" in said[0] and "mask" in said[0])


def test_a_mask_that_was_taken_wrongly_is_turned_round(tmp_path):
    path = as_npz(tmp_path, cube=CUBE, mask=BAD)
    check_hidden(open_cube(path, channel_axis=2), ~BAD)
    check_hidden(open_cube(path, channel_axis=2, mask_invert=True), BAD)


def test_a_raster_has_a_mask_of_its_own(tmp_path):
    how = {"dtype": "float64", "transform": PLACE}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(tmp_path / "a.tif", "w", "GTiff", W, H, C, **how) as file,
    ):
        file.write(np.moveaxis(CUBE, -1, 0))
        file.write_mask(~BAD)
    check_hidden(open_cube(tmp_path / "a.tif", channel="index"), BAD)


def test_a_raster_with_overviews_is_read_as_a_raster(tmp_path):
    large = np.kron(np.where(BAD[..., None], -1, CUBE), np.ones((20, 20, 1)))
    how = {"dtype": "float64", "transform": PLACE, "nodata": -1}
    with rasterio.open(tmp_path / "a.tif", "w", "GTiff", 20 * W, 20 * H, C, **how) as file:
        file.write(np.moveaxis(large, -1, 0))
        file.build_overviews([2, 4])
    found = open_cube(tmp_path / "a.tif", channel="index")
    np.testing.assert_array_equal(np.isnan(found["spectra"].values), large == -1)
    assert "transform" in found.attrs


@pytest.mark.parametrize("name", ["mask", "valid", "elevation"])
def test_what_is_no_mask_hides_nothing(tmp_path, name):
    values = np.random.default_rng(0).random((H, W)) if name != "valid" else np.ones((3, 3), bool)
    cube = open_cube(as_npz(tmp_path, cube=CUBE, **{name: values}), channel_axis=2)
    np.testing.assert_array_equal(cube["spectra"].values, CUBE)


def test_flags_of_a_list_of_pixels_are_folded_as_they_are(tmp_path):
    values = {
        "Y": CUBE.reshape(-1, C, order="F"),
        "lines": np.array(H),
        "cols": np.array(W),
        "bad": BAD.ravel(order="F"),
    }
    check_hidden(open_cube(as_mat(tmp_path, **values), dataset="Y"), BAD)


def test_prisma_says_which_values_are_wrong(tmp_path):
    codes = np.where(BAD_VALUES, 1, np.where(CUBE > 1.5, 2, 0)).astype("u1")
    with h5py.File(tmp_path / "a.he5", "w") as file:
        group = file.create_group("HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields")
        group["VNIR_Cube"] = np.moveaxis(np.round(CUBE * 1000).astype("u2"), 2, 1)
        group["VNIR_PIXEL_L2_ERR_MATRIX"] = np.moveaxis(codes, 2, 1)
    found = open_cube(tmp_path / "a.he5", channel_axis=1)["spectra"].values
    np.testing.assert_array_equal(np.isnan(found), BAD_VALUES)


def test_emit_has_its_flags_in_a_file_beside(tmp_path):
    flags = np.zeros((H, W, 3), "f4")
    flags[..., 2] = BAD
    with h5py.File(tmp_path / "EMIT_L2A_RFL_001_x.nc", "w") as file:
        file["reflectance"] = CUBE
    with h5py.File(tmp_path / "EMIT_L2A_MASK_001_x.nc", "w") as file:
        file["mask"] = flags
        file["sensor_band_parameters/mask_bands"] = ["Cloud flag", "AOD550", "Aggregate Flag"]
    check_hidden(open_cube(tmp_path / "EMIT_L2A_RFL_001_x.nc", channel_axis=2), BAD)


def mask_png(folder):
    Image.fromarray((~BAD * 255).astype("u1")).save(folder / "m.png")
    return "m.png"


def mask_alpha(folder):
    Image.fromarray(np.dstack([np.zeros((H, W, 3), "u1"), (~BAD * 255).astype("u1")])).save(folder / "m.png")
    return "m.png"


def mask_tif(folder):
    with rasterio.open(folder / "m.tif", "w", "GTiff", W, H, 1, dtype="uint8", transform=PLACE) as file:
        file.write((~BAD).astype("u1"), 1)
    return "m.tif"


def mask_npy(folder):
    np.save(folder / "m.npy", ~BAD)
    return "m.npy"


def mask_npz(folder):
    np.savez(folder / "m.npz", use=np.where(BAD, 0, 3), other=np.ones((H, W)))
    return "m.npz:use"


def mask_fits(folder):
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU((~BAD).astype("u1"), name="ROI")]).writeto(folder / "m.fits")
    return "m.fits:ROI"


def mask_h5(folder):
    with h5py.File(folder / "m.h5", "w") as file:
        file["a/roi"] = ~BAD
    return "m.h5:a/roi"


def mask_envi(folder):
    np.savetxt(folder / "m.npy.txt", ~BAD, fmt="%d")
    (folder / "m.hdr").write_text(
        f"ENVI\nsamples = {W}\nlines = {H}\nbands = 1\ndata type = 1\ninterleave = bsq\nbyte order = 0\n"
    )
    (folder / "m.img").write_bytes((~BAD).astype("u1").tobytes())
    return "m.hdr"


FILES = [mask_png, mask_alpha, mask_tif, mask_npy, mask_npz, mask_fits, mask_h5, mask_envi]


@pytest.mark.parametrize("write", FILES)
@pytest.mark.parametrize("invert", [False, True])
def test_a_mask_comes_from_any_file(tmp_path, write, invert):
    np.save(tmp_path / "cube.npy", CUBE)
    cube = open_cube(tmp_path / "cube.npy", channel_axis=2, mask=write(tmp_path), mask_invert=invert)
    check_hidden(cube, ~BAD if invert else BAD)
    count = int((~BAD if invert else BAD).sum())
    assert any(f"{count} of {H * W} pixels are not used" in sentence for sentence in cube.attrs["history"])


def test_a_mask_is_an_array_too_and_whole_numbers_stay(tmp_path):
    whole = (CUBE * 100).astype("u2")
    cube = open_cube(whole, mask=~BAD)
    assert cube["spectra"].dtype == np.uint16
    np.testing.assert_array_equal(cube["spectra"].values, np.where(BAD[..., None], 0, whole))
    np.testing.assert_array_equal(cube["valid"].values, ~BAD)
    np.testing.assert_array_equal(np.isnan(open_cube(CUBE, mask=~BAD_VALUES)["spectra"].values), BAD_VALUES)


def test_the_name_of_the_file_stands_in_the_name_of_its_mask(tmp_path):
    np.save(tmp_path / "cube.npy", CUBE)
    np.save(tmp_path / "cube_roi.npy", ~BAD)
    check_hidden(open_cube(tmp_path / "cube.npy", channel_axis=2, mask="{name}_roi.npy"), BAD)


def test_a_picture_of_a_cube_that_is_upside_down_is_turned(tmp_path):
    path = save_fits(tmp_path / "a.fits", np.zeros((H, W), "u1"))
    check_hidden(open_cube(path, mask=mask_png(tmp_path)), BAD[::-1])
    check_hidden(open_cube(path, mask=mask_npy(tmp_path)), BAD)


SQUARE = [[1, 2], [5, 2], [5, 6], [1, 6], [1, 2]]
HOLE = [[2, 3], [4, 3], [4, 5], [2, 5], [2, 3]]


def inside():
    found = np.zeros((H, W), bool)
    found[2:6, 1:5] = True
    found[3:5, 2:4] = False
    return found


def on_map(points):
    return [[500_000 + 10 * x, 5_000_000 - 10 * y] for x, y in points]


@pytest.mark.parametrize("place", ["pixels", "map", "degrees"])
def test_polygons_are_drawn_where_they_lie(tmp_path, place):
    rings = [SQUARE, HOLE] if place == "pixels" else [on_map(SQUARE), on_map(HOLE)]
    attrs = {} if place == "pixels" else {"transform": list(PLACE.to_gdal()), "crs": "EPSG:32633"}
    if place == "degrees":
        from rasterio.warp import transform

        rings = [np.transpose(transform("EPSG:32633", "EPSG:4326", *np.transpose(ring))).tolist() for ring in rings]
    geometry = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": rings}}
    (tmp_path / "m.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [geometry]}))
    cube = open_cube(make_cube(CUBE, **attrs), mask=str(tmp_path / "m.geojson"))
    check_hidden(cube, ~inside())


@pytest.mark.parametrize(
    ("mask", "error", "words"),
    [
        ("nowhere.png", NotFound, "no mask"),
        ("small.npy", ParameterError, "3 x 3"),
        ("turned.npy", ParameterError, "transpose"),
        ("zero.npy", ParameterError, "leaves no pixel"),
        ("two.npz", ParameterError, "two.npz:NAME"),
        ("junk.png", ReadError, "picture"),
        ("junk.geojson", ReadError, "GeoJSON"),
        ("far.geojson", ParameterError, "meets"),
        ("line.geojson", ReadError, "no polygon"),
        ("deep.tif", ParameterError, "channels"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(tmp_path, mask, error, words):
    np.save(tmp_path / "small.npy", np.ones((3, 3)))
    np.save(tmp_path / "turned.npy", np.ones((W, H)))
    np.save(tmp_path / "zero.npy", np.zeros((H, W)))
    np.savez(tmp_path / "two.npz", a=~BAD, b=BAD)
    (tmp_path / "junk.png").write_bytes(b"\x89PNG\r\n\x1a\n junk")
    (tmp_path / "junk.geojson").write_text('{"type": "Polygon"}')
    (tmp_path / "far.geojson").write_text(
        json.dumps({"type": "Polygon", "coordinates": [[[90, 90], [99, 90], [99, 99]]]})
    )
    (tmp_path / "line.geojson").write_text('{"type": "LineString", "coordinates": [[0, 0], [1, 1]]}')
    with rasterio.open(tmp_path / "deep.tif", "w", "GTiff", W, H, 2, dtype="uint8", transform=PLACE) as file:
        file.write(np.ones((2, H, W), "u1"))
    np.save(tmp_path / "cube.npy", CUBE)
    with pytest.raises(error, match=words):
        open_cube(tmp_path / "cube.npy", channel_axis=2, mask=mask)


def test_turning_no_mask_around_is_refused():
    with pytest.raises(ParameterError, match="mask_invert"):
        open_cube(CUBE, mask_invert=True)


@pytest.mark.parametrize("write", [mask_png, mask_tif, mask_npz, mask_fits, mask_h5])
def test_a_damaged_mask_is_an_error_of_ours(tmp_path, write):
    np.save(tmp_path / "cube.npy", CUBE)
    name = write(tmp_path)
    path = tmp_path / name.partition(":")[0]
    content, rng = path.read_bytes(), np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(content[: rng.integers(1, len(content) + 1)])
        for at in rng.integers(0, len(damaged), 4):
            damaged[at] = rng.integers(256)
        path.write_bytes(bytes(damaged))
        try:
            open_cube(tmp_path / "cube.npy", channel_axis=2, mask=name)["spectra"].values.sum()
        except SpaxelError:
            continue


@pytest.mark.parametrize("hidden", [BAD, BAD_VALUES], ids=["pixels", "values"])
@pytest.mark.parametrize("junk", [0.0, -9999.0, 1e30, np.nan, np.inf])
def test_values_under_a_mask_changed_to_anything_change_no_bit(hidden, junk):
    other = np.where(hidden if hidden.ndim == 3 else hidden[..., None], junk, CUBE)
    first, second = (open_cube(values, mask=~hidden) for values in (CUBE, other))
    assert first["spectra"].values.tobytes() == second["spectra"].values.tobytes()
    assert set(first) == set(second)
    np.testing.assert_array_equal(first["valid"].values, second["valid"].values)


@pytest.mark.parametrize("junk", [0, 65535, 7])
@pytest.mark.parametrize("hidden", [BAD, BAD_VALUES], ids=["pixels", "values"])
def test_the_same_of_whole_numbers(hidden, junk):
    whole = (CUBE * 100).astype("u2")
    other = np.where(hidden if hidden.ndim == 3 else hidden[..., None], np.uint16(junk), whole)
    first, second = (open_cube(values, mask=~hidden) for values in (whole, other))
    assert first["spectra"].dtype == second["spectra"].dtype
    assert first["spectra"].values.tobytes() == second["spectra"].values.tobytes()
    assert first.attrs == second.attrs


@pytest.mark.parametrize(
    "names", [("WHITEREF_scan", "DARKREF_scan"), ("whiteReference", "darkReference"), ("scan_white", "scan_dark")]
)
def test_references_beside_a_raw_scan_are_said_and_applied(tmp_path, names):
    rng = np.random.default_rng(0)
    white, dark = rng.integers(900, 1100, (W, C)) + 2000, rng.integers(90, 110, (W, C))
    header = f"ENVI\nsamples = {W}\nbands = {C}\ndata type = 12\ninterleave = bip\nbyte order = 0\n"
    counts = np.round(CUBE / 2 * (white - dark) + dark).astype("<u2")
    for name, values in ((names[0], np.stack([white - 2, white + 2])), (names[1], dark[None]), ("scan", counts)):
        (tmp_path / f"{name}.hdr").write_text(f"{header}lines = {len(values)}\n")
        (tmp_path / f"{name}.raw").write_bytes(values.astype("<u2").tobytes())
    with pytest.warns(GuessWarning, match="Option reflectance"):
        assert open_cube(tmp_path / "scan.hdr")["spectra"].dtype == np.uint16
    cube = open_cube(tmp_path / "scan.hdr", reflectance=True)
    np.testing.assert_allclose(cube["spectra"].values, CUBE / 2, atol=1e-3)
    assert cube["spectra"].chunks is not None
    assert any(names[0] in sentence and names[1] in sentence for sentence in cube.attrs["history"])


def test_without_references_there_is_no_reflectance(tmp_path):
    mask_envi(tmp_path)
    with pytest.raises(ParameterError, match="No white reference"):
        open_cube(tmp_path / "m.hdr", reflectance=True)
    with pytest.raises(ParameterError, match="ENVI"):
        open_cube(CUBE, reflectance=True)
