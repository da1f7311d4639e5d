"""What GDAL and QGIS read beside a raster of classes (NAME.tif.aux.xml): class names, a table of values and colours."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as xml

import numpy as np

from spaxel.errors import printable
from spaxel.exporting.source import Source, rgb

COLUMNS = (  # name, type (0 whole number, 2 text), usage: what GDAL calls GFT_ and GFU_
    ("Value", 0, 5), ("Count", 0, 1), ("Class", 2, 2), ("Red", 0, 6), ("Green", 0, 7), ("Blue", 0, 8),
)  # fmt: skip


def write_classes(source: Source, path: Path) -> None:
    """Category names and a raster attribute table for labels.tif. Format: https://gdal.org/drivers/raster/gtiff.html (PAM)."""
    root = xml.Element("PAMDataset")
    band = xml.SubElement(root, "PAMRasterBand", band="1")
    names = xml.SubElement(band, "CategoryNames")
    for name in source.names:
        xml.SubElement(names, "Category").text = printable(name)
    table = xml.SubElement(band, "GDALRasterAttributeTable", tableType="thematic")
    for index, (name, kind, usage) in enumerate(COLUMNS):
        column = xml.SubElement(table, "FieldDefn", index=str(index))
        for tag, text in (("Name", name), ("Type", str(kind)), ("Usage", str(usage))):
            xml.SubElement(column, tag).text = text
    for k, row in enumerate(_rows(source)):
        line = xml.SubElement(table, "Row", index=str(k))
        for text in row:
            xml.SubElement(line, "F").text = text
    xml.indent(root)
    xml.ElementTree(root).write(path, encoding="utf-8", xml_declaration=False)


def _rows(source: Source) -> list[list[str]]:
    n = len(source.names)
    size = np.asarray(source.result["component_size"].values) if "component_size" in source.result else np.zeros(n)
    numbers = zip(source.names, size.astype(int), rgb(source).tolist(), strict=True)
    return [[str(k), str(count), printable(name), *map(str, color)] for k, (name, count, color) in enumerate(numbers)]
