"""Which reader opens which file: sniffing by content, entry points of third parties, and the door `open_cube`."""

from __future__ import annotations

import inspect
import os
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from os import PathLike
from pathlib import Path
from typing import Any
from warnings import warn

import xarray as xr

from spaxel.cube import as_cube, check_cube, make_cube
from spaxel.errors import NotFound, ParameterError, ReadError, called, in_words, naming
from spaxel.readers.parts.door import OPTIONS as DOOR
from spaxel.readers.parts.door import through_door
from spaxel.readers.parts.reader import HEAD, Reader
from spaxel.store.addresses import address_of, using
from spaxel.store.here import check_local

# In this order they are asked; what a vendor made of a zip, an HDF5 or a Zarr comes before the plain ones.
_MODULES = (
    *("instrument", "native", "bands", "envi", "esri", "fits", "matlab", "array", "raster", "hdf5"),
    *("imzml", "chromatogram", "spc", "opus", "omnic", "asd", "perkin", "jcamp", "archive", "table"),
)


@cache
def readers() -> dict[str, Reader]:
    """All readers by name: ours, then those of third parties. A broken plugin is a warning that names it."""
    found = {name: import_module(f"spaxel.readers.{name}").reader for name in _MODULES}
    for point in entry_points(group="spaxel.readers"):
        plugin = f"The reader plugin {point.name!r} ({point.value})"
        try:
            loaded = point.load()
        except Exception as error:  # noqa: BLE001  a stranger's import may raise anything
            warn(f"{plugin} does not load: {error}", UserWarning, stacklevel=2)
            continue
        if not isinstance(loaded, Reader):
            warn(f"{plugin} is a {type(loaded).__name__}, not a spaxel.readers.Reader", UserWarning, stacklevel=2)
        elif point.name in found:
            warn(f"{plugin} is left out: its name is taken", UserWarning, stacklevel=2)
        else:
            found[point.name] = loaded
    return found


def open_cube(
    path: Any, reader: str | None = None, *, storage: dict[str, Any] | None = None, **options: Any
) -> xr.Dataset:
    """Open a file as a cube, lazily wherever the format allows.

    path    : a file or a Zarr folder; its content decides how it is read, not only its suffix. Or its address (s3://…, see
              howto/addresses.md): of Zarr only the chunks that are asked for are read, of anything else a copy is made first.
              Or what is a cube already: an array, a DataArray, a signal … as make_cube takes them, with its options
              `channel`, `units`, `channel_axis`
    reader  : the name of a reader, if the content does not decide
    storage : options of the library that opens an address, as {"endpoint_url": …, "anon": True}
    options : of the reader; most take `dataset=` (path or variable inside the file), `channel_axis=` (0, 1, 2 …),
              `channel=` (axis values, a variable, or a file that holds them), `units=`, `truth=` (variable or file),
              `index=` ("t=0": of more than 3 axes, the one map to take).
              Every one takes `no_data=` (values that mean "not measured", in place of those that the file declares or that
              are found; "none"), `raw=True` (scale and offset that the file declares are left alone), `mask=` (an array
              (y, x), or "FILE" or "FILE:NAME": a picture, a raster, an array, polygons; 1 = use; "none": quality arrays of
              the file are left unused), `mask_invert=True`, `saturated=` (the value of a full detector, or "none"),
              `variance="none"` (what the file says of its noise is left aside), and `reflectance=True` (a raw scan is divided
              by the white and dark references that lie beside it)
    returns : xarray.Dataset with `spectra (y, x, channel)`, see spaxel.cube; a value that was not measured is NaN, `valid` is
              False where no value is left, `saturated (y, x)` is there if a detector was full
    Raises NotFound, ReadError (truncated, unknown, ambiguous: the message lists the candidates), ParameterError
    (an option that the reader does not know), CubeError (complex, empty …). Warns (GuessWarning) about each guess.

    >>> import spaxel
    >>> path = spaxel.write_cube(spaxel.simulate("maxrf", height=8, width=9, channels=16), "scan.zarr")
    >>> spaxel.open_cube("scan.zarr")["spectra"].shape
    (8, 9, 16)
    """
    if not isinstance(path, (str, PathLike)):
        return _from_memory(path, reader, options)
    with using(storage):
        return _from_file(os.fspath(path), reader, options)


def _from_file(given: str, reader: str | None, options: dict[str, Any]) -> xr.Dataset:
    path = check_local(given)
    if not path.exists():
        raise NotFound(f"There is no file {path}. Try an absolute path.")
    with in_words(path):
        chosen = find_reader(path, reader)
    options, at_door = _sorted_options(chosen, options)
    with naming(path), in_words(path, f"looks like {chosen.description} but cannot be read"):
        cube = through_door(check_cube(chosen.open(path, **options)), open_cube, **at_door)
    return cube.assign_attrs(source=called(address_of(given) or str(path)), reader=chosen.name)


def _from_memory(data: Any, reader: str | None, options: dict[str, Any]) -> xr.Dataset:
    known = ("channel", "units", "channel_axis")
    options, at_door = (
        {n: v for n, v in options.items() if n not in DOOR},
        {n: options[n] for n in DOOR if n in options},
    )
    if unknown := [*(["reader"] if reader else []), *sorted(set(options) - set(known))]:
        raise ParameterError(f"{', '.join(unknown)} is for files. A cube in memory takes {', '.join((*known, *DOOR))}.")
    return through_door(make_cube(data, **options) if options else as_cube(data), open_cube, **at_door)


def find_reader(path: Path, name: str | None = None) -> Reader:
    """The reader of a file, by its content; or the one that is named. Raises ReadError if none knows it, ParameterError."""
    known = readers()
    if name is not None:
        if name not in known:
            raise ParameterError(f"There is no reader {name!r}. Known: {', '.join(known)}.")
        return known[name]
    head = b"" if path.is_dir() else _head(path)
    for candidate in known.values():
        if candidate.sniff(path, head):
            return candidate
    if path.is_dir():
        raise ReadError(f"{path} is a folder, and not a Zarr store. Try the path of a file in it.")
    if not head:
        raise ReadError(f"{path} is empty (0 bytes).")
    formats = "; ".join(f"{r.name}: {', '.join(r.suffixes)}" for r in known.values())
    raise ReadError(f"{path} has a content that no reader knows ({formats}). Try reader=… if you know what it is.")


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError as error:
        raise ReadError(f"{path} cannot be opened: {error.strerror}. Try to check its permissions.") from error


def _sorted_options(reader: Reader, options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(options of the reader, options of the door); one that both know is the reader's. ParameterError for any other."""
    known = [n for n, p in inspect.signature(reader.open).parameters.items() if p.kind is p.KEYWORD_ONLY]
    if unknown := set(options) - set(known) - set(DOOR):
        wrong, right = ", ".join(sorted(unknown)), ", ".join([*known, *(n for n in DOOR if n not in known)])
        raise ParameterError(f"The reader {reader.name!r} has no option {wrong}. It has: {right}.")
    own = {name: value for name, value in options.items() if name in known}
    return own, {name: value for name, value in options.items() if name not in known}
