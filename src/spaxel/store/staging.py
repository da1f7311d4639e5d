"""Writing beside and renaming: whoever looks at a path finds the old thing or the new one, never half of it."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from spaxel.errors import Exists, NotFound
from spaxel.store.addresses import check_local


@contextmanager
def replacing(path: str | Path, *, overwrite: bool = False, owned: Callable[[Path], bool]) -> Iterator[Path]:
    """A hidden path beside `path`, to be written by the body, that takes the place of `path` when the body ends well.

    path      : of a file or of a folder; missing parents are made, a link is followed
    overwrite : whether something at `path` may be replaced; it stays as it is until the body has ended
    owned     : path -> bool, whether what lies there is ours to delete; asked only with `overwrite`
    yields    : `.name.partial-<hex>`, where nothing is yet; the body makes a file or a folder of it
    Raises Exists before the body if `path` exists without `overwrite`, or with it but is not ours (an empty folder is
    anybody's); ParameterError for an address such as s3://; NotFound if the parent folder cannot be made. If the body
    raises, also KeyboardInterrupt, what it wrote is deleted, and the parents that were made for it. A process killed by
    the system leaves the hidden file behind, and the old thing untouched.
    """
    path = check_local(path, write=True).resolve()
    _check(path, owned, overwrite=overwrite)
    made = _make_parents(path)
    beside = _sibling(path, "partial")
    try:
        yield beside
        _check(path, owned, overwrite=overwrite)
        _swap(beside, path)
    finally:
        _delete(beside)
        for folder in made:
            with suppress(OSError):
                folder.rmdir()  # only one that is empty, as after an error


def _check(path: Path, owned: Callable[[Path], bool], *, overwrite: bool) -> None:
    if not path.exists():
        return
    if not overwrite:
        raise Exists(f"{path} exists already. Try another name, or overwrite.")
    if not owned(path) and not (path.is_dir() and not any(path.iterdir())):
        raise Exists(
            f"{path} was not written by spaxel, so it is not overwritten. Try another name, or delete it yourself."
        )


def _make_parents(path: Path) -> list[Path]:
    """Make the folders that are missing above a path; those that were made, deepest first."""
    missing = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotFound(f"The folder {path.parent} cannot be made: {error.strerror}. Try another place.") from error
    return missing


def _sibling(path: Path, what: str) -> Path:
    return path.with_name(f".{path.name}.{what}-{secrets.token_hex(4)}")


def _swap(new: Path, path: Path) -> None:
    if not path.exists() or (new.is_file() and path.is_file()):
        os.replace(new, path)
        return
    old = _sibling(path, "replaced")
    os.rename(path, old)
    try:
        os.rename(new, path)
    except BaseException:
        os.rename(old, path)
        raise
    _delete(old)


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
