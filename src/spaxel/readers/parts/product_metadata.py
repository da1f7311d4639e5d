"""Wavelengths of satellite products whose image says none: METADATA.XML beside the SPECTRAL_IMAGE of EnMAP and DESIS."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from spaxel.readers.parts.axis import Axis, fault_of

_IMAGE = re.compile(r"SPECTRAL_IMAGE(_(VNIR|SWIR|COG))?$", re.IGNORECASE)
_CENTRE = re.compile(r"<wavelengthCenterOfBand>\s*([-+.\deE]+)\s*</wavelengthCenterOfBand>", re.IGNORECASE)
_LARGEST = 2**26  # bytes of a file of metadata


def product_axis(path: Path, n_channels: int) -> Axis | None:
    """The wavelengths (nm) in the METADATA.XML beside a SPECTRAL_IMAGE; None if there is none with so many bands."""
    if not _IMAGE.search(path.stem):
        return None
    for name in (_IMAGE.sub("METADATA", path.stem) + suffix for suffix in (".XML", ".xml")):
        beside = path.with_name(name)
        if beside.is_file() and beside.stat().st_size <= _LARGEST:
            found = _CENTRE.findall(beside.read_text("utf-8", "replace"))
            try:
                values = np.array(found, dtype=float)
            except ValueError:
                return None
            if len(values) == n_channels and not fault_of(values):
                return Axis(values, "nm", f"wavelengthCenterOfBand in {name}", "wavelength")
    return None
