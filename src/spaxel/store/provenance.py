"""Where a run comes from: command, versions, and what its input was; for run.json."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import xarray as xr

from spaxel import __version__
from spaxel.cube import axis_label
from spaxel.store.addresses import address_of, name_of, said
from spaxel.store.copies import remote_of, state_of
from spaxel.store.here import check_local
from spaxel.store.remote import listed

STATUS = Path("/proc/self/status")  # what Linux says of a process
WHOLE = 2**30  # bytes up to which an input is hashed whole
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
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    if cube.attrs.get("reader") == "envi":
        files = [Path(file) for file in cube.attrs["files"]]  # header and data
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


def told(path: str | Path, signed: dict[str, Any]) -> str:
    """An input in one line, by which it is known again: name, bytes, hash, and when it was changed. signed : its `signature`"""
    return f"{name_of(path)} {signed['bytes']} {signed['sha256'][:16]} {_modified(path, signed)}"


def _modified(path: str | Path, signed: dict[str, Any]) -> int | str:
    """When a file that is too large to be hashed was changed, in nanoseconds; 0 for one that is hashed.

    Of one at an address, what its store says: a copy is of the day on which it was made.
    """
    if not signed["hashed"].startswith("the first"):
        return 0
    if (address := address_of(path)) is not None:
        return state_of(address)
    return check_local(path).stat().st_mtime_ns
