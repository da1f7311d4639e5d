"""spaxel info, spaxel convert, spaxel simulate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from spaxel.commands.console import print_json, print_table, say, watching
from spaxel.commands.options import Json, Overwrite, Reading, ResumeFile, Seed, Steps
from spaxel.errors import ParameterError

Methods = Annotated[tuple[str, ...], Parameter(negative="", help="say also how long this one takes; may be repeated")]


def info(file: Path, /, *, method: Methods = (), json: Json = False, reading: Reading | None = None) -> None:
    """What a file holds: shape, axis, units, chunks, valid share, counts or reflectance, memory and time that a fit takes.

    Of a run: method, components, cubes, and the cuts that are kept beside it.
    """
    from spaxel.readers import open_cube
    from spaxel.store.run_folder import is_run
    from spaxel.workflow.describe import describe
    from spaxel.workflow.describe_run import describe_run

    if is_run(file):
        found = describe_run(file)
    else:
        cube = open_cube(file, **(reading or Reading()).options())
        found = describe(cube, list(dict.fromkeys(("consensus", *method))))
    if json:
        return print_json(found)
    return print_table([(name, value) for name, value in found.items()], ("", ""))


def convert(
    file: Path,
    out: Path,
    /,
    *,
    overwrite: Overwrite = False,
    resume: ResumeFile = False,
    step: Steps = (),
    reading: Reading | None = None,
) -> None:
    """Write any file that spaxel opens in the native layout (Zarr), which is quick to read by tiles."""
    from spaxel.commands.options import parse_steps
    from spaxel.workflow.converting import convert_file

    options = (reading or Reading()).options()
    with watching():
        written = convert_file(file, out, parse_steps(step), overwrite=overwrite, resume=resume, **options)
    say(f"wrote {written}")


def simulate(
    world: Annotated[
        str,
        Parameter(help="maxrf (a painting), ifu (a galaxy), leaf (leaves with lesions), mixture (a table of spectra)"),
    ],
    out: Path,
    /,
    *,
    seed: Seed = 0,
    size: Annotated[
        str | None, Parameter(help="HEIGHTxWIDTH in pixels; if not given, the usual size of the world")
    ] = None,
    picture: Annotated[Path | None, Parameter(help="paint after this picture (maxrf), as a PNG file")] = None,
    overwrite: Overwrite = False,
    option: Annotated[
        tuple[str, ...], Parameter(negative="", help="of the world, as counts=100; may be repeated")
    ] = (),
) -> None:
    """Write a simulated cube with known truth (Zarr)."""
    from spaxel.commands.options import parse_pairs
    from spaxel.readers.native import write_cube
    from spaxel.synth import simulate as make

    height, width = parse_size(size) if size else (None, None)
    options = parse_pairs(option) | ({} if picture is None else {"picture": picture})
    cube = make(world, height=height, width=width, seed=seed, **options)
    with watching():
        written = write_cube(cube, out, overwrite=overwrite)
    height, width, channels = cube["spectra"].shape
    say(f"wrote {written}: {height} x {width} pixels, {channels} channels")


def parse_size(text: str) -> tuple[int, int]:
    """'96x128' -> (96, 128). Raises ParameterError."""
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.strip().isdigit() for part in parts):
        raise ParameterError(f"--size is {text!r}, expected HEIGHTxWIDTH, as 96x128.")
    return int(parts[0]), int(parts[1])
