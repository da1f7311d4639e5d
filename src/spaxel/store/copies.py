"""What stands on this computer for an address that is read, in a temporary folder that goes when the program ends.

A Zarr array or group : a folder with the metadata of its root alone; chunks are read where they lie (spaxel.store.remote)
A run                 : a folder with all that is small; its results are Zarr groups, see above
A file                : a copy of it, and of what lies beside it under its name (header, references, truth)
Any other folder      : a copy of all of it
A copy is made once, as long as what it is of stays the same, and only if it fits on the disk.
"""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from spaxel.errors import NotFound, ReadError, called, in_words, known_as
from spaxel.store.addresses import child, name_of, opened, storage
from spaxel.store.temporary import new_home

MARKERS = ("zarr.json", ".zgroup", ".zarray")
_METADATA = (*MARKERS, ".zattrs", ".zmetadata")
_RUN = "run.json"
SPARE = 2**30  # bytes of the disk that copies leave free
UNKNOWN = 2 * 2**30  # of a file whose size nobody says
MOST_METADATA = 2**28
_PAIRED = (
    *(".hdr", ".img", ".raw", ".dat", ".bil", ".bip", ".bsq", ".sli", ".rpl", ".imzml", ".ibd", ".mat", ".tif", ".npy"),
    *(".txt", ".csv", ".tfw", ".prj", ".xml"),
)  # files that lie beside one another
_OVERVIEWS = "overviews.zarr"  # of a run, of which each map is a group that is opened by itself


class Remote(NamedTuple):
    """Where the chunks of a folder lie: the address, with the options that open it."""

    address: str
    options: dict[str, Any]


_remotes: dict[Path, Remote] = {}
_kept: dict[tuple[str, str, str], tuple[Any, Path]] = {}


def remote_of(folder: Path) -> Remote | None:
    """Where the chunks of a folder lie if they do not lie in it, see above; None for any other folder."""
    return _remotes.get(Path(folder))


def here(address: str) -> Path:
    """What stands for an address here. Raises NotFound, ReadError (it does not fit, may not be read), and as `opened`."""
    files, path = opened(address)
    with in_words(address, "cannot be read", "Try to check the address, and who may read it."):
        files.invalidate_cache()
        marker, about = _looked(files, path, address)
        key = _key(address, marker, about)
        if key not in _kept or not _kept[key][1].exists():
            home = new_home()
            place = Path(home.name).resolve() / _plain(name_of(address))
            known_as(place.parent, called(address).partition("::")[0].rpartition("/")[0])
            known_as(place, called(address))
            try:
                _fill(files, path, place, address, marker, about)
            except BaseException:
                home.cleanup()
                raise
            _kept[key] = home, place
        return _kept[key][1]


def keep(address: str, home: Any, place: Path) -> None:
    """What has just been written to an address stands for it; home : the temporary folder that it lies in."""
    files, path = opened(address)
    files.invalidate_cache()
    marker, about = _looked(files, path, address)
    before = _kept.get(_key(address, marker, about))
    _kept[_key(address, marker, about)] = home, place
    if before is not None:
        before[0].cleanup()
    known_as(place, called(address))


def forget(address: str) -> None:
    """What stands for an address, or for what lies in it, is made anew: it has been changed there."""
    for key in [key for key in _kept if f"{key[0]}/".startswith(f"{address}/")]:
        _kept.pop(key)[0].cleanup()


def state_of(address: str) -> str:
    """What a store says of the state of what lies at an address: another text once that has changed. Raises as `here`."""
    files, path = opened(address)
    with in_words(address, "cannot be read", "Try to check the address, and who may read it."):
        files.invalidate_cache()
        return _told(*_looked(files, path, address))


def copied(address: str, place: Path) -> None:
    """All that lies below an address as a folder here: for what is changed there. Raises NotFound, ReadError."""
    files, path = opened(address)
    with in_words(address, "cannot be read", "Try to check the address, and who may read it."):
        files.invalidate_cache()
        _copy_all(files, path, place, files.find(path, detail=True))


def _looked(files: Any, path: str, address: str) -> tuple[str, dict[str, Any]]:
    """(the file by which a folder says what it is, or "", what is known of that file, or of the path)."""
    if _on_web(files) or path.rstrip("/").endswith(".zarr"):  # which may list nothing, or very many chunks
        for name in ("",) if "?" in path else (*MARKERS, _RUN, ""):
            with suppress(FileNotFoundError):
                return name, files.info(_join(path, name))
    else:
        with suppress(FileNotFoundError):
            found = {PurePosixPath(about["name"].rstrip("/")).name: about for about in files.ls(path, detail=True)}
            marker = next((name for name in (*MARKERS, _RUN) if name in found), "")
            about = found.get(marker) or files.info(path)
            listed = {"created": str([_state(found[name]) for name in sorted(found)])}  # where no file stands for all
            return marker, about | (listed if marker in (_RUN, "") else {})
    raise NotFound(f"There is nothing at {address}. Try to check the address.")


def _key(address: str, marker: str, about: dict[str, Any]) -> tuple[str, str, str]:
    """What a copy is of, and of which state of that."""
    return address, repr(sorted(storage().items())), _told(marker, about)


def _told(marker: str, about: dict[str, Any]) -> str:
    return f"{marker} {_state(about)}"


def _state(about: dict[str, Any]) -> list[Any]:
    return [
        about.get(key) for key in ("name", "size", "ETag", "LastModified", "mtime", "created", "md5Hash", "etag", "CRC")
    ]


