"""PerkinElmer Spotlight: an infrared image (.fsm).

Source: read from a file of the program: 4 bytes PEPE, a text of 40 bytes, then blocks of a number (uint16), a size (int32) and
content. Block 5100 says steps, ends and sizes of the image, each block 5105 holds a spectrum of float32, row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from spaxel.cube import canonical_units
from spaxel.errors import ReadError
from spaxel.readers.parts.axis import Axis
from spaxel.readers.parts.lazy import lazy_array
from spaxel.readers.parts.listing import Bytes, Spectra, clean
from spaxel.readers.parts.reader import Format, Reader

MAGIC, TEXT = b"PEPE", 44
SIZES, VALUES = 5100, 5105
QUANTITY = {"%T": "transmittance (%)", "A": "absorbance", "%R": "reflectance (%)"}


def open_perkin(
    path: str | Path, *, channel: str | Sequence[float] | None = None, units: str | None = None
) -> xr.Dataset:
    """The image of a Spotlight file, lazily: (y, x, channel) float32 with its pixel size.

    channel : axis values, a file with them, or "index"     units : of the axis, where the file does not say it
    Raises ReadError: truncated, or no image.
    """
    path = Path(path)
    file = Bytes(path)
    at = _find(file, TEXT, SIZES)[0]
    begin = at + 2 + max(0, file.one("h", at))
    dx, dy, dz, first, last = file.unpack("5d", begin)
    nx, ny, nz = file.unpack("3i", begin + 80)
    texts = _texts(file, begin + 92)
    start, length = _find(file, TEXT, VALUES)
    if min(nx, ny, nz) < 1 or length != 4 * nz or not np.isfinite([dx, dy, dz, first, last]).all():
        raise ReadError(f"{path} is damaged: it promises {nx} x {ny} spectra of {nz} values. Try to copy it again.")
    stride = length + 6
    if file.unpack("Hi", start - 6 + (nx * ny - 1) * stride) != (VALUES, length):
        raise ReadError(f"{path} is damaged: its {nx} x {ny} spectra do not follow each other. Try to copy it again.")
    file.piece(start + (nx * ny - 1) * stride, length)
    spectra = lazy_array(Strided(path, (ny, nx, nz), start, stride), path=path)
    even = np.isclose(first + dz * (nz - 1), last, rtol=1e-3)
    values = first + dz * np.arange(nz) if even else np.linspace(first, last, nz)
    unit = canonical_units(texts[2])
    found = Spectra(path, spectra, Axis(values, unit or None, f"the header of {path.name}", "axis"))
    size = [float(f"{step:.6g}") for step in (dy, dx)]
    found.attrs = {"pixel_size": size, "pixel_units": "um" if "micro" in " ".join(texts[:2]) else ""}
    found.quantity = QUANTITY.get(texts[3], texts[3])
    return found.cube(channel, units)


def _find(file: Bytes, at: int, wanted: int) -> tuple[int, int]:
    """(where its content begins, its size) of the first block of this number. Raises ReadError."""
    while at + 6 <= len(file.data):
        number, size = file.unpack("Hi", at)
        if size < 0:
            break
        if number == wanted:
            return at + 6, size
        at += 6 + size
    raise ReadError(f"{file.path} holds no image, or is truncated: no block {wanted}. Try to copy it again.")


def _texts(file: Bytes, at: int) -> list[str]:
    """The texts after the sizes: names of the axes and of the values."""
    found = []
    for _ in range(4):
        length = file.one("h", at)
        found.append(clean(file.piece(at + 2, length)))
        at += 2 + length
    return found


class Strided:
    """Spectra of float32 at equal distances in a file, as a lazy array (y, x, channel)."""

    def __init__(self, path: Path, shape: tuple[int, int, int], start: int, stride: int):
        self.path, self.shape, self.dtype, self.ndim = path, shape, np.dtype("<f4"), 3
        self.start, self.stride = start, stride

    def __getitem__(self, key: tuple[slice, slice, slice]) -> np.ndarray:
        ny, nx, nz = self.shape
        rows, columns = np.arange(ny)[key[0]], np.arange(nx)[key[1]]
        found = np.empty((len(rows), len(columns), nz), self.dtype)
        with self.path.open("rb") as file:
            for i, y in enumerate(rows):
                for j, x in enumerate(columns):
                    file.seek(self.start + int(y * nx + x) * self.stride)
                    found[i, j] = np.frombuffer(file.read(4 * nz), self.dtype)
        return found[..., key[2]]


def _sniff(path: Path, head: bytes) -> bool:
    return head.startswith(MAGIC)


reader = Reader(
    "perkin",
    "an image of a PerkinElmer Spotlight",
    (".fsm",),
    _sniff,
    open_perkin,
    formats=(Format("PerkinElmer Spotlight image", ".fsm", "yes", "in the file", "-"),),
)
