"""Plain HDF5 files: any dataset as a cube, lazily, in chunks that fit those of the file."""

from __future__ import annotations

from pathlib import Path

from spaxel.readers.parts.container import Options, reads_variables
from spaxel.readers.parts.h5 import check_link, h5_variables, is_hdf5
from spaxel.readers.parts.reader import Format, Reader
from spaxel.readers.parts.variables import Variables


@reads_variables("C")
def open_hdf5(path: Path, options: Options) -> Variables:
    """The cube in an HDF5 file, lazily. A 3-D dataset is an image; a matrix is a list of spectra, or an image (shape).

    dataset      : path of the dataset ("entry/data"); needed if several could hold the spectra
    channel_axis : 0, 1 or 2: which axis is spectral; else the one as long as the axis values, else a noted guess
    channel      : axis values, path of a dataset, a file, "file:variable", or "index" to number the channels;
                   else a dimension scale, or a dataset with the name of an axis
    units        : of the axis; else its attribute `units`
    truth, truth_background, shape : see open_matlab          pixel_order : of a matrix, "C" (the habit here) or "F"
    index        : of an array of more than 3 axes, the position to take, as "t=0"; else its maps are stacked along y
    Raises ReadError (damaged, ambiguous, a group, a link, never written), NotFound, AxisError, CubeError.
    """
    if options.dataset is not None:
        check_link(path, options.dataset)
    return h5_variables(path)


def _sniff(path: Path, head: bytes) -> bool:
    return is_hdf5(head)


reader = Reader(
    "hdf5",
    "an HDF5 file",
    (".h5", ".hdf5", ".hdf", ".nc", ".nxs"),
    _sniff,
    open_hdf5,
    formats=(
        Format(
            "HDF5, NeXus, netCDF 4",
            ".h5, .hdf5, .nc, .nxs",
            "yes",
            "NXdata, a dimension scale, an attribute, a dataset named like one",
            "_FillValue, missing_value, Data_Ignore_Value; mask, quality, flags",
        ),
        Format(
            "EMIT, PRISMA, NEON, EnMAP, DESIS in HDF5",
            ".nc, .he5, .h5",
            "yes",
            "their own tables of wavelengths",
            "their own flags and marks",
        ),
    ),
)
