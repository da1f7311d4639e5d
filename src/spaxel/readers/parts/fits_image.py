"""An image of a FITS file: its axes, and its numbers as a lazy array, with what its header declares of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spaxel.readers.parts.file_array import FileArray
from spaxel.readers.parts.fits_wcs import spectral_axis
from spaxel.readers.parts.lazy import arrange, lazy_array
from spaxel.readers.parts.stored import Stored, numbers_of, usable_scale


class Image(NamedTuple):
    """An image HDU: number, name, shape in NumPy's order, header, and where its data start (None: they are compressed)."""

    number: int
    name: str
    shape: tuple[int, ...]
    header: Any
    hdu: Any
    offset: int | None

    @property
    def kept(self) -> list[int]:
        """Its axes, without those of length 1 beyond three (Stokes); the declared spectral axis stays."""
        axes = list(range(len(self.shape)))
        declared = spectral_axis(self.header, len(axes))
        for axis in range(len(self.shape)):
            if len(axes) > 3 and self.shape[axis] == 1 and declared != len(self.shape) - axis:
                axes.remove(axis)
        return axes


def image_data(path: Path, image: Image, at: int) -> tuple[Any, Stored]:
    """The numbers of an image as (y, x, channel), lazy unless the file is compressed, and what its header declares of them.

    at : axis of the channels      Unsigned integers, which FITS stores with an offset of half their range, come as such.
    """
    bits = int(image.header["BITPIX"])
    shape = tuple(image.shape[axis] for axis in image.kept)
    if image.offset is None:
        raw = arrange(np.asarray(image.hdu.data).reshape(shape), at)
    else:
        dtype = np.dtype({8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}[bits])
        source = FileArray(path, dtype, shape, image.offset).check_size()
        raw = lazy_array(source, path=path, part=f"hdu {image.number}", channel_axis=at)
    scale, zero = (image.header.get(name, plain) for name, plain in (("BSCALE", 1), ("BZERO", 0)))
    blank = numbers_of(image.header.get("BLANK", ())) if raw.dtype.kind in "iu" else ()
    unsigned = {16: "u2", 32: "u4", 64: "u8"}.get(bits) if scale == 1 and zero == 2 ** (bits - 1) else None
    if unsigned:
        dtype, blank, zero = np.dtype(unsigned), tuple(value + 2 ** (bits - 1) for value in blank), 0
        raw = _unsigned(raw, dtype) if image.offset is None else raw.map_blocks(_unsigned, dtype, dtype=dtype)
    factor, shift = usable_scale(numbers_of(scale), 1), usable_scale(numbers_of(zero), 1, zero=True)
    plain = (factor, shift) == (1, 0)
    used = [n for n in ("BLANK", "BSCALE", "BZERO") if n in image.header and (blank if n == "BLANK" else not plain)]
    origin = f"{', '.join(used)} of {image.name}" if used else ""
    return raw, Stored(blank, None, None if plain else factor, None if plain else shift, None, origin)


def _unsigned(raw: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return raw.astype(dtype) + dtype.type(2 ** (8 * dtype.itemsize - 1))  # modulo 2**bits, which is what FITS means
