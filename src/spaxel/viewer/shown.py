"""`spaxel.view`: the viewer from Python: in a notebook, in an interactive session, in a script."""

from __future__ import annotations

import sys
import threading
import webbrowser
from html import escape
from typing import Any

from spaxel.errors import ParameterError
from spaxel.viewer.scene import open_scenes
from spaxel.viewer.server import Viewer

HEIGHT = 760  # pixels of the frame in a notebook


class Shown:
    """A viewer that runs beside the session: `url`, `stop()`; in a notebook it shows itself in a frame."""

    def __init__(self, viewer: Viewer, thread: threading.Thread):
        self._viewer, self._thread, self.url = viewer, thread, viewer.url

    def stop(self) -> None:
        """End it. Nothing happens if it has ended already."""
        self._viewer.stop()
        self._thread.join(timeout=5)

    def wait(self) -> None:
        """Until it ends: by `stop`, by an interruption, or because its last window was closed for a minute."""
        try:
            while self._thread.is_alive():
                self._thread.join(0.5)
        except KeyboardInterrupt:
            self.stop()

    def __repr__(self) -> str:
        return f"spaxel viewer at {self.url}"

    def _repr_html_(self) -> str:
        size = f"width: 100%; height: {HEIGHT}px; border: 0"
        return f'<iframe src="{escape(self.url)}" style="{size}" title="spaxel viewer"></iframe>'


def view(
    thing: Any, *more: Any, cube: Any = None, editable: bool = False, port: int = 0, browser: bool | None = None,
    block: bool | None = None, **options: Any,
) -> Shown:  # fmt: skip
    """Look at a run, a result, a cube or a file in the browser, or in the notebook: maps, spectra, regions.

    thing, more : a run folder, a file of any size that open_cube reads, a result, a cube or an array; several side by side
    cube        : the cube of a run or result (or its file), where it is not found at its recorded place
    editable    : whether edits may be saved beside a run        port : of this computer; 0 takes any that is free
    browser     : open the browser; if not said: outside notebooks, where the call blocks or a person types
    block       : wait until the viewer ends; if not said: in scripts, whose end would be that of the viewer
    options     : of open_cube
    returns     : the viewer, with `url` and `stop()`. In a notebook it shows itself, in a frame; nothing else must be started
    The server is bound to this computer, and answers only who knows its address, which holds a random token. In a notebook on
    another computer the frame stays empty: forward its port, or use spaxel.plot.
    Raises what open_cube and read_run raise, ParameterError for a port that is in use.

    >>> import spaxel
    >>> shown = spaxel.view(spaxel.simulate("maxrf", height=24, width=24, channels=64), browser=False, block=False)
    >>> shown.url.startswith("http://127.0.0.1:")
    True
    >>> shown.stop()
    """
    scenes = open_scenes([thing, *more], cube, **options)
    notebook, typed = _in_notebook(), _typed()
    shown = started(scenes, editable=editable, port=port, patience=None if notebook or typed else 60.0)
    if browser if browser is not None else not notebook:
        webbrowser.open(shown.url)
    if block if block is not None else not (notebook or typed):
        shown.wait()
    return shown


def started(scenes: Any, **options: Any) -> Shown:
    """A viewer in a thread of its own, listening. options : of Viewer"""
    ready = threading.Event()
    made: list[Any] = []

    def work() -> None:
        import asyncio

        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            made.append(Viewer(scenes, **options))
        except ParameterError as error:
            made.append(error)
            loop.close()
            return
        finally:
            if made and not isinstance(made[0], Viewer):
                ready.set()
        made[0].serve(started=ready.set)
        made[0].loop.close()

    thread = threading.Thread(target=work, daemon=True, name="spaxel viewer")
    thread.start()
    while not ready.wait(0.2) and thread.is_alive():
        pass
    if not made:
        raise ParameterError("The viewer could not be started. Try spaxel view in a terminal.")
    if isinstance(made[0], ParameterError):
        raise made[0]
    return Shown(made[0], thread)


def _in_notebook() -> bool:
    """Whether this runs in a kernel of Jupyter."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"


def _typed() -> bool:
    """Whether a person types: in Python's prompt or IPython."""
    ipython = sys.modules.get("IPython")
    return hasattr(sys, "ps1") or bool(sys.flags.interactive) or bool(ipython and ipython.get_ipython())
