"""Files of instruments, by RosettaSciIO (an optional library under the GPL): Bruker, Renishaw, HyperSpy, EMD, Gatan …"""

from __future__ import annotations

import logging
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube import make_cube, note_guess
from spaxel.errors import MissingExtra, NotFound, ReadError, missing_extra
from spaxel.readers.parts.axis import Axis, is_spectral
from spaxel.readers.parts.h5 import is_hdf5
from spaxel.readers.parts.instrument_checks import CHECKS
from spaxel.readers.parts.lazy import LARGE, arrange, check_axis_number, tile_chunks, warn_layout
from spaxel.readers.parts.side import settle_axis
from spaxel.readers.registry import HEAD, Reader

_MAGIC = {b"AAMVHFSS": "bcf", b"SFMHFSSS": "bcf", b"WDF1": "wdf"}
_MODULES = {  # the suffix that RosettaSciIO expects -> its module
    "bcf": "bruker", "wdf": "renishaw", "hspy": "hspy", "emd": "emd", "dm3": "digitalmicrograph",
    "dm4": "digitalmicrograph", "ser": "tia", "pts": "jeol", "elid": "phenom", "prz": "pantarhei",
    "spd": "edax", "sur": "digitalsurf", "tvf": "trivista",
}  # fmt: skip
_STARTS: dict[str, bytes | tuple[bytes, ...]] = {  # short signatures, which count only together with the suffix
    "dm3": b"\0\0\0\3", "dm4": b"\0\0\0\4", "ser": b"II\x97\1", "pts": b"\x30\1\0\0", "elid": b"PK\3\4",
    "prz": b"PK\3\4", "spd": b"MAPSPECTRA_DATA", "sur": (b"DIGITAL SURF", b"DSCOMPRESSED"),
    "tvf": (b"<", b"\xef\xbb\xbf<"),
}  # fmt: skip
_ENERGY = {"ev", "kev", "1/cm", "cm-1"}


def open_instrument(
    path: str | Path,
    *,
    dataset: str | int | None = None,
    channel_axis: int | None = None,
    channel: str | Sequence[float] | None = None,
    units: str | None = None,
) -> xr.Dataset:
    """The spectrum image in a file of an instrument, eagerly up to 256 MiB: most of these formats cannot be read in parts.

    dataset      : title or number of the signal, if the file holds several that can be spectra
    channel_axis : 0, 1 or 2, if the file does not tell which axis is the signal
    channel      : axis values, a file with them, or "index" to number the channels; else the file's, also uneven ones
    units        : of the axis, if the file does not say it
    A line scan becomes a cube of width 1, a single spectrum a cube of one pixel. attrs: elements, instrument, pixel_size
    [y, x] and pixel_units, where the file has them.
    Raises MissingExtra without RosettaSciIO, ReadError (damaged, no or several spectrum images), NotFound, AxisError.
    """
    path = Path(path)
    signals = _signals(path)
    signal = _choose(path, signals, dataset)
    axes = [signal["axes"][n] for n in range(len(signal["axes"]))]
    at, guess = _signal_axis(path, axes, channel_axis)
    spectra = _as_cube(path, signal["data"], at)
    values, told, doubt = settle_axis(path, _axis(axes[at]), spectra.shape[2], channel, units)
    metadata = signal.get("metadata", {})
    cube = make_cube(
        spectra, values, told, source=str(path), **_attrs(metadata, [a for a in axes if a is not axes[at]])
    )
    for sentence in (*guess, *doubt):
        cube = note_guess(cube, sentence)
    return cube


def _signals(path: Path) -> list[dict[str, Any]]:
    """All signals as RosettaSciIO gives them, lazy where it can. A file with another suffix is read through a link."""
    with path.open("rb") as file:
        suffix = _kind(path, head := file.read(HEAD))
    if suffix in CHECKS:
        CHECKS[suffix](path, head)
    try:
        module = import_module(f"rsciio.{_MODULES[suffix]}")
    except ImportError as error:
        raise missing_extra(f"Reading {path.name}", "RosettaSciIO", "vendors") from error
    try:
        with _quiet():
            return _read(module, path, suffix)
    except ImportError as error:
        raise _missing(path, error) from error


def _missing(path: Path, error: ImportError) -> MissingExtra:
    """The error for a library that RosettaSciIO asks for; it does not always say which in the same way."""
    quoted = re.search(r"['`]([A-Za-z][\w.-]*)['`]", str(error))
    library = error.name or (quoted[1] if quoted else None)
    if library in ("sparse", "h5py", "dask", None):
        return missing_extra(f"Reading {path.name}", library or f"another library ({error})", "vendors")
    return MissingExtra(f"Reading {path.name} needs {library}, which is not installed. Try: pip install {library}")


def _read(module: Any, path: Path, suffix: str) -> list[dict[str, Any]]:
    if path.suffix.lower() != f".{suffix}":
        with tempfile.TemporaryDirectory() as folder:
            linked = Path(folder) / f"{path.stem}.{suffix}"
            _link(path.resolve(), linked)
            return module.file_reader(str(linked))
    try:
        return module.file_reader(str(path), lazy=True)
    except NotImplementedError:
        return module.file_reader(str(path))


