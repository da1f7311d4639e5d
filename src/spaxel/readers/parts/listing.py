"""What readers of single spectra and lists of them share: a cube of width 1 with names, from spectra on one axis."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube import make_cube, note, note_guess
from spaxel.errors import ReadError
from spaxel.readers.parts.axis import Axis
from spaxel.readers.parts.side import settle_axis


class Spectra:
    """Spectra as a reader found them, before they are a cube: filled piece by piece, then `cube`.

    values  : (n, channel) numbers, or (y, x, channel)      axis : of them, None if the file has none
    samples : their names, [] for none      quantity : what the values are      notes, guesses : sentences
    """

    def __init__(self, path: Path, values: Any, axis: Axis | None):
        self.path, self.values, self.axis = path, values, axis
        self.samples: Sequence[str] = []
        self.quantity = ""
        self.notes: list[str] = []
        self.guesses: list[str] = []
        self.attrs: dict[str, Any] = {}

    def cube(self, channel: str | Sequence[float] | None = None, units: str | None = None) -> xr.Dataset:
        """The cube. channel, units : options of the user, see settle_axis"""
        spectra = self.values[:, None, :] if self.values.ndim == 2 else self.values
        values, told, doubt = settle_axis(self.path, self.axis, spectra.shape[2], channel, units)
        name = "mass" if told == "m/z" else None
        cube = make_cube(spectra, values, told, long_name=name, source=str(self.path), **self.attrs)
        if len(self.samples) == spectra.shape[0] and spectra.shape[1] == 1 and any(self.samples):
            cube = cube.assign_coords(sample=("y", np.array([clean(name) for name in self.samples])))
        if self.quantity:
            cube["spectra"].attrs["long_name"] = self.quantity
        for sentence in self.notes:
            cube = note(cube, sentence)
        for sentence in [*self.guesses, *doubt]:
            cube = note_guess(cube, sentence)
        return cube


def clean(text: bytes | str) -> str:
    """A name in a fixed number of bytes as text: up to the first zero, without blanks at its ends."""
    if isinstance(text, bytes):
        text = text.split(b"\0")[0].decode("latin-1")
    return text.split("\0")[0].strip()


class Bytes:
    """The bytes of a file, mapped, with a check before every piece. Raises ReadError where the file is too short."""

    def __init__(self, path: Path, order: str = "<"):
        self.path, self.order = path, order
        self.data = np.memmap(path, np.uint8, "r")

    def piece(self, at: int, n: int) -> bytes:
        """n bytes from `at` on."""
        if at < 0 or n < 0 or at + n > len(self.data):
            raise ReadError(
                f"{self.path} is truncated or damaged: {n} bytes are needed at {at}, and it has {len(self.data)}. Try to "
                "copy it again."
            )
        return self.data[at : at + n].tobytes()

    def unpack(self, form: str, at: int) -> tuple[Any, ...]:
        """Numbers by a format of `struct`."""
        return struct.unpack(self.order + form, self.piece(at, struct.calcsize(self.order + form)))

    def one(self, form: str, at: int) -> Any:
        """A single number."""
        return self.unpack(form, at)[0]

    def numbers(self, dtype: str, n: int, at: int) -> np.ndarray:
        """n numbers of a type such as "f4", as float64."""
        kind = np.dtype(self.order + dtype)
        with np.errstate(invalid="ignore"):  # bytes that are no number become NaN
            return np.frombuffer(self.piece(at, n * kind.itemsize), kind).astype(np.float64)
