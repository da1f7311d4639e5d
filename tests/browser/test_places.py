"""Where a pixel lies: what a browser says from the grid of a page is what astropy says from the header of the file."""

import re

import numpy as np
import pytest
import xarray as xr

from spaxel.figures.places import PLACE, TICK, TICKS, place_of

SAY = "([at, spots]) => spots.map(([x, y]) => new Function('at', 'special_vars', CODE)(at, {x, y}))"


def image(**attrs) -> xr.Dataset:
    return xr.Dataset({"labels": (("y", "x"), np.zeros((61, 97), np.int32))}, attrs=attrs)


def header(ra: float, dec: float, turn: float):
    """A tangential projection, pixels of 0.2 seconds of arc, turned by some degrees."""
    wcs = pytest.importorskip("astropy.wcs").WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [ra, dec], [40.0, 30.0]
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    wcs.wcs.cd = np.array([[-cos, sin], [sin, cos]]) * 0.2 / 3600
    return wcs


def degrees(text: str) -> tuple[float, float]:
    h, m, s, sign, d, arcmin, arcsec = re.fullmatch(r"(\d+)h(\d+)m([\d.]+)s ([+−])(\d+)°(\d+)′([\d.]+)″", text).groups()
    return 15 * (int(h) + int(m) / 60 + float(s) / 3600), (1 if sign == "+" else -1) * (
        int(d) + int(arcmin) / 60 + float(arcsec) / 3600
    )


@pytest.mark.parametrize(("ra", "dec", "turn"), [(83.6, -5.4, 0), (0.001, 41.2, 37.0), (200.0, 88.9, 12.0)])
def test_the_sky_under_the_pointer_is_that_of_astropy(page, ra, dec, turn):
    wcs = header(ra, dec, turn)
    place = place_of(image(wcs_header=wcs.to_header_string()))
    assert (place["axes"] is None) is (turn != 0)
    spots = np.random.default_rng(1).uniform(0, (97, 61), (20, 2))
    told = page.evaluate(SAY.replace("CODE", repr(PLACE)), [place, spots.tolist()])
    from astropy.coordinates import SkyCoord

    said = SkyCoord(*np.array([degrees(text) for text in told]).T, unit="deg")
    exact = SkyCoord(*wcs.all_pix2world(*(spots - 0.5).T, 0), unit="deg")
    assert said.separation(exact).arcsec.max() < 0.15  # it is said to a tenth of a second


def test_axes_have_round_values_at_their_places(page):
    wcs = header(83.6, -5.4, 0)
    axes = place_of(image(wcs_header=wcs.to_header_string()))["axes"]
    script = """([axis, ends, code, tick]) => {
      const ticks = new Function('axis', 'cb_data', code)(axis, {start: ends[0], end: ends[1]});
      return ticks.map((t) => [t, new Function('axis', 'tick', 'ticks', tick)(axis, t, ticks)]);
    }"""
    for axis, n, kind in zip(axes, (97, 61), ("ra", "dec"), strict=True):
        found = page.evaluate(script, [axis, [0, n], TICKS, TICK])
        assert len(found) >= 2
        for at, text in found:
            x, y = (at, 30.5) if kind == "ra" else (48.5, at)
            lon, lat = wcs.all_pix2world(x - 0.5, y - 0.5, 0)
            spoken = degrees(f"{text} +00°00′00″")[0] if kind == "ra" else degrees(f"00h00m00s {text}")[1]
            assert spoken == pytest.approx(lon if kind == "ra" else lat, abs=0.02 / 3600 * (15 if kind == "ra" else 1))


def test_map_coordinates_and_lengths(page):
    place = place_of(image(transform=[400000.0, 30.0, 0.0, 5.8e6, 0.0, -30.0], crs="EPSG:32633"))
    assert page.evaluate(SAY.replace("CODE", repr(PLACE)), [place, [[2.5, 1.5]]]) == ["400075.0, 5799955.0 m"]
    assert [axis["name"] for axis in place["axes"]] == ["easting (m)", "northing (m)"]
    place = place_of(image(pixel_size=[0.5, 0.25], pixel_units="mm"))
    assert page.evaluate(SAY.replace("CODE", repr(PLACE)), [place, [[4, 3]]]) == ["1.00, 1.50 mm"]
    assert place_of(image()) is None
    assert place_of(image(wcs_header="nonsense", transform=[1, 2])) is None
