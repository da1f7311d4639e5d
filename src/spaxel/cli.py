"""The command `spaxel`: verbs are loaded when they are called, so that `spaxel --help` is quick."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import re
import sys
import traceback
import warnings
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from cyclopts import App, Parameter
from cyclopts.exceptions import CycloptsError, UnknownOptionError

from spaxel import __version__
from spaxel.commands import ending, quick, storage, typed, warned
from spaxel.errors import GuessWarning, LayoutWarning, LostWarning, ParameterError, SpaxelError, called, printable

VERBS = {  # verb -> module of spaxel.commands, one line of help
    "segment": ("segment", "Which pixels are alike: a label map, mean spectra and a report, without labels."),
    "unmix": ("segment", "Which pure spectra are mixed, how many, and how much of each."),
    "predict": ("segment", "Apply the model of a run to another file; labels mean the same."),
    "cut": ("cutting", "Other components for a run, by level and by hand, without fitting again."),
    "score": ("runs", "How well a run agrees with a truth."),
    "compare": ("comparing", "How far two runs of one image agree, and where not, side by side."),
    "match": ("match", "Which spectra of a library are nearest to the components of a run, and whether any fits."),
    "export": ("export", "Write maps, spectra and tables for other programs: FITS, GeoTIFF, ENVI, HyperSpy …"),
    "report": ("runs", "Write the report of a run again."),
    "figure": ("figure", "A figure for a paper: map, legend, spectra and scale, as PNG, SVG or PDF."),
    "view": ("view", "Look at runs or files of any size in the browser."),
    "info": ("files", "What a file holds, and what a fit would cost."),
    "convert": ("files", "Write any file in the native layout (Zarr), which is quick to read by tiles."),
    "steps": ("corrections", "The corrections of spectra that --step takes, each with its options."),
    "simulate": ("files", "Write a simulated cube with known truth."),
    "train-metric": ("training", "Learn distances from simulated worlds of a field, for --method learned."),
    "demo": ("about", "Simulate a small painting, segment it, compare with the truth."),
    "doctor": ("about", "Versions, processors, readers, and what is missing."),
}
OF_METHODS = ("segment", "unmix")  # verbs whose options are those of the method that is named


def command_of(verb: str = "") -> App:
    """The command without the verb that is called. The others are only named: they are imported when they are called."""
    app = App(
        name="spaxel",
        version=__version__,
        help="Spectral datacubes to maps that people can read, without labels.",
        default_parameter=Parameter(json_list=False, json_dict=False, show_default=False),  # a file may be [1].npy
        suppress_keyboard_interrupt=False,
        help_epilogue=f"First steps: spaxel demo; spaxel info FILE; spaxel segment FILE --out RUN. {storage.HELP}",
    )
    for place, (name, (home, line)) in enumerate(VERBS.items()):
        if name != verb:
            app.command(f"spaxel.commands.{home}:{name.replace('-', '_')}", name=name, help=line, sort_key=place)
    return app


def run(arguments: list[str]) -> None:
    """Run a command line; for segment and unmix with the options of the method that it names."""
    arguments, options = storage.taken(arguments)
    if not options:
        return _run(arguments)
    from spaxel.store.addresses import using

    with using(options):
        return _run(arguments)


def _run(arguments: list[str]) -> None:
    verb = arguments[0] if arguments and arguments[0] in OF_METHODS else ""
    how: dict[str, Any] = {"exit_on_error": False, "print_error": False, "result_action": "return_value"}
    app = command_of(verb)
    if not verb:
        app(arguments, **how)
        return
    from spaxel.commands import segment
    from spaxel.commands.method_options import flags, named_method, refusal, with_values_joined
    from spaxel.commands.options import option_names, with_method_options

    method = named_method(arguments, segment.default_method(verb, arguments))
    function = with_method_options(getattr(segment, verb), method)
    if not named_method(arguments, ""):
        arguments = [verb, f"--method={method}", *arguments[1:]]
    app.command(function, name=verb, help=VERBS[verb][1], sort_key=list(VERBS).index(verb))
    try:
        app(with_values_joined(arguments, flags(verb, method)), **how)
    except UnknownOptionError as error:
        given = error.token.keyword or error.token.value
        raise ParameterError(refusal(verb, method, given, option_names(function))) from None


def main(arguments: list[str] | None = None) -> None:
    """Run a command line. Bad input ends with exit code 2 and one message on stderr, Ctrl-C with 130, SIGTERM with 143."""
    whole, arguments = arguments is None, sys.argv[1:] if arguments is None else arguments
    typed.set(storage.without_secrets(arguments))
    if whole:
        quick.without_looked_for()
    atexit.register(gc.freeze)  # what is left at the end is not looked through once more: 0.7 s of a small run
    warned.set(set())
    with warnings.catch_warnings():
        _set_streams()
        try:
            with ending.ending(whole=whole), _computing(arguments):
                run(arguments)
        except (SpaxelError, CycloptsError) as error:
            _fail(re.sub(r"\s*\n\s*", " ", str(error).strip()))
        except KeyboardInterrupt as interruption:
            sys.exit(ending.say(interruption))
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(0)
        except UnicodeError as error:
            _fail(f"A name holds characters that are no text ({error}). Try to rename the file.")
        except (OSError, MemoryError) as error:
            _fail(f"{type(error).__name__}: {error}. Try to check the disk, its space and its permissions.")


def _computing(arguments: list[str]) -> AbstractContextManager[None]:
    """How Dask computes while a verb runs, see spaxel.cube.computing; a help text waits for no Dask."""
    if not set(VERBS) & set(arguments[:1]) or {"--help", "-h"} & set(arguments):
        return nullcontext()
    from spaxel.cube.computing import by_default

    return by_default()


def _set_streams() -> None:
    """Our warnings as plain lines; no log of a library beside our message; names of files that are no text, escaped."""
    warnings.showwarning = partial(_show_warning, warned.get())
    for kind in (GuessWarning, LayoutWarning, LostWarning):
        warnings.simplefilter("default", kind)
    if not logging.root.handlers:
        logging.root.addHandler(logging.NullHandler())
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")


def _fail(message: str) -> None:
    """One line and exit code 2; with SPAXEL_DEBUG set, first where the error was raised, and what caused it."""
    if os.environ.get("SPAXEL_DEBUG"):
        traceback.print_exc()
    print(f"spaxel: {printable(called(message))}", file=sys.stderr)  # noqa: T201
    sys.exit(2)


def _show_warning(
    printed: set[str],
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,
    line: str | None = None,
) -> None:
    """Warnings of spaxel as one plain line; those of other libraries concern developers only.

    printed : those of this command, which is told here since threads that map a series have no context of their own
    """
    if category.__module__.startswith("spaxel") or category is UserWarning:
        printed.add(str(message))
        print(f"spaxel: {printable(called(str(message)))}", file=sys.stderr)  # noqa: T201