def _on_web(files: Any) -> bool:
    return "http" in str(files.protocol)


def _fill(files: Any, path: str, place: Path, address: str, marker: str, about: dict[str, Any]) -> None:
    if marker == _RUN:
        _fill_run(files, path, place, address)
    elif marker:
        _fill_zarr(files, path, place, address, marker)
    elif about.get("type") == "directory":
        _copy_all(files, path, place, files.find(path, detail=True))
    else:
        _copy_files(files, place.parent, {place.name: about, **_beside(files, path, place.name)}, place)


def _fill_zarr(files: Any, path: str, place: Path, address: str, marker: str) -> None:
    """The metadata of a root, and where its chunks lie."""
    place.mkdir(parents=True)
    for name in (marker,) if marker == MARKERS[0] else _METADATA:
        with suppress(FileNotFoundError):
            _copy(files, files.info(_join(path, name)), place / name, MOST_METADATA)
    _remotes[place] = Remote(address, storage())


def _fill_run(files: Any, path: str, place: Path, address: str) -> None:
    """All of a run but what lies in its Zarr groups."""
    small: dict[str, Any] = {}
    groups = []
    waiting = [""]
    while waiting:
        below = waiting.pop()
        for about in files.ls(_join(path, below), detail=True):
            name = PurePosixPath(about["name"].rstrip("/")).name
            inside = f"{below}/{name}".lstrip("/")
            if about["type"] != "directory":
                small[inside] = about
            elif (name.endswith(".zarr") and name != _OVERVIEWS) or below.endswith(_OVERVIEWS):
                groups.append(inside)
            else:
                waiting.append(inside)
    place.mkdir(parents=True)
    _copy_files(files, place, small)
    for inside in groups:
        _fill_zarr(files, _join(path, inside), place / _checked(inside), child(address, inside), MARKERS[0])


def _beside(files: Any, path: str, name: str) -> dict[str, Any]:
    """Files that lie beside one under its name, by name: header, data, references, truth."""
    stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix.lower()
    if suffix and suffix not in _PAIRED:
        return {}
    parent = path[: -len(PurePosixPath(path).name) - 1]
    found = {}
    try:
        listed = files.ls(parent, detail=True)
    except (OSError, ValueError, NotImplementedError):
        return {}
    for about in listed:
        other = PurePosixPath(about["name"]).name
        begins = other == stem or other.startswith((f"{stem}.", f"{stem}_gt.", f"WHITEREF_{stem}", f"DARKREF_{stem}"))
        if (
            about["type"] == "file"
            and other != name
            and begins
            and PurePosixPath(other).suffix.lower() in ("", *_PAIRED)
        ):
            found[_plain(other)] = about
    return found


def _copy_all(files: Any, path: str, place: Path, listed: dict[str, Any]) -> None:
    if not listed:
        raise NotFound(f"There is nothing at {place}. Try to check the address.")
    base = str(files._strip_protocol(path)).rstrip("/")
    _copy_files(files, place, {name[len(base) :].lstrip("/"): about for name, about in listed.items()})


def _copy_files(files: Any, place: Path, wanted: dict[str, Any], what: Path | None = None) -> None:
    """Copy files to their places in a folder, if all of them fit. what : that is named if not (default: the folder)"""
    place.mkdir(parents=True, exist_ok=True)
    _check_room(sum(about.get("size") or 0 for about in wanted.values()), place, what or place)
    for inside, about in wanted.items():
        target = place / _checked(inside)
        target.parent.mkdir(parents=True, exist_ok=True)
        size = about.get("size")
        _copy(files, about, target, UNKNOWN if size is None else size)


def _copy(files: Any, about: dict[str, Any], target: Path, most: int) -> None:
    """Copy a file. Raises ReadError if it is larger than `most` bytes."""
    from fsspec.callbacks import Callback

    class Counted(Callback):
        """Ends a copy that becomes larger than it said."""

        def relative_update(self, inc: int = 1) -> None:
            super().relative_update(inc)
            if self.value > most:
                raise ReadError(f"{target} has more than {most:,} bytes, which is not believed.")

    files.get_file(about["name"], str(target), callback=Counted())
    if target.stat().st_size > most:
        raise ReadError(f"{target} has more than {most:,} bytes, which is not believed.")


def _check_room(size: int, place: Path, what: Path) -> None:
    free = shutil.disk_usage(place).free - SPARE
    if size > free:
        raise ReadError(
            f"{what} has {size / 2**30:.1f} GiB, and a copy of it does not fit on the disk of temporary files (there is room "
            f"for {max(free, 0) / 2**30:.1f} GiB). Try another one with TMPDIR=FOLDER, or spaxel convert where the file lies: "
            "of Zarr only what is needed is read."
        )


def _checked(inside: str) -> Path:
    """A key as a path in a folder. Raises ReadError if it would lead out of it."""
    parts = inside.split("/")
    if any(part in ("", ".", "..") or re.search(r"[\\:\x00-\x1f]", part) for part in parts):
        raise ReadError(f"{inside!r} is no name of a file on this computer. Try to rename it.")
    return Path(*parts)


def _plain(name: str) -> str:
    """A name that is one on this computer."""
    plain = re.sub(r"[\\/:\x00-\x1f]", "-", name)[:200]
    return plain if plain.strip(".") else "data"


def _join(path: str, name: str) -> str:
    return f"{path.rstrip('/')}/{name}" if name else path
