"""Which pieces of a file or folder in the making are finished, so that --resume of `convert` and `export` makes the others.

Kept in the hidden folder as of a run (see spaxel.store.unfinished), with `scratch/pieces.json`: {name: what is known of it}. In
the first seconds nothing is kept, and then seldom: short commands cost nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from warnings import warn

from spaxel.cube import kept
from spaxel.store.exchange import settle
from spaxel.store.places import placed
from spaxel.store.unfinished import Unfinished

PIECES = "pieces.json"


class Pieces:
    """The pieces of what is made at a hidden path (of `replacing`).

    key    : what decides the bits of it, as JSON; asked late, as it may take a while. None: nothing is kept
    resume : go on with what was kept; a warning says if there is nothing. Raises ParameterError if that is of another command
    done   : {name: what is known}      resumed : whether there was something to go on with
    """

    def __init__(self, new: Path, key: Callable[[], dict[str, Any]] | None, *, resume: bool = False) -> None:
        self.done: dict[str, Any] = {}
        self._new, self._key, self._fresh = new, key, list[Path]()
        self._unfinished, self._held = Unfinished(new), False
        self._next = time.monotonic() + kept.EARLY
        self.resumed = resume and key is not None and self._unfinished.begin(key())
        if self.resumed:
            self.done = _read(self._unfinished.scratch / PIECES)
        elif resume:
            warn("There is nothing to resume from, so it begins anew.", UserWarning, stacklevel=2)

    def finished(self, name: str, known: Any, files: Iterable[Path]) -> None:
        """A piece is finished. files : of it, to be on the disk before this is said"""
        self.done[name] = known
        if self._key is None:
            return
        self._fresh += files
        if (now := time.monotonic()) < self._next:
            return
        scratch = self._unfinished.scratch
        for path in self._fresh if self._held or self.resumed else [self._new]:
            settle(path)
        scratch.mkdir(exist_ok=True)
        with placed(scratch, PIECES) as beside:
            beside.write_text(json.dumps(self.done), "utf-8")
            settle(beside)
        if not self._held:
            self._unfinished.keep(self._key())
        self._fresh, self._held = [], True
        self._next = time.monotonic() + max(kept.OFTEN, kept.SELDOM * (time.monotonic() - now))


def _read(file: Path) -> dict[str, Any]:
    """What is finished; nothing if that is damaged: then all is made again."""
    try:
        held = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return held if isinstance(held, dict) else {}
