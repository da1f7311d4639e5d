"""A zip with a file of spectra in it: unpacked, up to a limit, into a temporary folder that goes when the program ends."""

from __future__ import annotations

import inspect
import tempfile
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from spaxel.cube import note, note_guess
from spaxel.errors import GuessWarning, NotFound, ParameterError, ReadError, SpaxelError
from spaxel.readers.parts.lazy import FOREIGN
from spaxel.readers.parts.reader import HEAD, Format, Reader
from spaxel.readers.registry import readers
from spaxel.store.temporary import new_home

MOST_BYTES, MOST_FILES = 2 * 2**30, 10_000  # unpacked; a larger archive is for its owner to unpack
MOST_TRIED = 20  # files of an archive that are opened to see which is meant
_OFFICE = ("[Content_Types].xml", "mimetype")  # spreadsheets and letters are zips too
_unpacked: dict[tuple[str, int, int], tempfile.TemporaryDirectory[str]] = {}


def open_archive(
    path: str | Path,
    *,
    dataset: str | None = None,
    channel_axis: int | None = None,
    channel: str | Sequence[float] | None = None,
    units: str | None = None,
    index: str | None = None,
) -> xr.Dataset:
    """The cube in the only file of a zip that can be opened, or in the one with most spectra, aloud.

    dataset : the file inside that is meant, or "file:part" with what its own reader takes as dataset
    channel_axis, channel, units, index : given to the reader of that file
    At most 2 GiB are unpacked, into a temporary folder of this program. Raises ReadError for more, for a damaged or
    protected archive, and if nothing in it opens (the message says why); NotFound if `dataset` is not in it.
    """
    path = Path(path)
    folder = _unpack(path)
    held = {str(place.relative_to(folder)): (place, reader) for place, reader in _known(folder)}
    options = {"channel_axis": channel_axis, "channel": channel, "units": units, "index": index}
    options = {name: value for name, value in options.items() if value is not None}
    if dataset is not None:
        name, part = _split(path, held, str(dataset))
        return _open(*held[name], options | ({"dataset": part} if part else {}))
    return _best(path, held, options)


def _best(path: Path, held: dict[str, tuple[Path, Reader]], options: dict[str, Any]) -> xr.Dataset:
    """The cube with most numbers of all that open; what was not taken is said."""
    opened: dict[str, xr.Dataset] = {}
    failed: dict[str, str] = {}
    for name in list(held)[:MOST_TRIED]:
        if any(Path(name).with_suffix("") == Path(other).with_suffix("") for other in opened):
            continue  # the other half of a pair, as .img beside .hdr
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", GuessWarning)  # those of the file that is taken are said below
                opened[name] = _open(*held[name], options)
        except (SpaxelError, *FOREIGN) as error:
            failed[name] = str(error)
    if not opened:
        why = "; ".join(f"{name}: {words}" for name, words in list(failed.items())[:3]) or "no file that a reader knows"
        raise ReadError(f"{path} is a zip in which nothing opens ({why}). Try to unpack it, and one of its files.")
    name = max(opened, key=lambda each: (opened[each]["spectra"].size, each))
    for sentence in opened[name].attrs["guesses"]:
        warnings.warn(sentence, GuessWarning, stacklevel=3)
    if len(opened) == 1 and not failed:
        return note(opened[name], f"{name} in {path.name}")
    others = ", ".join([*(other for other in opened if other != name), *(f"{n} (does not open)" for n in failed)])
    return note_guess(
        opened[name], f"{path.name} holds several files; took {name}, and not {others}. Option dataset decides."
    )


def _open(place: Path, reader: Reader, options: dict[str, Any]) -> xr.Dataset:
    known = inspect.signature(reader.open).parameters
    if wrong := [name for name in options if name not in known]:
        raise ParameterError(f"The reader {reader.name!r} of {place.name} has no option {', '.join(wrong)}.")
    return reader.open(place, **options)


def _split(path: Path, held: dict[str, tuple[Path, Reader]], wanted: str) -> tuple[str, str]:
    """(file inside, part of it) of the option dataset."""
    for name in held:
        for called in (name, Path(name).name):
            if wanted == called or wanted.startswith(f"{called}:"):
                return name, wanted[len(called) + 1 :]
    raise NotFound(f"{path} holds no file {wanted!r} that opens. It holds: {', '.join(held) or 'none'}.")


def _unpack(path: Path) -> Path:
    """The folder with the files of an archive; the same one as long as the archive stays as it is."""
    status = path.stat()
    key = (str(path.resolve()), status.st_mtime_ns, status.st_size)
    if key not in _unpacked:
        try:
            with zipfile.ZipFile(path) as archive:
                _check(path, archive)
                folder = new_home()
                archive.extractall(folder.name)
        except (*FOREIGN, NotImplementedError) as error:
            if isinstance(error, SpaxelError):
                raise
            raise ReadError(f"{path} cannot be unpacked: {error}. Is it complete, and without a password?") from error
        _unpacked[key] = folder
    return Path(_unpacked[key].name)


def _check(path: Path, archive: zipfile.ZipFile) -> None:
    infos = archive.infolist()
    if any(info.filename in _OFFICE for info in infos):
        raise ReadError(f"{path} is a spreadsheet or a document. Try to save the table as CSV.")
    size = sum(info.file_size for info in infos)
    if size > MOST_BYTES or len(infos) > MOST_FILES:
        raise ReadError(
            f"{path} is a zip of {len(infos)} files, {size / 2**30:.1f} GiB, and spaxel unpacks at most {MOST_FILES:,} and "
            f"{MOST_BYTES / 2**30:.0f} GiB. Try to unpack it, and to open one of its files."
        )


def _known(folder: Path) -> Iterator[tuple[Path, Reader]]:
    """All files and folders of spectra below a folder, with their readers; archives within are left alone."""
    for place in sorted(folder.iterdir()):
        if place.name.startswith((".", "__MACOSX")):
            continue
        found = _reader_of(place)
        if found is not None and found.name != reader.name:
            yield place, found
        elif place.is_dir():
            yield from _known(place)


def _reader_of(place: Path) -> Reader | None:
    head = b""
    if place.is_file():
        with place.open("rb") as file:
            head = file.read(HEAD)
    return next((each for each in readers().values() if each.sniff(place, head)), None)


def _sniff(path: Path, head: bytes) -> bool:
    return head.startswith(b"PK\3\4")


reader = Reader(
    "archive",
    "a zip with a file of spectra in it",
    (".zip",),
    _sniff,
    open_archive,
    formats=(Format("zip with one of these in it", ".zip", "once unpacked (up to 2 GiB)", "that file", "that file"),),
)
