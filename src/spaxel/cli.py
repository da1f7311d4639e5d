"""The command `spaxel`: verbs are loaded when they are called, so that `spaxel --help` is quick."""

from __future__ import annotations

import sys
import warnings

from cyclopts import App
from cyclopts.exceptions import CycloptsError

from spaxel import __version__
from spaxel.errors import SpaxelError

app = App(
    name="spaxel",
    version=__version__,
    help="Spectral datacubes to maps that people can read, without labels.",
    help_epilogue="First steps: spaxel demo; spaxel info FILE; spaxel segment FILE --out RUN.",
)
for verb, home in {
    "info": "files",
    "convert": "files",
    "segment": "segment",
    "predict": "segment",
    "score": "runs",
    "report": "runs",
    "cut": "runs",
    "simulate": "files",
    "demo": "about",
    "doctor": "about",
}.items():
    app.command(f"spaxel.commands.{home}:{verb}", name=verb)


def main(arguments: list[str] | None = None) -> None:
    """Run a command line. Bad input ends with exit code 2 and one message on stderr, an interruption with 130."""
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            app(arguments, exit_on_error=False, print_error=False)
        except (SpaxelError, CycloptsError) as error:
            _fail(" ".join(str(error).split()))
        except KeyboardInterrupt:
            print("\nspaxel: interrupted; nothing was written.", file=sys.stderr)  # noqa: T201
            sys.exit(130)
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(0)
        except (OSError, MemoryError) as error:
            _fail(f"{type(error).__name__}: {error}. Try to check the disk, its space and its permissions.")


def _fail(message: str) -> None:
    print(f"spaxel: {message}", file=sys.stderr)  # noqa: T201
    sys.exit(2)


def _show_warning(message: Warning | str, category: type[Warning], *_: object) -> None:
    """Warnings of spaxel as one plain line; those of other libraries concern developers only."""
    if category.__module__.startswith("spaxel") or category is UserWarning:
        print(f"spaxel: {message}", file=sys.stderr)  # noqa: T201
