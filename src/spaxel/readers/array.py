"""NumPy files: npy, mapped lazily, and npz. Nothing is ever unpickled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import xarray as xr

from spaxel.readers.parts.container import Options, open_variables
from spaxel.readers.parts.side import variables_of
from spaxel.readers.registry import Reader

NPY, ZIP = b"\x93NUMPY", b"PK\x03\x04"


def open_array(
    path: str | Path,
    *,
    dataset: str | None = None,
    channel_axis: int | None = None,
    channel: str | Sequence[float] | None = None,
    units: str | None = None,
    truth: str | None = None,
    truth_background: int | str | None = None,
    shape: Sequence[int] | str | None = None,
    pixel_order: Literal["C", "F"] | None = None,
) -> xr.Dataset:
    """The cube in an npy or npz file. A 3-D array is an image; a matrix is a list of spectra (a cube of width 1).

    dataset : the array of an npz that holds the spectra; needed if several could
    channel_axis, channel, units, truth, truth_background, shape : see open_matlab; an axis may also be text ("900 nm")
    pixel_order : of a matrix with a shape, "C" (the habit here) or "F"
    npy is read lazily, npz is loaded. Raises ReadError (truncated, ambiguous), NotFound, AxisError,
    CubeError (complex numbers, Python objects).
    """
    path = Path(path)
    options = Options(dataset, channel_axis, channel, units, truth, truth_background, shape, pixel_order)
    return open_variables(path, variables_of(path), options, order="C")


def _sniff(path: Path, head: bytes) -> bool:
    return head.startswith(NPY) or (head.startswith(ZIP) and b".npy" in head[:2048])


reader = Reader("array", "a NumPy file", (".npy", ".npz"), _sniff, open_array)
