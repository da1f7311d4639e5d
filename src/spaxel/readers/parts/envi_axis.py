"""What the header of an ENVI file says of its channels: their wavelengths, widths, and which of them are bad."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube import canonical_units, note
from spaxel.readers.parts.axis import NUMBER, Axis, fault_of, numbers_of_list
from spaxel.readers.parts.flags import with_good_channels

_KEYS = ("wavelength", "wavelengths", "center wavelength", "central wavelength", "wavenumber", "wavenumbers", "energy",
         "energies", "band center", "band centers")  # fmt: skip
_UNIT_KEYS = ("wavelength units", "wavelength unit", "wavelengths units", "wavelengths unit", "units of wavelength")
_IN_NAME = re.compile(
    rf"({NUMBER})\s*\)?\s*(nanomet\w*|nm|microns?|micromet\w*|[uµμ]m|angstroms?|cm-1|1/cm|k?ev)?\b", re.I
)
_LIST_NAME = re.compile(rf"^[^()\d]*\d*\s*[(\[]\s*({NUMBER})\s*([^()\[\]\d]*)[)\]]\s*$")


def header_axis(path: Path, header: dict[str, str], n_channels: int) -> Axis | None:
    """The spectral axis of a header: its list of wavelengths, else band names that all hold a number; None without.

    A list that is broken (no numbers) comes back with `fault`.
    """
    key = next((name for name in _KEYS if header.get(name)), None)
    units = next((header[name] for name in _UNIT_KEYS if header.get(name)), None)
    if key is None:
        return _by_names(path, header, units, n_channels)
    origin = f"{key} in {path.name}"
    try:
        values = numbers_of_list(header[key], n_channels)
    except ValueError as error:
        return Axis(np.empty(0), units, origin, key, fault=f"something else than numbers: {error}")
    return Axis(values, units, origin, key)


def _by_names(path: Path, header: dict[str, str], units: str | None, n_channels: int) -> Axis | None:
    """Wavelengths from `band names` such as 'Band 1 (402.5 nm)' or '402.5 Nanometers'; never the number of the band."""
    names = [name.strip() for name in header.get("band names", "").split(",")]
    if len(names) != n_channels or n_channels < 2:
        return None
    found = [_value(name) for name in names]
    if any(value is None for value in found):
        return None
    values, told = np.array([value[0] for value in found if value]), {value[1] for value in found if value}
    unit = units or (told.pop() if len(told) == 1 else None)
    numbered = np.array_equal(values, np.arange(n_channels) + values[0])
    if fault_of(values) or (numbered and canonical_units(unit) == "index"):
        return None
    return Axis(values, unit, f"band names in {path.name}", "wavelength")


def _value(name: str) -> tuple[float, str | None] | None:
    """The wavelength in a band's name and its unit: the number in brackets, else with a unit, else all of the name."""
    bracket = _LIST_NAME.match(name)
    if bracket:
        return float(bracket[1].replace(",", ".")), bracket[2].strip() or None
    found = [match for match in _IN_NAME.finditer(name) if match[2]] or [
        match for match in [re.fullmatch(rf"({NUMBER})()", name)] if match
    ]
    return (float(found[-1][1].replace(",", ".")), found[-1][2] or None) if found else None


def beside_channels(cube: xr.Dataset, path: Path, header: dict[str, str], values: Any) -> xr.Dataset:
    """The cube with `good_channel` and `fwhm`, in the order of its channels; lists that do not fit are left out, noted."""
    n_channels = cube.sizes["channel"]
    order = np.arange(n_channels) if values is None else np.argsort(values, kind="stable")
    good, fwhm = _list(header, "bbl", n_channels), _list(header, "fwhm", n_channels)
    if good is not None and len(good) == n_channels:
        cube = with_good_channels(cube, (good > 0)[order], "the header")
    elif good is None or len(good):
        count = "no numbers" if good is None else f"{len(good)} entries"
        cube = note(cube, f"the bad band list has {count} for {n_channels} channels and is left out")
    if fwhm is not None and len(fwhm) == n_channels:
        cube = cube.assign_coords(fwhm=("channel", fwhm[order], {"units": cube["channel"].attrs["units"]}))
    return cube


def _list(header: dict[str, str], key: str, n_channels: int) -> np.ndarray | None:
    try:
        return numbers_of_list(header.get(key, ""), n_channels)
    except ValueError:
        return None


def named_spectra(cube: xr.Dataset, header: dict[str, str]) -> xr.Dataset:
    """The cube with the `spectra names` of a spectral library as its coordinate `sample`, where there are as many."""
    names = [name.strip() for name in header.get("spectra names", "").split(",")]
    if cube.sizes["x"] != 1 or len(names) != cube.sizes["y"] or not any(names):
        return cube
    return cube.assign_coords(sample=("y", np.array(names)))
