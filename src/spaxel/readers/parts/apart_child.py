"""The program that `apart` starts: one file, read by a module of RosettaSciIO, becomes plain arrays in a folder.

Run by its path, and imports nothing of spaxel, so that it starts in a third of a second.
"""

from __future__ import annotations

import json
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np


def main(module: str, path: str, folder: str, most: str) -> None:
    """Read a file; write its arrays and signals.json into the folder. most : bytes of memory, 0 for no limit"""
    _limit(int(most))
    warnings.simplefilter("ignore")
    found: dict[str, Any]
    try:
        signals = import_module(module).file_reader(path)
        found = {"signals": [_kept(Path(folder), number, signal) for number, signal in enumerate(signals)]}
    except ImportError as error:
        found = {"missing": str(error), "name": error.name}
    except Exception as error:  # noqa: BLE001  whatever a library raises is said by who started this
        found = {"error": f"{type(error).__name__}: {error}" if str(error) else type(error).__name__}
    (Path(folder) / "signals.json").write_text(json.dumps(found, default=_plain), "utf-8")


def _limit(most: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has none
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if most:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _kept(folder: Path, number: int, signal: dict[str, Any]) -> dict[str, Any]:
    """A signal without its numbers, which go to a file: {axes, metadata, original_metadata}, or what it is instead."""
    data = np.asarray(signal.pop("data"))
    about = {name: signal.get(name, {}) for name in ("axes", "metadata", "original_metadata")}
    if data.dtype.hasobject:
        raise TypeError(f"an array of {data.dtype} is no array of numbers")
    np.save(folder / f"{number}.npy", data)
    return about


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


if __name__ == "__main__":
    main(*sys.argv[1:])
