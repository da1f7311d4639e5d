"""What is finished of a run while it is made, so that --resume goes on with it after a kill: lies in its hidden folder.

scratch/key.json      of which run it is: method, parameters, steps, inputs, versions; --resume is refused if any differs
scratch/model/        the fitted model
scratch/cubes/NAME.json   a cube of a series that is finished, and what run.json will say of it
scratch/maps/         the tiles of maps that are finished, see spaxel.cube.kept
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from warnings import warn

from spaxel.errors import ParameterError
from spaxel.store import owner
from spaxel.store.exchange import settle
from spaxel.store.places import placed

KEPT = "What is done is kept: go on with --resume."


class Unfinished:
    """What is finished of a run that is made in a folder (of `new_run`)."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.scratch, self._begun = folder, folder.parent / owner.SCRATCH, time.monotonic()

    def begin(self, key: dict[str, Any]) -> bool:
        """Whether there is something of this run to go on with. Raises ParameterError if it is of another run.

        key : what decides the bits of the run, as JSON holds it
        """
        file, key = self.scratch / owner.KEY, json.loads(json.dumps(key, default=str))
        if not file.is_file():
            return False
        held = json.loads(file.read_text("utf-8"))
        differ = [f"{name} is {_short(key.get(name))}, there {_short(held.get(name))}" for name in sorted({*key, *held})
                  if key.get(name) != held.get(name)]  # fmt: skip
        if differ:
            raise ParameterError(
                f"What was interrupted is another run: {'; '.join(differ)}. It is kept. Try the same command "
                "again, or without --resume."
            )
        return True

    def keep(self, key: dict[str, Any]) -> None:
        """From now on there is something to go on with: what lies in `scratch` is on the disk."""
        self.scratch.mkdir(exist_ok=True)
        settle(self.scratch)
        self._write(owner.KEY, json.loads(json.dumps(key, default=str)))
        owner.begun.setdefault(self.folder.parent, self._begun)

    def maps(self, name: str = "") -> Path:
        """The folder for the maps of a cube while they are made."""
        return self.scratch / "maps" / (name or "one")

    def cube(self, name: str) -> dict[str, Any] | None:
        """What was kept of a finished cube of a series, None if it is not finished; then what is there of it is removed."""
        file = self.scratch / "cubes" / f"{name}.json"
        if file.is_file():
            return json.loads(file.read_text("utf-8"))
        shutil.rmtree(self.folder / name, ignore_errors=True)
        return None

    def keep_cube(self, name: str, about: dict[str, Any]) -> None:
        """A cube of a series is finished; its maps in scratch go."""
        settle(self.folder / name)
        self._write(f"cubes/{name}.json", about)
        shutil.rmtree(self.maps(name), ignore_errors=True)

    def _write(self, name: str, value: dict[str, Any]) -> None:
        file = self.scratch / name
        file.parent.mkdir(exist_ok=True)
        with placed(file.parent, file.name) as beside:
            beside.write_text(json.dumps(value, default=str, ensure_ascii=False), "utf-8")
            settle(beside)


@contextmanager
def advised(folder: Path) -> Iterator[None]:
    """Inside, an error or an interruption says that what is done is kept, if it is."""

    def said() -> str:
        return KEPT if owner.worth(folder.parent) else ""

    with owner.advising(said):
        try:
            yield
        except KeyboardInterrupt as interruption:
            if said() and not str(interruption):
                interruption.args = (KEPT,)
            raise
        except ParameterError:
            raise  # nothing was done
        except Exception:
            if said():
                warn(KEPT, UserWarning, stacklevel=2)
            raise


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 200 else f"{text[:200]} …"
