"""Where a run comes from: command, versions, and what its input was; for run.json."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import xarray as xr

from spaxel import __version__
from spaxel.cube import axis_label
from spaxel.errors import SpaxelError
from spaxel.store.addresses import address_of, name_of, said
from spaxel.store.copies import remote_of, state_of
from spaxel.store.here import check_local
from spaxel.store.remote import listed

STATUS = Path("/proc/self/status")  # what Linux says of a process
WHOLE = 2**30  # bytes up to which an input is hashed whole
STORES = ("zarr.json", ".zgroup", ".zarray", "run.json")  # one of which a folder holds that is no mere folder
PARTS = (".bil", ".bip", ".bsq", ".dat", ".hdr", ".ibd", ".img", ".raw", ".rpl")  # of formats of two files
LIBRARIES = ("numpy", "scipy", "scikit-learn", "xarray", "dask", "zarr")


def peak_memory() -> int | None:
    """Bytes that this process has held at most; None where the system keeps no such count (Windows)."""
    with suppress(OSError):  # Linux: getrusage counts what the parent of a process held when it started it
        for line in STATUS.read_text("utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def about(command: str, seed: int | None, used: Sequence[str] = ()) -> dict[str, Any]:
    """Seed, command, time and versions. used : distributions that the method worked with, beside those of every run."""
    versions = {"spaxel": __version__, "python": sys.version.split()[0]}
    versions |= {name: held for name in (*LIBRARIES, *used) if (held := _version(name))}
    return {
        "seed": seed,
        "command": command,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions,
        "spaxel_version": __version__,
    }


@cache
def _version(name: str) -> str:
    """Of a distribution; "" if it is not installed, as torch need not be where nothing is trained."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def signature(given: str | Path, cube: xr.Dataset) -> dict[str, Any]:
    """What the input was: path, size, axis, and a hash (of a part of it above 1 GiB, which is then said).

    Of Zarr at an address nothing is read for it: hashed is what the store lists.
    """
    path = check_local(given)
    if remote_of(path):
        size, told = listed(path)
        return _signature(given, size, told, "names, sizes and checksums that the store lists", cube)
    files = _files(path, cube)
    size = sum(file.stat().st_size for file in files)
    digest = hashlib.sha256()
    for file in files:
        name = file.relative_to(path) if path.is_dir() else file.name
        digest.update(f"{name} {file.stat().st_size}".encode(errors="surrogateescape"))
        with file.open("rb") as stream:
            if size <= WHOLE:
                while piece := stream.read(2**20):
                    digest.update(piece)
            else:
                digest.update(stream.read(2**16))
    hashed = "whole" if size <= WHOLE else "the first 64 KiB of each file"
    return _signature(given, size, digest.hexdigest(), hashed, cube)


def _signature(path: str | Path, size: int, digest: str, hashed: str, cube: xr.Dataset) -> dict[str, Any]:
    return {
        "path": said(path),
        "bytes": size,
        "sha256": digest,
        "hashed": hashed,
        "shape": list(cube["spectra"].shape),
        "dtype": str(cube["spectra"].dtype),
        "axis": axis_label(cube),
        "reader": cube.attrs.get("reader", ""),
    }


def _files(path: Path, cube: xr.Dataset) -> list[Path]:
    """The files of an input: all of a folder, header and data of ENVI, else the one that is given."""
    if cube.attrs.get("reader") == "envi":
        return [Path(file) for file in cube.attrs["files"]]
    return _inside(path)


def _inside(path: Path) -> list[Path]:
    return sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def told(path: str | Path, signed: dict[str, Any], cube: xr.Dataset) -> str:
    """An input in one line, by which it is known again: name, bytes, hash, and when it was changed. signed : its `signature`"""
    return f"{name_of(path)} {signed['bytes']} {signed['sha256'][:16]} {_changed(path, signed, cube)}"


def content(value: Any) -> str:
    """What a parameter or option that names a file or folder (weights, a mask, a library) says besides its name; else "".

    A hash of its bytes, as it may be another one by now; above 1 GiB, and of a folder, of when its files were changed.
    """
    if not isinstance(value, (str, Path)) or not str(value):
        return ""
    if (address := address_of(value)) is not None:
        return state_of(address)
    try:
        path = check_local(value)
        if any((path / name).is_file() for name in STORES) or (path.is_file() and path.stat().st_size > WHOLE):
            return changed(_inside(path))
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    except (OSError, ValueError, SpaxelError):  # it is a word, not a file
        return ""


def contents(asked: Mapping[str, Any]) -> dict[str, str]:
    """`content` of what these name, one file or several each, by "content of NAME"; left out where there is none."""
    found = {}
    for name, value in asked.items():
        given = value if isinstance(value, (list, tuple)) else [value]
        if held := [digest for one in given if (digest := content(one))]:
            found[f"content of {name}"] = " ".join(held)
    return found


def changed(files: Sequence[Path]) -> str:
    """How large these files are and when each was changed, as a hash of that; none of them is read."""
    digest = hashlib.sha256()
    for file in files:
        state = file.stat()
        digest.update(f"{file} {state.st_size} {state.st_mtime_ns}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()[:16]


def _changed(path: str | Path, signed: dict[str, Any], cube: xr.Dataset) -> str:
    """When the files of an input that are not hashed whole, and those beside it, were changed; 0 where there are none.

    Of one at an address, what its store says: a copy is of the day on which it was made.
    """
    hashed = not signed["hashed"].startswith("the first")
    if (address := address_of(path)) is not None:
        return "0" if hashed else state_of(address)
    place = check_local(path)
    files = _files(place, cube)
    others = {Path(file) for name in ("files", "references") for file in cube.attrs.get(name, ())}
    others |= {beside for file in (place, *others) for beside in _beside(file)}
    looked = sorted(others - set(files) if hashed else others | set(files))
    return changed(looked) if looked else "0"


def _beside(path: Path) -> list[Path]:
    """Files of the same name that hold its numbers or its header, in formats of two files."""
    if path.is_dir():
        return []
    named = [
        path.with_name(f"{path.name}.hdr"),
        *(path.with_suffix(end) for part in PARTS for end in (part, part.upper())),
    ]
    return [beside for beside in named if beside.is_file() and beside.name != path.name]
