"""RosettaSciIO (optional, under the GPL) called with care: quiet, bounded, its missing libraries named."""

from __future__ import annotations

import inspect
import logging
import re
import shutil
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from spaxel.cube.tiles import CELL
from spaxel.errors import MissingExtra, ReadError, SpaxelError, missing_extra
from spaxel.readers.parts.apart import APART, signals_apart
from spaxel.readers.parts.axis import is_spectral
from spaxel.readers.parts.file_array import FileArray
from spaxel.readers.parts.hyperspy_zarr import zspy_signals
from spaxel.readers.parts.instrument_checks import CHECKS
from spaxel.readers.parts.instrument_kinds import MODULES, kind_of, ripple_header, ripple_numbers
from spaxel.readers.parts.lazy import FOREIGN
from spaxel.readers.parts.reader import HEAD

Signal = dict[str, Any]  # of RosettaSciIO: {data, axes, metadata, original_metadata}
_NEEDED = ("sparse", "h5py", "dask", "imagecodecs", "numba")  # libraries that the extra brings
_MAPPED = ("dm3", "dm4", "prz", "spd")  # plain numbers in the file, whose pieces can be chosen
_MIRRORED = {"rpl": (".raw", ".RAW"), "spd": (".spc", ".ipr", ".csv")}  # files beside that a format is read with


def read_signals(path: Path) -> list[Signal]:
    """All signals as RosettaSciIO gives them, lazy where it can. A file with another suffix is read through a link.

    Raises MissingExtra without RosettaSciIO, ReadError for a damaged file.
    """
    head = b"" if path.is_dir() else _head(path)
    kind = kind_of(path, head) or path.suffix.lower().lstrip(".")
    if kind not in MODULES:
        raise ReadError(f"{path} is no file of an instrument that spaxel knows ({', '.join(MODULES)}).")
    for name in ("sparse", "pint"):
        if sys.modules.get(name, sys) is None:  # the command hides them, see spaxel.commands.quick
            del sys.modules[name]
    if kind == "zspy":
        return zspy_signals(path)
    if kind == "rpl" and (header := ripple_header(path)):
        path = header
    if kind in CHECKS:
        CHECKS[kind](path, head)
    try:
        module = import_module(f"rsciio.{MODULES[kind]}")
    except ImportError as error:
        older = find_spec("rsciio") is not None and find_spec(f"rsciio.{MODULES[kind]}") is None
        library = "a newer RosettaSciIO" if older else "RosettaSciIO"
        raise missing_extra(f"Reading {path.name}", library, "vendors") from error
    try:
        with quiet():
            signals = read_with(module, path, kind)
    except ImportError as error:
        raise missing_library(path, error) from error
    except ValueError as error:
        if "'imagecodecs'" in str(error):  # of tifffile, for compressed pictures in a file
            raise missing_library(path, error) from error
        raise
    except (SpaxelError, *FOREIGN):
        raise
    except Exception as error:  # its readers raise bare Exceptions for some damaged files
        raise ReadError(
            f"{path} cannot be read by RosettaSciIO: {error or type(error).__name__}. Is it complete?"
        ) from error
    return [_mended(kind, path, signal) for signal in signals]


def read_with(module: Any, path: Path, kind: str) -> list[Signal]:
    """What a module of RosettaSciIO reads from a file that it knows by the suffix `kind`."""
    apart = kind in APART
    if path.suffix.lower() != f".{kind}":
        with tempfile.TemporaryDirectory() as folder:
            linked = Path(folder) / f"{path.stem}.{kind}"
            _link(path.resolve(), linked)
            for beside in (path.with_suffix(suffix) for suffix in _MIRRORED.get(kind, ())):
                if beside.is_file():
                    _link(beside.resolve(), linked.with_suffix(beside.suffix))
            return signals_apart(module.__name__, linked) if apart else list(module.file_reader(str(linked)))
    if apart:
        return signals_apart(module.__name__, path)
    if kind == "unf" or (kind == "prz" and not _is_plain(path)):
        return list(module.file_reader(str(path)))
    known = inspect.signature(module.file_reader).parameters
    options = {"chunks": CELL} if kind in _MAPPED and "chunks" in known else {}
    try:
        return list(module.file_reader(str(path), lazy=True, **options))
    except (NotImplementedError, TypeError):
        return list(module.file_reader(str(path)))


def missing_library(path: Path, error: ImportError | ValueError) -> MissingExtra:
    """The error for a library that RosettaSciIO asks for; it does not always say which in the same way."""
    quoted = re.search(r"['`]([A-Za-z][\w.-]*)['`]", str(error))
    library = getattr(error, "name", None) or (quoted[1] if quoted else None)
    if library in (*_NEEDED, None):
        return missing_extra(f"Reading {path.name}", library or f"another library ({error})", "vendors")
    return MissingExtra(f"Reading {path.name} needs {library}, which is not installed. Try: pip install {library}")


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the warnings and the log of the library for a while; its errors are raised all the same."""
    log = logging.getLogger("rsciio")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


def _mended(kind: str, path: Path, signal: Signal) -> Signal:
    """A signal whose axes say what this kind of file means by them."""
    axes = signal["axes"]
    if kind == "rpl":
        header = signal.get("original_metadata", {})
        _mend_ripple(header, axes)
        if numbers := ripple_numbers(path):  # mapped, instead of in the large pieces of the library
            offset = int(header.get("offset", 0))
            signal["data"] = FileArray(numbers, signal["data"].dtype, signal["data"].shape, offset).check_size()
    unknown = kind == "prz" and all(axis.get("scale") is None and axis.get("units") is None for axis in axes)
    if unknown or kind == "unf":  # an old prz, whose description is pickled; Semper: three letters that fit no order
        for axis in axes:
            axis |= {"name": "", "navigate": True}
    return signal


def _mend_ripple(header: dict[str, Any], axes: list[dict[str, Any]]) -> None:
    """The depth of a ripple file is its spectral axis; its original form gives eV per channel and no unit."""
    for axis in axes:
        name = str(axis.get("name", ""))
        sides = ("width", "height", str(header.get("width-name")), str(header.get("height-name")))
        axis["navigate"] = name in sides
        if not axis["navigate"] and not axis.get("units"):
            if "depth-scale" not in header and header.get("ev-per-chan"):
                axis["units"] = "eV"
            elif not is_spectral(name) and "depth-scale" not in header:
                axis.pop("scale", None)  # numbered: the file says nothing of its channels


def _is_plain(path: Path) -> bool:
    """Whether the numbers of a zip lie in it as they are, so that parts of them can be read."""
    with zipfile.ZipFile(path) as archive:
        return all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())


def _link(path: Path, name: Path) -> None:
    """The file under another name: a link, or a copy where the system allows no links (Windows)."""
    try:
        name.symlink_to(path)
    except OSError:
        shutil.copyfile(path, name)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)
