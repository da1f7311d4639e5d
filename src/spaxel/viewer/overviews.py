"""Overviews of large files on disk, so that a second look at them waits for nothing. Bounded: the oldest make room.

They lie in the cache folder of the user (XDG_CACHE_HOME, else ~/.cache; %LOCALAPPDATA% on Windows), under spaxel/viewer: one
file for each window that took long to read. What is damaged, or cannot be written, is as if it was not there.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from spaxel.viewer.scene import Scene
from spaxel.viewer.screen import Window

LIMIT = 512 * 2**20  # bytes of all overviews
SLOW = 2.0  # seconds of reading from which a window is worth a file


def folder() -> Path:
    """Where overviews lie."""
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".cache"
    return Path(base) / "spaxel" / "viewer"


def overview_file(scene: Scene, key: tuple[Any, ...], window: Window) -> Path | None:
    """The file of one window of one layer of this state of a file; None for what is not read from one."""
    source = Path(str(scene.data.attrs.get("source") or ""))
    if scene.cube is None or not source.name or not source.exists():
        return None
    stat = source.stat()
    file = (str(source.resolve()), stat.st_size, stat.st_mtime_ns, scene.shape)
    about = (file, scene.data.attrs.get("steps"), key, tuple(window))
    return folder() / f"{hashlib.sha256(repr(about).encode(errors='surrogateescape')).hexdigest()[:40]}.npy"


def recalled(place: Path | None, shape: tuple[int, int]) -> np.ndarray | None:
    """The overview of a file, if it is there and whole."""
    if place is None or not place.is_file():
        return None
    try:
        values = np.load(place, allow_pickle=False)
        os.utime(place)
    except (OSError, ValueError, EOFError):
        return None
    return values if values.shape[:2] == shape else None


def keep(place: Path | None, values: np.ndarray, limit: int = LIMIT) -> None:
    """Write an overview, and delete the oldest until all are below the limit."""
    if place is None or values.nbytes > limit // 4:
        return
    beside = place.with_suffix(f".{os.getpid()}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with beside.open("wb") as file:
            np.save(file, values, allow_pickle=False)
        beside.replace(place)
        _make_room(place.parent, limit)
    except OSError:
        beside.unlink(missing_ok=True)


def _make_room(place: Path, limit: int) -> None:
    files = sorted(((f.stat().st_mtime, f.stat().st_size, f) for f in place.glob("*.npy")), reverse=True)
    total = 0
    for _, size, file in files:
        total += size
        if total > limit:
            file.unlink(missing_ok=True)
