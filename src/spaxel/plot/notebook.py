"""How a result shows itself in a notebook: its picture, map and spectra, and below them, folded, what xarray shows."""

from __future__ import annotations

import io
from base64 import b64encode
from html import escape

import xarray as xr

from spaxel.errors import CubeError, MissingExtra, printable
from spaxel.figures.maps import label_png
from spaxel.figures.palette import component_colors
from spaxel.plot.legend import percent
from spaxel.plot.scene import Scene, open_scene
from spaxel.results.convention import check_result

DPI = 96  # dots per inch of the picture in a notebook
WIDTH = 180.0  # mm


def html(data: xr.Dataset) -> str:
    """A Dataset as HTML: a result with its pictures, every other one as xarray shows it."""
    if not is_result(data):
        return data._repr_html_()
    scene = open_scene(data)
    try:
        picture = f'<img src="{_address(_drawn(scene))}" alt="picture, map, spectra" style="max-width:100%">'
    except MissingExtra as error:
        picture = _plain(scene, str(error))
    sentence = escape(printable(str(data.attrs.get("sentence", ""))))
    folded = f"<details><summary>as an xarray.Dataset</summary>{data._repr_html_()}</details>"
    return f"<div><p>{sentence}</p>{picture}{folded}</div>"


def is_result(data: xr.Dataset) -> bool:
    """Whether a Dataset is a result with components."""
    try:
        return "component" in check_result(data).sizes
    except CubeError:
        return False


def _drawn(scene: Scene) -> bytes:
    from spaxel.plot.paper import styled

    with styled():
        from spaxel.plot.compose import compose

        file = io.BytesIO()
        compose(scene, WIDTH, DPI, ["overview"]).savefig(file, format="png", dpi=DPI)
    return file.getvalue()


def _plain(scene: Scene, why: str) -> str:
    """The map and the names of the components, drawn without matplotlib."""
    key = "display:inline-block;width:1em;height:1em;background:"
    lines = "".join(
        f'<div><span style="{key}{color}"></span> {escape(name)} {percent(share)}</div>'
        for color, name, share in zip(scene.colors, scene.names, scene.shares, strict=True)
    )
    png = label_png(scene.result, component_colors(scene.result), 512)
    image = (
        ""
        if scene.is_strip
        else f'<img src="{_address(png)}" alt="map of labels" style="image-rendering:pixelated;width:20em">'
    )
    return f'<div style="display:flex;gap:1em">{image}<div>{lines}<p>{escape(why)}</p></div></div>'


def _address(png: bytes) -> str:
    return f"data:image/png;base64,{b64encode(png).decode()}"
