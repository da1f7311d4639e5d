import numpy as np
import pytest

from spaxel.errors import ParameterError
from spaxel.viewer.world import parse_place, place_text, world_of

HEADER = {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 187.7, "CRVAL2": 12.39, "CRPIX1": 4.0, "CRPIX2": 6.0,
    "CUNIT1": "deg", "CUNIT2": "deg", "CD1_1": -5e-5, "CD1_2": 1e-5, "CD2_1": 1e-5, "CD2_2": 5e-5,
}  # fmt: skip


def test_a_transform_turns_both_ways():
    world = world_of({"transform": [400.0, 2.0, 0.5, 700.0, 0.3, -2.0], "crs": "EPSG:32633"}, (13, 7))
    assert world.to(0, 0) == (400.0, 700.0)
    assert world.straight is None
    np.testing.assert_allclose(world.back(*world.to(3.2, 8.1)), (3.2, 8.1))


def test_sky_coordinates_are_those_of_astropy():
    fits, wcs = pytest.importorskip("astropy.io.fits"), pytest.importorskip("astropy.wcs")
    header = fits.Header(HEADER)
    world = world_of({"wcs_header": header.tostring()}, (13, 7))
    lines = world_of({"wcs_header": header.tostring(sep="\n")}, (13, 7))  # one card on each line
    assert lines.to(3.5, 4.5) == world.to(3.5, 4.5)
    a, b = world.to(2.5, 8.5)  # the centre of column 2, row 8
    np.testing.assert_allclose((a, b), wcs.WCS(header).wcs_pix2world([[2, 8]], 0)[0], rtol=1e-12)
    np.testing.assert_allclose(world.back(a, b), (2.5, 8.5), atol=1e-6)
    text = place_text(world, 2.5, 8.5)
    assert text.startswith("x 2, y 8; RA 12:30:48.")
    ra, dec = text.split("RA ")[1].split(", Dec ")
    np.testing.assert_allclose(parse_place(f"{ra} {dec}", world, pixels=False), (2.5, 8.5), atol=0.6)
    assert world.straight is None  # it is turned


@pytest.mark.parametrize(("crs", "names"), [
    ("EPSG:4326", ("longitude", "latitude")), ("EPSG:32633", ("easting", "northing")), ("", ("easting", "northing")),
    ('GEOGCS["WGS 84",AUTHORITY["EPSG","4326"]]', ("longitude", "latitude")),
    ('PROJCS["UTM 33N",GEOGCS["WGS 84",AUTHORITY["EPSG","4326"]]]', ("easting", "northing")),
])  # fmt: skip
def test_a_projected_system_is_not_in_degrees(crs, names):
    assert world_of({"transform": [400.0, 2.0, 0.0, 700.0, 0.0, -2.0], "crs": crs}, (13, 7)).names == names


def test_the_size_of_a_pixel_is_a_world_too():
    world = world_of({"pixel_size": [2.0, 3.0], "pixel_units": "um"}, (13, 7))
    assert world.to(2, 5) == (6.0, 10.0)
    assert world.straight == (0.0, 3.0, 0.0, 2.0)
    assert world_of({}, (13, 7)) is None


def test_a_pixel_that_is_typed_is_its_centre_and_nonsense_is_refused():
    assert parse_place("3, 8", None, pixels=True) == (3.5, 8.5)
    for text in ("3", "a b", "1 2 3", "nan 1"):
        with pytest.raises(ParameterError, match=r"Try"):
            parse_place(text, None, pixels=True)


def test_the_axes_of_a_map_are_labelled_in_the_world_where_it_is_straight():
    from bokeh.plotting import figure

    from spaxel.viewer.map_axes import label_axes

    plot = figure()
    label_axes(plot, world_of({"transform": [400.0, 2.0, 0.0, 700.0, 0.0, -3.0], "crs": "EPSG:32633"}, (13, 7)))
    assert plot.xaxis[0].axis_label.text == "easting (m)"
    assert plot.yaxis[0].ticker.args == {"begin": 700.0, "step": -3.0}
    label_axes(plot, world_of({"transform": [400.0, 2.0, 0.5, 700.0, 0.3, -3.0]}, (13, 7)))
    assert plot.xaxis[0].axis_label is None
