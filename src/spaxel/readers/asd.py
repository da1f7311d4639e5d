"""ASD field spectrometers (FieldSpec): a spectrum, and the white reference that it is divided by.

Source: "ASD File Format: Version 8", ASD Inc. 2008: a header of 484 bytes, the
spectrum, the header and the values of a reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from spaxel.errors import ReadError
from spaxel.readers.parts.axis import Axis
from spaxel.readers.parts.listing import Bytes, Spectra, clean
from spaxel.readers.parts.reader import Format, Reader

HEAD = 484
KINDS = {0: "raw", 1: "reflectance", 2: "radiance", 3: "no units", 4: "irradiance", 5: "quality index", 6: "transmittance",
         7: "unknown", 8: "absorbance"}  # fmt: skip
FORMATS = {0: "f4", 1: "i4", 2: "f8"}


def open_asd(path: str | Path, *, channel: str | Sequence[float] | None = None, units: str | None = None) -> xr.Dataset:
    """The spectrum of an ASD file as a cube of one pixel, nm: reflectance where it holds counts and a white reference.

    channel : axis values, a file with them, or "index"     units : of the axis, nm if not given
    Raises ReadError: truncated.
    """
    path = Path(path)
    file = Bytes(path)
    start, step, form, n = file.one("f", 191), file.one("f", 195), file.one("B", 199), file.one("H", 204)
    kind = KINDS.get(file.one("B", 186), "unknown")
    if form not in FORMATS or not n or not np.isfinite([start, step]).all():
        raise ReadError(f"{path} is damaged: {n} channels of the format {form} from {start} in steps of {step}.")
    size = np.dtype(FORMATS[form]).itemsize
    values = file.numbers(FORMATS[form], n, HEAD)
    found = Spectra(
        path, values[None], Axis(start + step * np.arange(n), "nm", f"the header of {path.name}", "wavelength")
    )
    white = _reference(file, HEAD + size * n, n, FORMATS[form])
    if white is not None and kind in ("reflectance", "transmittance"):
        with np.errstate(divide="ignore", invalid="ignore"):
            found.values = np.where(white > 0, values / white, np.nan)[None]
        found.notes.append(f"counts divided by the white reference in the file: {kind}")
    found.quantity = kind
    found.samples = [clean(file.piece(3, 157)) or path.stem]
    return found.cube(channel, units)


def _reference(file: Bytes, at: int, n: int, form: str) -> np.ndarray | None:
    """The white reference, None where there is none: flag (2 bytes), two times (8 each), a text after its length."""
    if at + 20 > len(file.data) or not file.one("h", at):
        return None
    return file.numbers(form, n, at + 20 + max(0, file.one("h", at + 18)))


def _sniff(path: Path, head: bytes) -> bool:
    return len(head) >= HEAD and (head[:3] == b"ASD" or (head[:2] == b"as" and head[2:3] in b"2345678"))


reader = Reader(
    "asd",
    "a file of an ASD field spectrometer",
    (".asd",),
    _sniff,
    open_asd,
    formats=(Format("ASD field spectrometers", ".asd", "no", "in the file", "-"),),
)
