"""Granularity and changes by hand: slider, table, tree; merge, split, name, colour, background; undo, redo, save as."""

from __future__ import annotations

from typing import Any

from spaxel.errors import ParameterError, printable
from spaxel.figures.palette import BACKGROUND
from spaxel.results.convention import given_names, is_background
from spaxel.results.cut import components_of
from spaxel.results.editing import Move
from spaxel.viewer.component_table import ComponentTable
from spaxel.viewer.edits import Edits, tried
from spaxel.viewer.look import Looks, styled, words
from spaxel.viewer.state import State
from spaxel.viewer.tree_plot import TreePlot


def edit_pane(state: State, looks: Looks) -> Any:
    """The pane, or None where no scene has a result."""
    if all(scene.result is None for scene in state.scenes):
        return None
    return EditPane(state, looks).layout


class EditPane:
    """Widgets of the pane and what they do. All changes go through `Edits`, so that they are undone and repeated alike."""

    def __init__(self, state: State, looks: Looks):
        from bokeh.models import Column, Row

        self.state, self.edits, self.quiet = state, Edits(state), False
        self.error = words(" ", sizing_mode="stretch_width", name="edit error")
        self.table = ComponentTable(state, self._picked)
        self.tree = TreePlot(state, looks, self.table.pick)
        self._widgets()
        self.command = words("", sizing_mode="stretch_width", name="edit command",
                             styles={"white-space": "pre-wrap", "font-family": "monospace"})  # fmt: skip
        wrap = {"flex-wrap": "wrap"}
        for widget in (self.undo, self.redo, self.merge, self.split, self.background, self.rename, self.save):
            widget.align = "end"
        self.layout = Column(
            Row(self.level, self.undo, self.redo, spacing=6, styles=wrap),
            self.table.widget,
            Row(self.which, self.merge, self.split, self.background, spacing=6, styles=wrap),
            Row(self.name, self.rename, self.color, self.cut_name, self.save, spacing=6, styles=wrap),
            self.error,
            self.command,
            self.saved,
            self.tree.plot,
            sizing_mode="stretch_both", spacing=2,
        )  # fmt: skip
        state.on("scene", self.renew)
        state.on("result", self.renew)
        self.renew()

    def _widgets(self) -> None:
        from bokeh.models import Button, ColorPicker, Slider, TextInput

        def button(label: str, name: str, call: Any, width: int = 76) -> Any:
            made = styled(Button(label=label, name=name, width=width))
            made.on_click(call)
            return made

        self.level = styled(Slider(title="components", start=1, end=24, value=2, step=1, width=240, name="level"))
        self.level.on_change("value_throttled", lambda _a, _o, new: self._do(Move("level", value=int(new))))
        self.undo = button("undo", "undo", lambda: self._try(self.edits.undo), 62)
        self.redo = button("redo", "redo", lambda: self._try(self.edits.redo), 62)
        self.which = styled(TextInput(title="selected (numbers, as 3, 7)", width=180, name="which"))
        self.which.on_change("value", self._typed)
        self.merge = button("merge", "merge", lambda: self._change("merge", 2))
        self.split = button("split", "split", lambda: self._change("split", 1, most=1))
        self.background = button("background", "background", self._mark, 96)
        self.name = styled(TextInput(title="name", width=140, name="component name"))
        self.rename = button("rename", "rename", lambda: self._change("name", 1, most=1, value=self.name.value or ""))
        self.color = styled(ColorPicker(title="colour", color=BACKGROUND, width=60, name="component color"))
        self.color.on_change("color", lambda _a, _o, new: self._paint(str(new)))
        self.cut_name = styled(TextInput(title="name of the cut", width=140, name="cut name"))
        self.cut_name.on_change("value_input", lambda _a, _o, _n: self._say_command())
        self.save = button("save as", "save as", self._save, 80)
        self.saved = words(" ", faint=True, sizing_mode="stretch_width", name="saved")

    def renew(self) -> None:
        """What stands now: table, tree, slider, command."""
        result, history = self.state.result, self.edits.history if self.state.scene.result is not None else None
        self.quiet = True
        cuttable = result is not None and "merge_tree" in result
        if cuttable and result is not None:
            self.level.update(end=max(int(result.sizes["micro"]), 2), value=components_of(result).level)
        self.level.visible = self.split.visible = self.merge.visible = self.tree.plot.visible = cuttable
        self.undo.disabled = history is None or not history.moves
        self.redo.disabled = history is None or not history.undone
        self.quiet = False
        self.table.renew()
        self.tree.renew()
        self._say_command()

    def _say_command(self) -> None:
        if self.state.scene.result is None:
            self.command.text = self.saved.text = ""
            return
        name = (self.cut_name.value_input or self.cut_name.value or "").strip()
        self.command.text = printable(self.edits.command(name))
        why, kept = self.edits.why_not(), self.edits.names_of_cuts()
        self.save.disabled = bool(why)
        self.saved.text = (
            printable(" ".join(filter(None, (why, f"Kept cuts: {', '.join(kept)}." if kept else "")))) or " "
        )

    def _picked(self, picked: list[int]) -> None:
        self.quiet = True
        self.which.value = ", ".join(map(str, picked))
        self.merge.disabled, self.split.disabled = len(picked) < 2, len(picked) != 1
        self.rename.disabled, self.background.disabled = len(picked) != 1, not picked
        result = self.state.result
        if len(picked) == 1 and result is not None:
            self.name.value = given_names(result)[picked[0]]
            self.color.color = self.state.colors[picked[0]]
        self.quiet = False

    def _typed(self, _attr: str, _old: Any, new: str) -> None:
        """Select what was typed, for the keyboard."""
        if self.quiet or self.state.result is None:
            return
        k = self.state.result.sizes["component"]
        parts = new.replace(",", " ").split()
        if all(part.isdecimal() and int(part) < k for part in parts):
            self.error.text = " "
            self.table.pick([int(part) for part in parts])
        else:
            self.error.text = f"Components have numbers from 0 to {k - 1}."

    def _change(self, verb: Any, least: int, most: int = 10**6, value: Any = None) -> None:
        picked = self.table.picked
        if not least <= len(picked) <= most:
            wanted = "one component" if most == 1 else f"at least {least} components"
            self.error.text = f"To {'rename' if verb == 'name' else verb}, select {wanted} in the table."
            return
        self._do(Move(verb, tuple(picked), value))

    def _mark(self) -> None:
        """Mark what is selected as background; take that back where all of it is."""
        picked, result = self.table.picked, self.state.result
        if picked and result is not None:
            self._do(Move("background", tuple(picked), not is_background(result)[picked].all()))

    def _paint(self, color: str) -> None:
        picked = self.table.picked
        if not self.quiet and len(picked) == 1 and color.upper() != self.state.colors[picked[0]].upper():
            self._do(Move("color", tuple(picked), color))

    def _do(self, move: Move) -> None:
        if not self.quiet:
            self._try(lambda: self.edits.do(move))

    def _try(self, call: Any) -> Any:
        found = tried(call, lambda text: self.error.update(text=printable(text) or " "))
        if self.error.text.strip():
            self.renew()  # the slider goes back to what stands
        return found

    def _save(self) -> None:
        name = (self.cut_name.value or "").strip()

        def keep() -> Any:
            if not name:
                raise ParameterError("A cut needs a name. Try a word, as lesions.")
            return self.edits.save(name)

        folder = self._try(keep)
        if folder is not None:
            self._say_command()
            self.saved.text = printable(f"Saved in {folder}. {self.saved.text}")
