"""spaxel view: runs and files in the browser."""

from __future__ import annotations

import signal
import webbrowser
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from spaxel.commands.console import say
from spaxel.commands.options import Memory, Reading, parse_memory
from spaxel.errors import ParameterError


def view(
    *runs: Annotated[Path, Parameter(help="runs, or files of any size that spaxel reads")],
    cube: Annotated[Path | None, Parameter(help="the cube of a run, where it is not at its recorded place")] = None,
    edit: Annotated[bool, Parameter(negative="", help="let edits be saved beside the run, as named cuts")] = False,
    port: Annotated[
        int, Parameter(validator=Number(gte=0, lte=65535), help="of this computer; 0 is any that is free")
    ] = 0,
    browser: Annotated[bool, Parameter(help="open the browser (--no-browser: only print the address)")] = True,
    memory: Memory = "1GiB",
    reading: Reading | None = None,
) -> None:
    """Look at runs or files in the browser: maps, spectra of pixels and regions. Ctrl-C, or closing the window, ends it."""
    from spaxel.store.addresses import address_of
    from spaxel.viewer.scene import open_scenes
    from spaxel.viewer.server import Viewer

    if not runs:
        raise ParameterError("There is nothing to look at. Try spaxel view RUN, or spaxel view FILE.")
    if edit and (there := next(filter(address_of, runs), None)):
        raise ParameterError(f"{there} is an address, where edits are not saved. Try without --edit, or a copy here.")
    scenes = open_scenes(runs, cube, memory=parse_memory(memory), **(reading or Reading()).options())
    viewer = Viewer(scenes, editable=edit, port=port)

    def started() -> None:
        say(f"viewer: {viewer.url}")
        say("Whoever has this address sees the data. It ends a minute after its last window was closed, or by Ctrl-C.")
        if browser:
            webbrowser.open(viewer.url)

    def stop(_number: int, _frame: Any) -> None:
        viewer.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        viewer.serve(started)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    say("viewer closed" if viewer.forsaken else "viewer stopped")
