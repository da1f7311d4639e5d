"""MATLAB files, version 4 to 7.2 (SciPy) and 7.3 (HDF5, lazily)."""

from __future__ import annotations

from pathlib import Path

from spaxel.readers.parts.container import Options, reads_variables
from spaxel.readers.parts.matlab_variables import is_matlab
from spaxel.readers.parts.reader import Format, Reader
from spaxel.readers.parts.side import variables_of
from spaxel.readers.parts.variables import Variables


@reads_variables("F")
def open_matlab(path: Path, options: Options) -> Variables:
    """The cube in a .mat file. A 3-D array is an image; a matrix is a list of spectra, or of the pixels of an image.

    dataset          : the variable that holds the spectra, also a field of a struct ("data.cube"); needed if several could
    channel_axis     : 0, 1 or 2: which axis is spectral; else the one as long as the axis values, else a noted guess
    channel          : axis values, a variable, a file, "file:variable", or "index" to number the channels
    units            : of the axis (nm, keV, 1/cm …), if the file does not say them
    truth            : variables or files ("S_GT,GT", "Scene_gt.mat"), "none"; else found by name (gt, labels, map …)
    truth_background : the label that means unlabelled, or "none"
    shape            : (height, width) of a matrix of pixels, if no scalars such as lines and cols say it
    pixel_order      : "F" (column by column, the habit of MATLAB) or "C" (row by row) for such a matrix
    index            : of an array of more than 3 axes, the position to take, as "3=0"; else its maps are stacked along y
    Raises ReadError (damaged, ambiguous), NotFound, AxisError, CubeError. Version 7.3 is read lazily.
    """
    return variables_of(path)


def _sniff(path: Path, head: bytes) -> bool:
    return is_matlab(head)


reader = Reader(
    "matlab",
    "a MATLAB file (version 4 to 7.3)",
    (".mat",),
    _sniff,
    open_matlab,
    formats=(
        Format(
            "MATLAB 4 to 7.2",
            ".mat",
            "no",
            "a variable named like one, or of a fitting length",
            "mask, valid, quality beside the cube",
        ),
        Format("MATLAB 7.3", ".mat", "yes", "the same", "the same"),
    ),
)
