"""Where a run may be read and written: the names of folders that its run.json gives, and links inside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from spaxel.errors import Exists, ReadError
from spaxel.store.writing import replacing

OWN = (
    "run.json",
    "arrays.safetensors",
    "history.jsonl",
    "result.zarr",
    "overviews.zarr",
    "report.html",
)  # never names of a cube's folder


def is_plain(name: Any) -> bool:
    """Whether this is the name of a folder in a run on every system: no path, no drive, no dots alone, no control character."""
    if not isinstance(name, str) or name in ("", ".", "..") or name in OWN or any(ord(c) < 32 for c in name):
        return False
    return all(kind(name).parts == (name,) and not kind(name).anchor for kind in (PurePosixPath, PureWindowsPath))


def check_names(run: Path, about: dict[str, Any]) -> None:
    """Raise ReadError if a run.json names folders that do not lie in the run itself: a path, a link, or no name at all."""
    inputs, reference = about.get("inputs") or {}, about.get("reference") or []
    if not isinstance(inputs, dict) or not isinstance(reference, list):
        raise ReadError(f"{run} does not say what its cubes are (inputs, reference). Try to segment again.")
    here = run.resolve()
    for name in (*inputs, *reference):
        if not is_plain(name) or name not in inputs or (here / name).resolve() != here / name:
            raise ReadError(
                f"{run} says that {name!r} is a cube of it, which is no folder in the run. Was it changed by hand? "
                "Try to segment again."
            )


@contextmanager
def placed(folder: Path, name: str, *, overwrite: bool = True) -> Iterator[Path]:
    """A hidden path, to be written by the body, that becomes the file (or folder) of this name in a run.

    Raises Exists if a link lies there: nothing in a run is written through one; or anything, without `overwrite`.
    """
    path = Path(folder) / name
    if path.is_symlink() or path.resolve() != path.parent.resolve() / name:
        raise Exists(f"{path} is a link, and nothing in a run is written through a link. Try to delete the link first.")
    with replacing(path, overwrite=overwrite, owned=Path.exists) as beside:
        yield beside
