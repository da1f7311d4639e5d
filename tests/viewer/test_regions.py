import json

import numpy as np
import pytest

import spaxel
from spaxel.errors import ParameterError
from spaxel.testing import tiny_cube
from spaxel.viewer.regions import box_region, geojson, pixel_region, pixels, polygon_region, words
from spaxel.viewer.spectra import mask_of, region_spectrum


def test_a_pixel_is_the_pixel():
    region = pixel_region(5, 2)
    assert pixels(region, (13, 7)).tolist() == [[5, 2]]
    assert words(region) == "pixel x 2, y 5"


def test_a_box_holds_pixels_by_their_centres_and_ends_at_the_image():
    region = box_region(4.6, 9.4, -3, 30)
    mask = mask_of(region, (13, 7))
    expected = np.zeros((13, 7), bool)
    expected[9:, :5] = True  # 9.4 leaves the centre 9.5 inside; 4.6 that of column 4
    np.testing.assert_array_equal(mask, expected)
    assert pixels(box_region(20, 20, 30, 30), (13, 7)).shape == (0, 2)


def test_a_polygon_is_the_same_as_everywhere_else():
    from matplotlib.path import Path

    corners = [(1.2, 0.7), (6.3, 2.2), (4.4, 11.6), (3.1, 5.0), (0.3, 9.9)]
    region = polygon_region(*zip(*corners, strict=True))
    y, x = np.mgrid[:13, :7] + 0.5
    expected = Path(corners).contains_points(np.stack([x.ravel(), y.ravel()], 1)).reshape(13, 7)
    np.testing.assert_array_equal(mask_of(region, (13, 7)), expected)


def test_two_corners_are_no_region():
    with pytest.raises(ParameterError, match="three corners"):
        polygon_region([0, 1], [0, 1])
    with pytest.raises(ParameterError, match="three corners"):
        polygon_region([0, 1, np.nan], [0, 1, 2])


@pytest.mark.parametrize("origin", ["upper", "lower"])
@pytest.mark.parametrize("transform", [None, [500.0, 2.0, 0.0, 900.0, 0.0, -3.0]])
def test_the_saved_polygon_is_the_mask_that_spaxel_reads(tmp_path, origin, transform):
    attrs = {"origin": origin} | ({"transform": transform} if transform else {})
    cube = tiny_cube(13, 7).assign_attrs(attrs)
    region = polygon_region([1, 5, 5, 2], [1, 2, 7, 11])
    place = tmp_path / "region.geojson"
    place.write_text(json.dumps(geojson(region, (13, 7), attrs)), "utf-8")
    from spaxel.readers.parts.mask_file import read_mask

    np.testing.assert_array_equal(read_mask(str(place), cube, spaxel.open_cube), mask_of(region, (13, 7)))


def test_the_saved_mask_is_the_mask_that_spaxel_reads(tmp_path):
    from spaxel.readers.parts.mask_file import read_mask
    from spaxel.viewer.downloads import mask_png

    for origin in ("upper", "lower"):
        mask = mask_of(box_region(1, 2, 5, 9), (13, 7))
        (tmp_path / "mask.png").write_bytes(mask_png(mask, origin))
        cube = tiny_cube(13, 7).assign_attrs(origin=origin)
        np.testing.assert_array_equal(read_mask(str(tmp_path / "mask.png"), cube, spaxel.open_cube) > 0, mask)


def test_the_spectrum_of_a_region_is_mean_and_deviation_of_its_pixels_with_data():
    cube = tiny_cube(130, 70)
    spectra = cube["spectra"].values.astype(float)
    spectra[3, 4] = np.nan
    spectra[5, 5, 2] = np.nan
    cube = spaxel.make_cube(spectra, cube["channel"].values, "keV")
    region = box_region(2, 1, 69, 129)
    found = region_spectrum(cube, region)
    inside = spectra[mask_of(region, (130, 70))]
    np.testing.assert_allclose(found.mean, np.nanmean(inside, 0), rtol=1e-12)
    np.testing.assert_allclose(found.spread, np.nanstd(inside, 0), rtol=1e-10)
    assert found.pixels == 128 * 67
    assert found.n <= found.pixels - 1
    one = region_spectrum(cube, pixel_region(7, 9))
    np.testing.assert_array_equal(one.mean, spectra[7, 9])
    assert one.words == "one pixel"
    assert region_spectrum(cube, pixel_region(3, 4)).words == "no data here"
    assert region_spectrum(cube, box_region(200, 200, 300, 300)).words == "outside the image"


def test_a_large_region_is_sampled_and_says_so(monkeypatch):
    monkeypatch.setattr("spaxel.viewer.spectra.MOST_BYTES", 2**16)
    cube = tiny_cube(200, 190)
    found = region_spectrum(cube, box_region(0, 0, 190, 200))
    assert found.pixels == 200 * 190
    assert 0 < found.n < found.pixels
    assert "sample" in found.words