def _link(path: Path, name: Path) -> None:
    """The file under another name: a link, or a copy where the system allows no links (Windows)."""
    try:
        name.symlink_to(path)
    except OSError:
        shutil.copyfile(path, name)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the warnings and the log of the library for a while; its errors are raised all the same."""
    log = logging.getLogger("rsciio")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


def _choose(path: Path, signals: list[dict[str, Any]], dataset: str | int | None) -> dict[str, Any]:
    titles = [str(s.get("metadata", {}).get("General", {}).get("title", "")) for s in signals]
    held = "; ".join(f"{n} {t} {s['data'].shape}" for n, (t, s) in enumerate(zip(titles, signals, strict=True)))
    if dataset is not None:
        for number, (title, signal) in enumerate(zip(titles, signals, strict=True)):
            if str(dataset) in (title, str(number)):
                return signal
        raise NotFound(f"{path} has no signal {dataset!r}. It has: {held or 'none'}.")
    for n_axes in (3, 2, 1):
        found = [s for s in signals if s["data"].ndim == n_axes and s["data"].dtype.names is None and _is_spectral(s)]
        if len(found) == 1:
            return found[0]
        if found:
            raise ReadError(f"{path} holds several signals: {held}. Try dataset=… with a title or a number.")
    raise ReadError(f"{path} holds no spectrum image. It holds: {held or 'nothing'}. Try dataset=… if one is meant.")


def _is_spectral(signal: dict[str, Any]) -> bool:
    axes = signal["axes"]
    return len(axes) == 3 or sum(not a.get("navigate", False) for a in axes) == 1 or any(_says_so(a) for a in axes)


def _says_so(axis: dict[str, Any]) -> bool:
    return is_spectral(str(axis.get("name", ""))) or str(axis.get("units", "")).lower() in _ENERGY


def _signal_axis(path: Path, axes: list[dict[str, Any]], channel_axis: int | None) -> tuple[int, list[str]]:
    if channel_axis is not None:
        return check_axis_number(channel_axis, len(axes)), []
    for told in ([not a.get("navigate", False) for a in axes], [_says_so(a) for a in axes]):
        if sum(told) == 1:
            return told.index(True), []
    n_channels = axes[-1]["size"]
    sentence = f"{path.name} does not say which axis is the signal; took the last ({n_channels} channels)."
    return len(axes) - 1, [f"{sentence} Option channel_axis decides."]


def _as_cube(path: Path, data: Any, at: int) -> Any:
    """(y, x, channel): loaded if it is small, because most libraries parse the whole file for every part of it."""
    if data.ndim > 3:
        raise ReadError(f"{path}: the signal has {data.ndim} axes {data.shape}, a cube has 3. Try another dataset.")
    spectra = arrange(data, at)
    spectra = spectra[None, None] if data.ndim == 1 else spectra[:, None] if data.ndim == 2 else spectra
    if not hasattr(spectra, "compute"):
        return np.asarray(spectra)
    if spectra.nbytes <= LARGE:
        return spectra.compute()
    stored = tuple(max(side) for side in spectra.chunks)
    warn_layout(path, spectra.shape, stored, spectra.dtype.itemsize)
    return spectra if stored == spectra.shape else spectra.rechunk(tile_chunks(spectra.shape, stored))


def _axis(axis: dict[str, Any]) -> Axis | None:
    name, units = str(axis.get("name") or "signal axis"), axis.get("units")
    if "axis" in axis:
        values = np.asarray(axis["axis"], dtype=float)
    elif "scale" in axis:
        values = float(axis.get("offset", 0)) + float(axis["scale"]) * np.arange(int(axis["size"]))
    else:
        return None
    units = None if units is None or not isinstance(units, str) else units
    numbered = units is None and np.array_equal(values, np.arange(len(values)))
    return None if numbered else Axis(values, units, f"the axis {name}", name)


def _attrs(metadata: dict[str, Any], pixels: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if elements := metadata.get("Sample", {}).get("elements"):
        found["elements"] = [str(element) for element in elements]
    instrument = metadata.get("Acquisition_instrument", {})
    names = [instrument.get(key, {}).get("microscope") for key in ("SEM", "TEM")]
    names.append(instrument.get("Detector", {}).get("model"))
    if named := next((name for name in names if name), None):
        found["instrument"] = str(named)
    if len(pixels) == 2 and all("scale" in axis for axis in pixels):
        found["pixel_size"] = [float(axis["scale"]) for axis in pixels]
        found["pixel_units"] = str(pixels[0].get("units", ""))
    return found


def _kind(path: Path, head: bytes) -> str:
    """The suffix that RosettaSciIO knows this content by, '' if it is none of them."""
    for magic, suffix in _MAGIC.items():
        if head.startswith(magic):
            return suffix
    if is_hdf5(head):
        return _kind_of_hdf5(path)
    suffix = path.suffix.lower().lstrip(".")
    return suffix if suffix in _STARTS and head.startswith(_STARTS[suffix]) else ""


def _kind_of_hdf5(path: Path) -> str:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            if "Experiments" in file:
                return "hspy"
            groups = [file, *(item for item in file.values() if isinstance(item, h5py.Group))]
            is_emd = any("version_major" in g.attrs for g in groups) or "Data/SpectrumImage" in file
            return "emd" if is_emd else ""
    except (OSError, RuntimeError, KeyError, ValueError):
        return ""


def _sniff(path: Path, head: bytes) -> bool:
    return bool(_kind(path, head))


reader = Reader(
    "instrument",
    "a file of an instrument (RosettaSciIO)",
    tuple(f".{suffix}" for suffix in _MODULES),
    _sniff,
    open_instrument,
    "vendors",
)
