"""Writing to an address: made here first, as everything is, and then sent there, what says that it is whole at last.

Stores of objects know no exchange in one step. So the file by which a folder says what it is (run.json, zarr.json) is taken
away first and written last: who looks in between finds no run, and never half of one. A command that is killed while it sends
leaves files without it, beside one that says so, and not what was there before; the next command with `overwrite` removes them,
one with `resume` goes on with what is kept here. A change that cannot be sent is kept in a folder here, which is said.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Any

from spaxel.errors import Exists, NotFound, ParameterError, SpaxelError, WriteError, called, known_as, words_of
from spaxel.store import copies, owner
from spaxel.store.addresses import address_of, child, name_of, opened
from spaxel.store.here import check_local
from spaxel.store.staging import replacing_here
from spaxel.store.temporary import new_home, temporary_folder

UNFINISHED = ".spaxel-unfinished"  # lies there while something is sent
_PATTERN = re.compile(r"[*?\[]")  # what libraries of addresses take for one
MARKS = ("run.json", "export.json", "zarr.json")  # the first two wherever they lie, the last in the root


def place_of(path: str | Path) -> Path:
    """Where what is written at a path is made: there, or for an address in a folder of this user for temporary files.

    It is the same one each time, so that --resume finds what was interrupted.
    """
    address = address_of(path, write=True)
    if address is None:
        return Path(path).resolve()
    whose = f"{address} of {os.getpid()}" if address.startswith("memory://") else address  # a memory is of one process
    home = temporary_folder().resolve() / f"spaxel-{_user()}" / hashlib.sha256(whose.encode()).hexdigest()[:16]
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (home, home.parent):
        if folder.is_symlink() or (hasattr(os, "getuid") and folder.stat().st_uid != os.getuid()):
            raise ParameterError(f"{folder} is not yours, and what is sent is made there. Try TMPDIR=FOLDER.")
    known_as(home / name_of(address), called(address))
    return home / name_of(address)


@contextmanager
def replacing_there(
    path: str | Path, *, overwrite: bool, owned: Callable[[Path], bool], resume: bool
) -> Iterator[Path]:
    """As spaxel.store.staging.replacing_here, for an address. Raises also WriteError if it cannot be sent."""
    address = str(address_of(check_local(path, write=True), write=True))
    files, there = opened(address)
    check_free(address, owned, overwrite=overwrite, resume=resume)
    place = place_of(path)
    with _alone(place.parent, address):
        with replacing_here(place, overwrite=True, owned=lambda _: True, resume=resume) as new:
            yield new
            check_free(address, owned, overwrite=overwrite, resume=resume)
            with _told(address, lambda: _advice(new)):
                _send(files, there, new)
        if place.is_dir():
            home = new_home()
            kept = Path(home.name).resolve() / place.name
            shutil.move(place, kept)
            copies.keep(address, home, kept)
        else:
            place.unlink()
    with suppress(OSError):
        place.parent.rmdir()


@contextmanager
def changing(run: str | Path) -> Iterator[Path]:
    """A run to be changed: itself; or of an address a copy, of which what the body changed is sent back."""
    address = address_of(run)
    if address is None:
        yield check_local(run)
        return
    check_local(run, write=True)
    files, there = opened(address)
    with new_home() as home:
        place = Path(home).resolve() / name_of(address)
        known_as(place, called(address))
        copies.copied(address, place)
        if not (place / "run.json").is_file():
            raise NotFound(f"{address} is no run: it holds no run.json. Try the address that was given to --out.")
        before = _files(place)
        yield place
        after = _files(place)
        changed = {inside for inside in {*before, *after} if before.get(inside) != after.get(inside)}
        if changed:
            copies.forget(address)
            with _kept(place, address):
                _send(files, there, place, changed)


def changes(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of a run, which it changes, as one that takes addresses too."""

    @wraps(function)
    def there(run: str | Path, *arguments: Any, **options: Any) -> Any:
        with changing(run) as place:
            answer = function(place if address_of(run) else run, *arguments, **options)
        if (address := address_of(run)) and isinstance(answer, Path) and answer.is_relative_to(place):
            inside = answer.relative_to(place).as_posix()
            return Path(address if inside == "." else child(address, inside))
        return answer

    return there


def check_free(address: str, owned: Callable[[Path], bool], *, overwrite: bool, resume: bool = False) -> None:
    """Raise Exists unless an address may be written, as staging does it; WriteError where it cannot be looked at.

    resume : whether something may be there that was sent in part
    """
    files, there = opened(address)
    try:
        files.invalidate_cache()
        if not files.exists(there):
            return
        marked = files.isfile(there) or any(files.exists(f"{there.rstrip('/')}/{name}") for name in MARKS)
        left = files.exists(f"{there.rstrip('/')}/{UNFINISHED}")
    except Exception as error:
        raise WriteError(
            f"{address} cannot be written: {words_of(error)}. Try to check it, and who may write."
        ) from error
    if left and resume:
        return
    if not overwrite:
        raise Exists(f"{address} exists already. Try another name, or overwrite.")
    if not left and not (marked and owned(copies.here(address))):
        raise Exists(
            f"{address} was not written by spaxel, so it is not overwritten. Try another, or delete it yourself."
        )


