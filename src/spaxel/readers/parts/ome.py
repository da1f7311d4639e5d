"""What the OME formats (Zarr and TIFF) say of their channels and pixels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import numpy as np

from spaxel.readers.parts.axis import Axis, parse_cells

UNITS = {"micrometer": "um", "µm": "um", "nanometer": "nm", "millimeter": "mm", "meter": "m", "angstrom": "Angstrom"}


def axis_of_names(names: Sequence[Any], origin: str) -> Axis | None:
    """An axis from names of channels such as '400.5 nm', '400' or 'Ch 400 nm'; None unless each holds one and all differ."""
    cells = [str(name or "").strip() for name in names]
    parsed = parse_cells(cells)
    if parsed is None:  # words around one number with a unit
        found = [re.findall(r"(\d+(?:[.,]\d+)?)\s*(nm|um|µm|cm-1|1/cm|eV|keV)\b", cell) for cell in cells]
        if not cells or any(len(each) != 1 for each in found):
            return None
        parsed = parse_cells([" ".join(each[0]) for each in found])
    if parsed is None or len(set(parsed[0].tolist())) < len(cells):
        return None
    if parsed[1] is None and np.array_equal(parsed[0], np.arange(len(cells)) + parsed[0][0]):
        return None  # counted, not measured
    return Axis(parsed[0], parsed[1], origin, "wavelength" if parsed[1] in (None, "nm", "um", "µm") else "axis")


def pixel_attrs(sizes: Sequence[Any], units: Sequence[Any]) -> dict[str, Any]:
    """pixel_size [y, x] and pixel_units, if both sides have a size above zero in one unit.

    sizes, units : of y and x
    """
    try:
        found = [float(size) for size in sizes]
    except (TypeError, ValueError):
        return {}
    names = {UNITS.get(str(unit or ""), str(unit or "")) for unit in units}
    if len(names) != 1 or not all(np.isfinite(size) and size > 0 for size in found):
        return {}
    return {"pixel_size": found, "pixel_units": names.pop()}


def of_xml(text: str, n_channels: int) -> tuple[Axis | None, dict[str, Any]]:
    """The spectral axis and the attrs for a cube in the OME-XML of a TIFF; (None, {}) if it is damaged."""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return None, {}
    pixels = next((e for e in root.iter() if e.tag.rpartition("}")[2] == "Pixels"), None)
    if pixels is None:
        return None, {}
    channels = [e.attrib for e in pixels if e.tag.rpartition("}")[2] == "Channel"]
    attrs = pixel_attrs(
        [pixels.get("PhysicalSizeY"), pixels.get("PhysicalSizeX")],
        [pixels.get("PhysicalSizeYUnit", "µm"), pixels.get("PhysicalSizeXUnit", "µm")],
    )
    if len(channels) != n_channels:
        return None, attrs
    waves = [(c.get("EmissionWavelength"), c.get("EmissionWavelengthUnit", "nm")) for c in channels]
    if all(value for value, _ in waves):
        axis = axis_of_names([f"{value} {unit}" for value, unit in waves], "EmissionWavelength of the OME-XML")
        if axis is not None:
            return axis, attrs
    return axis_of_names([c.get("Name") for c in channels], "the channel names of the OME-XML"), attrs
