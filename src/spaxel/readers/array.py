"""NumPy files: npy, mapped lazily, and npz. Nothing is ever unpickled."""

from __future__ import annotations

from pathlib import Path

from spaxel.readers.parts.container import Options, reads_variables
from spaxel.readers.parts.reader import Format, Reader
from spaxel.readers.parts.side import variables_of
from spaxel.readers.parts.variables import Variables

NPY, ZIP = b"\x93NUMPY", b"PK\x03\x04"


@reads_variables("C")
def open_array(path: Path, options: Options) -> Variables:
    """The cube in an npy or npz file. A 3-D array is an image; a matrix is a list of spectra (a cube of width 1).

    dataset : the array of an npz that holds the spectra; needed if several could
    channel_axis, channel, units, truth, truth_background, shape : see open_matlab; an axis may also be text ("900 nm")
    pixel_order : of a matrix with a shape, "C" (the habit here) or "F"
    index : of an array of more than 3 axes, the position to take, as "0=2" (axis 0, position 2); else its maps are stacked
    npy is read lazily, npz is loaded. Raises ReadError (truncated, ambiguous), NotFound, AxisError,
    CubeError (complex numbers, Python objects).
    """
    return variables_of(path)


def _sniff(path: Path, head: bytes) -> bool:
    return head.startswith(NPY) or (head.startswith(ZIP) and b".npy" in head[:2048])


reader = Reader(
    "array",
    "a NumPy file",
    (".npy", ".npz"),
    _sniff,
    open_array,
    formats=(
        Format("NumPy, one array", ".npy", "yes", "a file beside, or numbered", "marks found in the numbers"),
        Format(
            "NumPy, several arrays",
            ".npz",
            "no",
            "an array named like one, or of a fitting length",
            "mask, valid, quality beside the cube",
        ),
    ),
)
