"""QML: a style of QGIS, which opens it with the raster of the same name beside it: names and colours of the components."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as xml

from spaxel.errors import printable
from spaxel.exporting.source import Source


def write_style(source: Source, path: Path) -> None:
    """The style of labels.tif: each value with its colour and name."""
    root = xml.Element("qgis", version="3.0", styleCategories="Symbology")
    pipe = xml.SubElement(root, "pipe")
    renderer = xml.SubElement(
        pipe, "rasterrenderer", type="paletted", band="1", opacity="1", alphaBand="-1", nodataColor=""
    )
    palette = xml.SubElement(renderer, "colorPalette")
    for value, (name, color) in enumerate(zip(source.names, source.colors, strict=True)):
        entry = {"value": str(value), "label": printable(name), "color": color.lower(), "alpha": "255"}
        xml.SubElement(palette, "paletteEntry", entry)
    xml.SubElement(pipe, "rasterresampler", maxOversampling="2")
    xml.indent(root)
    text = xml.tostring(root, encoding="unicode")
    path.write_text(f"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n{text}\n", "utf-8")


def write_qml(source: Source, folder: Path) -> None:
    """labels.qml alone."""
    write_style(source, folder / "labels.qml")
