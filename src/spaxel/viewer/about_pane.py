"""What this is, what is missing, and the command that goes on from here."""

from __future__ import annotations

import shlex
from typing import Any

import numpy as np

from spaxel.cube import axis_label
from spaxel.cube.pixels import pixel_words
from spaxel.results.convention import sentences
from spaxel.viewer.look import Looks, styled, words
from spaxel.viewer.state import State


def about_pane(state: State, looks: Looks) -> Any:
    """Facts in plain sentences, and a button that shows the command: to segment a file, to cut or report a run."""
    from bokeh.models import Button, Column

    facts = words(facts_of(state), sizing_mode="stretch_width", name="facts", styles={"white-space": "pre-line"})
    command = words(
        "", sizing_mode="stretch_width", name="command", styles={"white-space": "pre-wrap", "font-family": "monospace"}
    )
    label = "segment" if state.result is None else "the command"
    button = styled(Button(label=label, width=120, name="segment"))
    button.on_click(lambda: command.update(text=command_of(state)))

    def renew() -> None:
        facts.text, command.text = facts_of(state), ""

    state.on("scene", renew)
    state.on("result", renew)
    return Column(facts, button, command, sizing_mode="stretch_both", spacing=8)


def facts_of(state: State) -> str:
    """What is known, one sentence a line."""
    from spaxel.errors import printable

    scene, data = state.scene, state.scene.data
    axis = np.asarray(data["channel"], float) if "channel" in data.coords else np.zeros(0)
    lines = [f"Source: {data.attrs.get('source') or scene.path or 'in memory'}"]
    if len(axis):
        lines.append(f"Axis: {axis_label(data)}, {axis[0]:.5g} to {axis[-1]:.5g}, {len(axis):,} channels.")
    if pixel := pixel_words(data.attrs):
        lines.append(f"A pixel is {pixel}.")
    if scene.missing:
        lines.append(f"Missing: {scene.missing}")
    if state.result is not None and (sentence := state.result.attrs.get("sentence")):
        lines.append(str(sentence))
    lines += [f"Guessed: {text}" for text in sentences(data.attrs, "guesses")]
    lines += [f"Done: {text}" for text in sentences(data.attrs, "history")]
    return "\n".join(printable(line) for line in lines)


def command_of(state: State) -> str:
    """The command that goes on from here: segment a file, or what made the run."""
    from spaxel.errors import printable

    scene = state.scene
    if state.result is None:
        source = str(scene.path or scene.data.attrs.get("source") or "FILE")
        return printable(shlex.join(["spaxel", "segment", source, "-o", f"runs/{(scene.name.split('.')[0] or 'run')}"]))
    return printable(str(state.run.get("command") or "This result was made in Python."))
