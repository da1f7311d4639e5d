"""Files whose library can take the process down: read by a process of their own, once, into uncompressed arrays.

A damaged file then ends in words. It costs a third of a second for each file, and the room of its numbers on the disk while
they are larger than what is kept in memory.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from spaxel.errors import ReadError, words_of
from spaxel.readers.parts.file_array import FileArray
from spaxel.readers.parts.lazy import LARGE
from spaxel.readers.parts.variables import npy_variable
from spaxel.store.temporary import new_home

APART = ("bcf",)  # the compiled parser of RosettaSciIO 0.15 reads beyond its memory on damaged files
UNPACKED, ROOM = 256, 2 * 2**30  # memory that the process may take: so many times the file, and so many bytes
SECONDS, SECONDS_PER_MIB = 60, 10
_CHILD = Path(__file__).with_name("apart_child.py")
_kept: dict[tuple[str, int, int], tuple[tempfile.TemporaryDirectory[str], list[dict[str, Any]]]] = {}


def signals_apart(module: str, path: Path) -> list[dict[str, Any]]:
    """The signals of a file as a module of RosettaSciIO gives them; arrays above 256 MiB stay on the disk.

    Raises ReadError (damaged; the process crashed, took too long, or more memory than a file of this size can need),
    ImportError for a library that is missing.
    """
    status = path.stat()
    key = (str(path.resolve()), status.st_mtime_ns, status.st_size)
    if key in _kept:
        return _with_numbers(Path(_kept[key][0].name), _kept[key][1])
    folder = new_home()
    try:
        told = _run(module, path, Path(folder.name), status.st_size)
        signals = _with_numbers(Path(folder.name), told)
    except BaseException:
        folder.cleanup()
        raise
    if any(isinstance(signal["data"], FileArray) for signal in signals):
        _kept[key] = (folder, told)
    else:
        folder.cleanup()
    return signals


def _run(module: str, path: Path, folder: Path, size: int) -> list[dict[str, Any]]:
    most = min(UNPACKED * size + ROOM, _memory())
    command = [sys.executable, "-P", str(_CHILD), module, str(path.absolute()), str(folder), str(most)]
    # each thread would take room of the limit
    alone = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS + SECONDS_PER_MIB * size / 2**20,
            env=alone,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ReadError(f"{path} takes its library more than {error.timeout:.0f} s. It is damaged.") from error
    if not (folder / "signals.json").exists():
        raise ReadError(
            f"{path} is damaged: the library that reads it ended with {_name(ended.returncode)}. Try to copy it again."
        )
    told = json.loads((folder / "signals.json").read_text("utf-8"))
    if "missing" in told:
        raise ImportError(told["missing"], name=told["name"])
    if "error" in told:
        raise ReadError(f"{path} is damaged: {words_of(ValueError(told['error']))}. Try to copy it again.")
    return list(told["signals"])


def _with_numbers(folder: Path, told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The signals with their numbers: in memory, or as they lie in the folder."""
    found = []
    for number, about in enumerate(told):
        variable = npy_variable(folder / f"{number}.npy")
        data = variable.source if variable.source.nbytes > LARGE else np.ascontiguousarray(variable.source[...])
        found.append({**about, "data": data})
    return found


def _memory() -> int:
    """Bytes of memory of this machine; 0 if it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0


def _name(code: int) -> str:
    """An exit code of a process in words."""
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"exit code {code}"
