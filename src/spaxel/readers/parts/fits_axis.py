"""The spectral axis of a FITS file beside its header: an image WAVE, a table ENERGIES. Needs astropy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from spaxel.readers.parts.axis import Axis, fault_of

_NAMES = re.compile(
    r"^(WAVE|WAVES|WAVELEN\w*|LAMBDA\w*|LAM|WLEN|AWAV|ENERG\w*|FREQ\w*|RAMAN\w*|WAVENUM\w*|SPEC\w*_?AXIS|CHANNELS?)(_\w+)?$",
    re.I,
)
_COLUMNS = re.compile(r"^(WAVE\w*|LAMBDA\w*|LAM|WLEN|ENERG\w*|E|FREQ\w*|RAMAN\w*|WAVENUM\w*|NU)$", re.I)
_EDGES = (("E_MIN", "E_MAX"), ("ENERG_LO", "ENERG_HI"), ("EMIN", "EMAX"), ("WAVE_LO", "WAVE_HI"))
_MOST = 2**20  # values of an axis, and rows of a table, that are looked at


def axis_beside(hdus: Any, n_channels: int) -> Axis | None:
    """The first extension that holds an axis of this length: a row of numbers named WAVE …, or a table with such a column.

    Of two columns that give the edges of channels (E_MIN, E_MAX), the middle is taken.
    """
    for found in _axes(hdus):
        if len(found.values) == n_channels and not fault_of(found.values):
            return found
    return None


def _axes(hdus: Any) -> Iterator[Axis]:
    from astropy.io import fits

    for hdu in hdus[1:]:
        name = str(hdu.header.get("EXTNAME", "")).strip()
        if hdu.is_image and _NAMES.match(name):
            shape = tuple(hdu.shape)
            if shape and max(shape) == np.prod(shape, dtype=object) and max(shape) <= _MOST:
                values = np.asarray(hdu.data, dtype=float).ravel()
                yield _named(name, values, str(hdu.header.get("BUNIT", "")), f"the extension {name}")
        elif isinstance(hdu, fits.BinTableHDU | fits.TableHDU) and 0 < hdu.header["NAXIS2"] <= _MOST:
            yield from _columns(hdu, name)


def _columns(hdu: Any, name: str) -> Iterator[Axis]:
    units = {column.name.upper(): column.unit or "" for column in hdu.columns}
    wanted = [(c,) for c in units if _COLUMNS.match(c)] + [pair for pair in _EDGES if set(pair) <= set(units)]
    for columns in wanted:
        held = [np.asarray(hdu.data[column]) for column in columns]
        if all(values.dtype.kind in "iuf" and values.size <= _MOST for values in held):
            middle = np.mean([values.astype(float).ravel() for values in held], axis=0)
            yield _named(columns[0], middle, units[columns[0]], f"{' and '.join(columns)} of the table {name or '1'}")


def _named(name: str, values: np.ndarray, units: str, origin: str) -> Axis:
    kind = name.upper()
    word = "energy" if kind.startswith("E") else "frequency" if kind.startswith(("FREQ", "NU")) else "wavelength"
    word = "raman_shift" if kind.startswith(("RAMAN", "WAVENUM")) else word
    return Axis(values, units.strip() or None, origin, word)
