"""Writing beside and exchanging, on this computer: whoever looks at a path finds the old thing or the new one, never a half."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from spaxel.errors import Exists, NotFound
from spaxel.store import owner
from spaxel.store.exchange import exchanged, put, settle, settle_folder
from spaxel.store.full import written_to
from spaxel.store.looks import look


@contextmanager
def replacing_here(
    path: str | Path, *, overwrite: bool = False, owned: Callable[[Path], bool], resume: bool = False
) -> Iterator[Path]:
    """A hidden path beside `path`, to be written by the body, that takes the place of `path` when the body ends well.

    path      : of a file or of a folder; missing parents are made, a link is followed
    overwrite : whether something at `path` may be replaced; it stays as it is until the body has ended
    owned     : path -> bool, whether what lies there is ours to delete; asked only with `overwrite`
    resume    : go on in the hidden folder that a process left which was killed here, if `spaxel.store.unfinished` kept
                something in it; without, that is removed
    yields    : `.name.partial-…/new`, where nothing is yet; the body makes a file or a folder of it
    What was written is on the disk before it takes its place, in one step where the system can (spaxel.store.exchange). If the
    body raises, also KeyboardInterrupt, what it wrote is deleted, and the parents that were made for it. A process that is
    killed leaves the old thing or the new one, and a hidden folder, which the next call for this path removes.
    Raises Exists before the body if `path` exists without `overwrite`, or with it but is not ours (an empty folder is
    anybody's); NotFound if the parent folder cannot be made; WriteError if the disk is full, or may not be written to.
    """
    path = look(Path(path), write=True).resolve()
    if owner.is_staged(path):
        with _inside(path, owned, overwrite=overwrite) as beside:
            yield beside
        return
    owner.restore(path)
    _check(path, owned, overwrite=overwrite)
    made = _make_parents(path)
    folder = None
    try:
        with written_to(path, path.parent):
            folder = owner.adopt(path) if resume else None
            owner.clean(path)
            folder = folder or owner.claim(path)
            new = folder / owner.NEW
            yield new
            _check(path, owned, overwrite=overwrite)
            settle(new)
            _swap(new, path, folder / owner.OLD)
            owner.begun.pop(folder, None)
            settle_folder(path.parent)
    finally:
        if folder is not None:
            (owner.let_go if owner.worth(folder) else owner.give_up)(folder)
        for parent in made:
            with suppress(OSError):
                parent.rmdir()  # only one that is empty, as after an error


@contextmanager
def _inside(path: Path, owned: Callable[[Path], bool], *, overwrite: bool) -> Iterator[Path]:
    """The same in a hidden folder that another call fills: that one answers for the disk, and removes what is left."""
    _check(path, owned, overwrite=overwrite)
    beside = path.with_name(f".{path.name[:200]}.part-{secrets.token_hex(4)}")
    try:
        yield beside
        _check(path, owned, overwrite=overwrite)
        _swap(beside, path, old := beside.with_name(f"{beside.name}.old"))
        _delete(old)
    finally:
        _delete(beside)


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


def _swap(new: Path, path: Path, old: Path) -> None:
    """Put the new thing at its place. What was there lies at `new` or `old` afterwards, if it is a folder."""
    if not path.exists():
        try:
            put(new, path)
        except FileExistsError:
            raise Exists(f"{path} has appeared meanwhile. Try another name, or overwrite.") from None
    elif new.is_file() and path.is_file():
        os.replace(new, path)
    elif not exchanged(new, path):
        os.rename(path, old)
        try:
            os.rename(new, path)
        except BaseException:
            os.rename(old, path)
            raise


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
