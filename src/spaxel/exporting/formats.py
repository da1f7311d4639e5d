"""The table of formats: what each is, which files it makes, and what makes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from spaxel.errors import CubeError, ParameterError
from spaxel.exporting.source import Source


class Format(NamedTuple):
    """A format to export to.

    writer  : module.function of spaxel.exporting, called with (Source, path); the path is that of the file of a format of one
              file, else of the folder for its files
    suffix  : of its main file      whole : whether it is one file that holds everything
    main    : the item of its main file, if it is not one file       lists : whether a list of spectra can be exported
    opens   : programs that open it, in words
    """

    writer: str
    suffix: str
    whole: bool
    main: str
    lists: bool
    opens: str

    def write(self, source: Source, path: Path) -> None:
        """Write a result: a file, or files in a folder."""
        module, function = self.writer.split(".")
        writer: Callable[[Source, Path], None] = getattr(import_module(f"spaxel.exporting.{module}"), function)
        writer(source, path)


FORMATS = {
    "fits": Format("fits.write_fits", ".fits", True, "", True, "DS9, jdaviz, TOPCAT, astropy"),
    "geotiff": Format("geotiff.write_geotiff", ".tif", False, "labels", False, "QGIS, ArcGIS, GDAL, rasterio"),
    "envi": Format("envi.write_envi", ".img", False, "labels", True, "ENVI, spectral, GDAL"),
    "hspy": Format("hspy.write_hspy", ".hspy", True, "", True, "HyperSpy"),
    "netcdf": Format("netcdf.write_netcdf", ".nc", True, "", True, "xarray, Panoply, MATLAB"),
    "tiff": Format("imagej.write_tiff", ".tif", False, "labels", False, "ImageJ, Fiji, napari"),
    "csv": Format("csv_files.write_csv", ".csv", False, "components", True, "spreadsheets, R, pandas"),
    "png": Format("pictures.write_picture", ".png", True, "", True, "everything; 300 dots per inch"),
    "svg": Format("pictures.write_picture", ".svg", True, "", True, "Inkscape, browsers"),
    "pdf": Format("pictures.write_picture", ".pdf", True, "", True, "readers of PDF, LaTeX"),
    "qml": Format("qml.write_qml", ".qml", False, "labels", False, "QGIS, as the style of labels.tif"),
}
BY_SUFFIX = {
    ".fits": "fits", ".fit": "fits", ".tif": "geotiff", ".tiff": "geotiff", ".img": "envi", ".hdr": "envi", ".hspy": "hspy",
    ".nc": "netcdf", ".csv": "csv", ".qml": "qml", ".png": "png", ".svg": "svg", ".pdf": "pdf",
}  # fmt: skip

OTHERS = (
    ".gz",
    ".zip",
    ".jpg",
    ".jpeg",
    ".h5",
    ".hdf5",
    ".zarr",
    ".zspy",
    ".mat",
    ".npy",
    ".txt",
    ".tsv",
    ".xlsx",
    ".json",
    ".html",
)


def asked(to: str | Sequence[str], path: Path | None) -> list[str]:
    """The formats that are asked for, by name or by the suffix of the path. Raises ParameterError."""
    texts = [to] if isinstance(to, str) else to
    names = [name.strip().lower() for text in texts for name in text.split(",") if name.strip()]
    if not names and path is not None and path.suffix.lower() in BY_SUFFIX:
        names = [BY_SUFFIX[path.suffix.lower()]]
    if not names:
        raise ParameterError(f"No format was named. Try --to with one or several of: {', '.join(FORMATS)}.")
    if unknown := [name for name in names if name not in FORMATS]:
        raise ParameterError(f"{unknown[0]!r} is no format to export to. Try one of: {', '.join(FORMATS)}.")
    return list(dict.fromkeys(names))


def is_file_name(path: Path, names: Sequence[str]) -> bool:
    """Whether the path is that of a file, and not of a folder. Raises ParameterError for a file of another format."""
    suffix = path.suffix.lower()
    if suffix not in BY_SUFFIX and suffix not in OTHERS:
        return False
    if len(names) > 1:
        raise ParameterError(f"{path} is the name of one file, and {', '.join(names)} are asked for. Try a folder.")
    form = FORMATS[names[0]]
    if BY_SUFFIX.get(suffix) != BY_SUFFIX[form.suffix]:
        raise ParameterError(f"{path} is no name for {names[0]}. Try {path.with_suffix(form.suffix).name}.")
    return True


def check_lists(source: Source, names: Sequence[str]) -> None:
    """Raise CubeError where a list of spectra is to become an image."""
    if source.is_list and (images := [name for name in names if not FORMATS[name].lists]):
        able = ", ".join(name for name, one in FORMATS.items() if one.lists)
        raise CubeError(
            f"{source.name} is a list of {source.shape[0]} spectra and no image: no map for {images[0]}. Try {able}."
        )
