"""What people change in one window: a history for each run, undone and done again; kept as a named cut if that is allowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import xarray as xr

from spaxel.errors import ParameterError, SpaxelError
from spaxel.results.cut import planned
from spaxel.results.editing import Edit, History, Move, apply, command, done, edit_of, redone, undone
from spaxel.results.regrouping import regrouped_lazily
from spaxel.store.cuts import cuts_home, list_cuts
from spaxel.viewer.state import State

EAGER = 4_000_000  # pixels up to which labels and confidence are made at once


class Edits:
    """The changes of one window. Cubes of one run are changed together: each is brought up to date when it is shown."""

    def __init__(self, state: State):
        self._state = state
        self._histories: dict[Any, History] = {}
        self._shown: dict[int, History] = {}
        state.on("scene", self._follow)

    @property
    def history(self) -> History:
        """What was done to the components that are shown."""
        return self._histories.get(self._key(), History())

    @property
    def result(self) -> xr.Dataset:
        """The result as it is on the disk (or was given), before all changes. Raises ParameterError if there is none."""
        found = self._state.scene.result
        if found is None:
            raise ParameterError("There is no result to change: this is a file. Try spaxel segment first.")
        return found

    def do(self, move: Move) -> None:
        """Make a move and show what comes of it. Raises ParameterError for one that makes no sense; then nothing changes."""
        self._show(done(self.history, move))

    def undo(self) -> None:
        """Take the last move back."""
        self._show(undone(self.history))

    def redo(self) -> None:
        """Do again what was taken back last."""
        self._show(redone(self.history))

    def edit(self) -> Edit:
        """What stands, as options of one cut."""
        return edit_of(self.result, self.history)

    def command(self, save_as: str = "") -> str:
        """The command that repeats what stands; "" for a result that is in no run."""
        return "" if self._run() is None else command(self._run() or "", self.edit(), save_as)

    def why_not(self) -> str:
        """Why what stands cannot be kept, and what to try; "" if it can."""
        if self._run() is None:
            return "This result is in no run, so nothing is saved. Use the options in spaxel.cut."
        return (
            "" if self._state.editable else "Nothing is written. To save a cut: spaxel view RUN --edit, or the command."
        )

    def save(self, name: str, *, overwrite: bool = False) -> Path:
        """Keep what stands under a name beside the run. Raises ParameterError where that is not allowed, Exists."""
        from spaxel.workflow.recut import keep_cut  # here: it brings the report, for which no window waits

        run = self._run()
        if run is None or not self._state.editable:
            raise ParameterError(self.why_not())
        edit = self.edit()
        typed = command(run, edit, name)
        return keep_cut(run, name, edit.level, overwrite=overwrite, command=typed, **edit.changes._asdict())

    def names_of_cuts(self) -> list[str]:
        """The cuts that are kept beside this run."""
        run = self._run()
        return [] if run is None else list_cuts(run)

    def _run(self) -> Path | None:
        """The folder that keeps the cuts of what is shown."""
        path = self._state.scene.path
        return None if path is None or self._state.scene.result is None else cuts_home(path)

    def _key(self) -> Any:
        return self._run() or self._state.at

    def _show(self, history: History) -> None:
        after = self._applied(history)
        self._histories[self._key()] = self._shown[self._state.at] = history
        self._state.show(after)

    def _applied(self, history: History) -> xr.Dataset:
        result, (rows, columns) = self.result, self._state.scene.shape
        if not history.moves:
            return result
        if rows * columns <= EAGER:
            return apply(self._loaded(), history)
        edit = edit_of(result, history)
        return regrouped_lazily(result, *planned(result, edit.level, edit.changes))

    def _loaded(self) -> xr.Dataset:
        """The result in memory, once for all windows: what is changed is looked at again and again."""
        kept = self._state.scene.kept
        if "loaded" not in kept:
            kept["loaded"] = self.result.load()
        return kept["loaded"]

    def _follow(self) -> None:
        """Bring another cube of a changed run up to date."""
        if self._state.scene.result is not None and self._shown.get(self._state.at, History()) != self.history:
            self._show(self.history)


def tried(call: Callable[[], Any], say: Callable[[str], Any]) -> Any:
    """What a call gives, None where it is refused; `say` is told why ("" where it is not)."""
    try:
        found = call()
    except SpaxelError as error:
        say(str(error))
        return None
    say("")
    return found
