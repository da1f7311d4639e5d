"""Where exported files go: all are written in a hidden folder first, and take their places when every one is whole."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from spaxel import __version__
from spaxel.errors import Exists
from spaxel.store.pieces import Pieces
from spaxel.store.places import is_plain
from spaxel.store.unfinished import advised
from spaxel.store.writing import replacing

ABOUT, FORMAT = "export.json", "spaxel-export"


@contextmanager
def folder_to_fill(
    path: Path, about: dict[str, Any], key: Callable[[], dict[str, Any]], *, overwrite: bool, resume: bool = False
) -> Iterator[tuple[Path, Pieces]]:
    """A folder to fill, whose files take their places in the folder `path` when the block ends well, and what is finished.

    A folder that an export made is added to: what else lies in it stays. Without `overwrite`, Exists is raised if a file of
    the same name is there; with it, these are replaced. about : what export.json says. Raises Exists for a folder of strangers.
    key, resume : as of spaxel.store.pieces; a piece is known by the names of its files
    """
    old = path.resolve() if is_export(path) else None
    with (
        replacing(path, overwrite=overwrite or old is not None, owned=is_export, resume=resume) as beside,
        advised(beside),
    ):
        pieces, fresh = Pieces(beside, key, resume=resume), beside / ".new"
        fresh.mkdir(parents=True, exist_ok=True)
        _put_back(beside, fresh, {Path(name) for names in pieces.done.values() for name in names})
        yield fresh, pieces
        new = [file.relative_to(fresh) for file in sorted(fresh.rglob("*")) if file.is_file()]
        if old is not None:
            there = [file for file in new if (old / file).exists()]
            if there and not overwrite:
                raise Exists(f"{path / there[0]} exists already. Try another name, or overwrite.")
            _keep(old, beside, set(new))
        for file in new:
            _move(file, fresh, beside)
        shutil.rmtree(fresh)
        text = json.dumps({"format": FORMAT, "spaxel_version": __version__, **about}, indent=1, ensure_ascii=False)
        (beside / ABOUT).write_text(text + "\n", "utf-8")


def _move(file: Path, source: Path, target: Path) -> None:
    (target / file).parent.mkdir(parents=True, exist_ok=True)
    os.replace(source / file, target / file)


def _put_back(beside: Path, fresh: Path, finished: set[Path]) -> None:
    """Of an export that was interrupted: the files that are finished lie in `fresh`, and nothing else is there."""
    for file in finished:
        if not (fresh / file).exists() and (beside / file).exists():  # it was interrupted while they took their places
            _move(file, beside, fresh)
    for file in [*beside.rglob("*")]:
        inside = file.relative_to(fresh if file.is_relative_to(fresh) else beside)
        if not file.is_dir() and not (file.is_relative_to(fresh) and inside in finished):
            file.unlink()


def is_export(path: Path) -> bool:
    """Whether a folder was made by an export."""
    try:
        return json.loads((path / ABOUT).read_text("utf-8")).get("format") == FORMAT
    except (OSError, ValueError, AttributeError):
        return False


def _keep(old: Path, beside: Path, replaced: set[Path]) -> None:
    """What lies in the old folder, but for what is replaced, in the new one too: linked where the disk can, else copied."""
    for file in old.rglob("*"):
        inside = file.relative_to(old)
        if file.is_dir() or inside in replaced or inside == Path(ABOUT):
            continue
        (beside / inside).parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file, beside / inside, follow_symlinks=False)
        except OSError:
            shutil.copy2(file, beside / inside, follow_symlinks=False)


@contextmanager
def files_to_fill(path: Path, main: str, *, overwrite: bool) -> Iterator[Path]:
    """An empty folder to fill, whose files are put beside `path` when the block ends well, their stem `main` as that of `path`.

    main : stem of the main file in the folder, as labels of labels.tif, labels.tif.aux.xml and labels.qml
    Raises Exists before the block if `path` is there and `overwrite` is not given; after it if another one of them is.
    """
    with replacing(path, overwrite=overwrite, owned=Path.is_file) as beside:
        fresh = beside.with_name(beside.name + ".files")
        fresh.mkdir()
        try:
            yield fresh
            _put(fresh, path, beside, main, overwrite=overwrite)
        finally:
            shutil.rmtree(fresh)


def _put(fresh: Path, path: Path, beside: Path, main: str, *, overwrite: bool) -> None:
    with ExitStack() as places:
        for file in sorted(fresh.iterdir()):
            name = path.stem + file.name.removeprefix(main) if file.name.startswith(main) else file.name
            if name == path.name:
                os.replace(file, beside)
                continue
            place = path.with_name(name)
            os.replace(file, places.enter_context(replacing(place, overwrite=overwrite, owned=Path.is_file)))


def file_name(name: str) -> str:
    """A name of a cube as a name of a file on every system."""
    plain = re.sub(r'[\\/:*?"<>|\x00-\x1f\x7f]', "-", name).strip(" .") or "cube"
    return plain if is_plain(plain) else f"{plain}-"