def _send(files: Any, there: str, new: Path, changed: set[str] | None = None) -> None:
    """Put a file or a folder at an address, and remove what else is there. changed : of its files, if not all are sent"""
    try:
        if new.is_file():
            _make_parent(files, there)
            files.put_file(str(new), there)
            return
        base, here = there.rstrip("/"), set(_files(new))
        old, sent = _there(files, base), here if changed is None else changed & here
        marks = sorted(filter(_is_mark, here), key=lambda name: (-name.count("/"), name))
        if changed is None or any(".zarr/" in name for name in changed | (old - here)):
            files.pipe_file(f"{base}/{UNFINISHED}", b"spaxel is writing here, or was interrupted")
            _remove(files, base, filter(_is_mark, old))
            sent, old = sent | set(marks), old | {UNFINISHED}
        _put(files, base, new, sorted(sent - set(marks)))
        _remove(files, base, [name for name in old - here if not _is_mark(name) and name != UNFINISHED])
        for mark in marks:
            _put(files, base, new, [mark] if mark in sent else [])
        _remove(files, base, {UNFINISHED} & old)
    finally:
        files.invalidate_cache()


@contextmanager
def _told(address: str, advice: Callable[[], str]) -> Iterator[None]:
    """Inside something is sent. Raises WriteError if that fails. advice : what is to be done then"""
    try:
        yield
    except SpaxelError:
        raise
    except Exception as error:
        raise WriteError(
            f"{address} cannot be written whole: {words_of(error)}. What was there before may be gone, and what is there may "
            f"be no run. {advice()}"
        ) from error


def _advice(new: Path) -> str:
    kept = "What is done is kept here: go on with --resume, or try" if owner.worth(new.parent) else "Try"
    return f"{kept} again with --overwrite."


@contextmanager
def _kept(place: Path, address: str) -> Iterator[None]:
    """Inside a changed run is sent, which is kept here if that fails, or is interrupted."""

    def keep() -> str:
        home = Path(tempfile.mkdtemp(prefix="spaxel-kept-", dir=temporary_folder())).resolve()
        shutil.move(place, home / place.name)
        return f"The changed run is kept in {home / place.name}: try to copy it there."

    try:
        with _told(address, keep):
            yield
    except KeyboardInterrupt as interruption:
        interruption.args = (keep(),)
        raise


def _put(files: Any, base: str, folder: Path, names: Sequence[str]) -> None:
    if names:
        files.put([str(folder / name) for name in names], [f"{base}/{name}" for name in names])


def _remove(files: Any, base: str, names: Iterable[str]) -> None:
    """Remove files at an address, each by its name alone: `rm` takes one with brackets or an asterisk for a pattern."""
    paths = [f"{base}/{name}" for name in names]
    if plain := [path for path in paths if not _PATTERN.search(path)]:
        files.rm(plain)
    for path in filter(_PATTERN.search, paths):
        files.rm_file(path)


def _there(files: Any, base: str) -> set[str]:
    try:
        root = str(files._strip_protocol(base)).rstrip("/")
        return {name[len(root) :].lstrip("/") for name in files.find(base)}
    except FileNotFoundError:
        return set()


def _make_parent(files: Any, there: str) -> None:
    with suppress(OSError, NotImplementedError, ValueError):
        files.makedirs(there.rpartition("/")[0], exist_ok=True)


def _is_mark(inside: str) -> bool:
    name = inside.rpartition("/")[2]
    return name in MARKS[:2] or inside == MARKS[2]


def _files(folder: Path) -> dict[str, tuple[int, int, int]]:
    """{file in a folder, as a key: its size, its time, its number}."""
    found = {}
    for file in folder.rglob("*"):
        if file.is_file():
            status = file.stat()
            found[file.relative_to(folder).as_posix()] = status.st_size, status.st_mtime_ns, status.st_ino
    return found


@contextmanager
def _alone(home: Path, address: str) -> Iterator[None]:
    """Inside, no other command of this computer writes to the address. Raises Exists if one does."""
    try:
        descriptor = owner.hold(home)
    except BlockingIOError as error:
        raise Exists(f"{address} is being written by another command. Try another name, or wait for it.") from error
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes no open file
            (home / owner.LOCK).unlink()
        os.close(descriptor)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return str(os.getpid())
