"""Options that several verbs share, as types: what they mean, how text becomes a value."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from cyclopts import Parameter
from cyclopts.validators import Number

from spaxel.commands.method_options import options_of
from spaxel.commands.quick import shown
from spaxel.errors import ParameterError

Out = Annotated[Path, Parameter(alias="-o", help="folder or file to make")]
Quiet = Annotated[bool, Parameter(negative="", help="do not show how far it is")]
Rare = Annotated[
    bool,
    Parameter(negative="", help="look for small targets too: a map of rarity, candidates in rare.csv and on the page"),
]
Overwrite = Annotated[bool, Parameter(negative="", help="replace what was written there before")]
Resume = Annotated[
    bool, Parameter(negative="", help="go on with a run that was interrupted, with the same bits as without that")
]
Lean = Annotated[
    bool,
    Parameter(
        negative="",
        help="labels, means and confidence only, with the same bits: no page and no maps of lines, which "
        "`spaxel report RUN --lines auto` makes later; no distance from the model, no confidence of other numbers of "
        "components and no false-colour picture, which `spaxel predict RUN FILE` makes",
    ),
]
ResumeFile = Annotated[
    bool, Parameter(negative="", help="go on where the same command was killed, with the same bits as without that")
]
Json = Annotated[bool, Parameter(name="--json", negative="", help="print JSON")]
Seed = Annotated[
    int, Parameter(validator=Number(gte=0, lt=2**32), help="the same seed gives the same bits", show_default=True)
]
Memory = Annotated[
    str, Parameter(help="how much is read at once, as 512MiB; never changes the answer", show_default=True)
]
OwnMemory = Annotated[
    str | None,
    Parameter(help="how much is read at once, as 512MiB; never changes the answer (default: as the run was fitted)"),
]

Steps = Annotated[
    tuple[str, ...],
    Parameter(
        negative="",
        help="any correction, as 'baseline method=arpls': see spaxel steps; may be repeated, done in this order",
    ),
]


@Parameter(name="*")
@dataclass
class Reading:
    """How the file is read, where it does not say so itself."""

    reader: Annotated[str | None, Parameter(help="format, if the content does not decide")] = None
    dataset: Annotated[str | None, Parameter(help="path or variable inside the file that holds the spectra")] = None
    channel_axis: Annotated[int | None, Parameter(help="which axis is spectral: 0, 1, 2 …")] = None
    channel: Annotated[str | None, Parameter(help="variable or file that holds the axis values")] = None
    units: Annotated[str | None, Parameter(help="of the axis: keV, nm, Angstrom, 1/cm …")] = None
    index: Annotated[str | None, Parameter(help="of more than 3 axes, the one map to take, as t=0 (else stacked)")] = (
        None
    )
    truth: Annotated[str | None, Parameter(help="variable or file that holds a truth to compare with")] = None
    no_data: Annotated[
        str | None,
        Parameter(allow_leading_hyphen=True, help="values that mean not measured, as -9999,0; or none"),
    ] = None
    raw: Annotated[bool, Parameter(negative="", help="leave scale and offset that the file declares alone")] = False
    grid: Annotated[str | None, Parameter(help="whether positions in a text table make an image: yes, no, or x,y")] = (
        None
    )
    variance: Annotated[
        Literal["use", "none"] | None,
        Parameter(help="what the file says of its noise: use it, or leave it aside (none)"),
    ] = None
    mask: Annotated[
        str | None,
        Parameter(help="what to use: FILE or FILE:NAME (a picture, raster, array, polygons; 1 = use); or none"),
    ] = None
    mask_invert: Annotated[bool, Parameter(negative="", help="1 in the mask means: do not use")] = False
    saturated: Annotated[
        str | None, Parameter(help="value of a full detector, whose pixels are kept out of the fit; or none")
    ] = None
    reflectance: Annotated[
        bool, Parameter(negative="", help="divide a raw scan by the white and dark references beside it")
    ] = False
    option: Annotated[
        tuple[str, ...], Parameter(negative="", help="any other option of the reader, as name=value; may be repeated")
    ] = ()

    def options(self) -> dict[str, Any]:
        """Those that were given, as open_cube takes them."""
        given = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "option"}
        extra = parse_pairs(self.option)
        return {name: value for name, value in given.items() if value not in (None, False)} | extra


@Parameter(name="*")
@dataclass
class Treating:
    """What is done to the spectra before the fit: crop, rebin, despike, each --step, smooth, derivative; predict repeats it."""

    crop: Annotated[str | None, Parameter(help="range of the axis to keep, as LOW:HIGH")] = None
    rebin: Annotated[float | None, Parameter(help="channels to sum into one")] = None
    despike: Annotated[
        str | None,
        Parameter(
            help="remove spikes above this many robust standard deviations; none; auto: where there are any, as the pixels "
            "around tell (default auto in segment, none in unmix)"
        ),
    ] = None
    step: Steps = ()
    smooth: Annotated[int | None, Parameter(help="Savitzky-Golay width, an odd number of channels")] = None
    derivative: Annotated[int | None, Parameter(help="degree of a Savitzky-Golay derivative")] = None
    keep_channels: Annotated[
        bool, Parameter(negative="", help="keep channels that are bad, zero or constant (else left out)")
    ] = False

    def steps(self) -> list[dict[str, Any]]:
        """The steps that were asked for, as spaxel.preprocess takes them. Raises ParameterError."""
        found = (
            [] if self.crop is None else [_step("crop", **dict(zip(("low", "high"), _range(self.crop), strict=True)))]
        )
        if self.rebin is not None:
            found.append(_step("rebin", factor=self.rebin))
        if (threshold := _threshold(self.despike or "none")) is not None:
            found.append(_step("despike", threshold=threshold))
        found += parse_steps(self.step)
        if self.smooth is not None:
            found.append(_step("smooth", width=self.smooth))
        if self.derivative is not None:
            found.append(_step("derivative", degree=self.derivative))
        return found


@Parameter(name="*")
@dataclass
class Lines:
    """Lines of which maps are made, and what names them."""

    lines: Annotated[
        str | None,
        Parameter(help="whose maps are made, as Fe,Pb or Ha; auto (at most 8 candidates of the components), none"),
    ] = None
    redshift: Annotated[
        float | None, Parameter(help="of the object: names emission lines along a wavelength axis; kept in the run")
    ] = None
    medium: Annotated[str | None, Parameter(help="of the wavelengths: air or vacuum; kept in the run")] = None

    def asked(self) -> dict[str, Any]:
        """As spaxel.workflow.runs takes them. Raises ParameterError for an empty list."""
        return {"lines": parse_lines(self.lines or "auto"), "redshift": self.redshift, "medium": self.medium}


@Parameter(name="*")
@dataclass
class Where:
    """Who computes the tiles of maps."""

    scheduler: Annotated[
        str | None,
        Parameter(
            help="who computes the maps: threads, processes, slurm, or a Dask cluster as tcp://HOST:8786; same bits"
        ),
    ] = None
    workers: Annotated[
        int | None, Parameter(help="how many threads, processes or Slurm jobs (default: all cores; 1 job)")
    ] = None

    def executing(self) -> AbstractContextManager[None]:
        """The block in which they do, see spaxel.executing. Raises what that raises."""
        from spaxel.cube.executing import executing  # here and not above: help waits for no library

        if self.scheduler is not None:
            shown("distributed")
        return executing(self.scheduler, self.workers)


def parse_lines(text: str) -> tuple[str, ...]:
    """'Fe, Pb La' -> ("Fe", "Pb La"). Raises ParameterError if nothing is named."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise ParameterError("--lines names no line. Try --lines Fe,Cu, auto or none.")
    return names


def parse_steps(texts: Sequence[str]) -> list[dict[str, Any]]:
    """("baseline lam=1e5", …) -> [{name, parameters}, …]. Raises ParameterError."""
    if not texts:
        return []
    from spaxel.preprocess.steps import parse_step  # here and not above: help waits for no library

    return [parse_step(text) for text in texts]


def _step(name: str, **parameters: Any) -> dict[str, Any]:
    return {"name": name, "parameters": parameters}


def _threshold(text: str) -> float | str | None:
    """What --despike says: a number, auto, or None for none. Raises ParameterError."""
    if text.lower() in ("none", "auto"):
        return None if text.lower() == "none" else "auto"
    try:
        return float(text)
    except ValueError:
        raise ParameterError(
            f"--despike is {text!r}, expected a number of standard deviations, none or auto."
        ) from None


def parse_memory(text: str) -> int:
    """'512MiB' -> bytes. Raises ParameterError."""
    from dask.utils import parse_bytes

    try:
        value = int(parse_bytes(text)) if any(c.isdigit() for c in text) else int(text)
    except (ValueError, OverflowError):
        raise ParameterError(f"--memory is {text!r}, which is no size. Try 512MiB or 2GB.") from None
    if value <= 0:
        raise ParameterError(f"--memory is {text!r}; it must be above zero.")
    return value


def with_method_options(verb: Callable, method: str) -> Callable:
    """A verb with one option for each parameter of this method in place of `**parameters`.

    A parameter whose name is an option of all methods already is called --METHOD-NAME; `--device` is known to all methods and
    shown for those that have it. Raises ParameterError if the verb has no such method.
    """
    shown = [p for p in inspect.signature(verb, eval_str=True).parameters.values() if p.kind is not p.VAR_KEYWORD]
    taken, renamed = _names(shown), {}
    for option in options_of(verb.__name__, method):
        name = f"{method.replace('-', '_')}_{option.name}" if option.name in taken else option.name
        renamed[name] = option.name
        about = Parameter(help=option.words(), show_default=False, group=f"Options of {method}")
        shown.append(_as_parameter(name, bool if option.flag else str, about))
    if "device" not in renamed:
        shown.append(_as_parameter("device", str, Parameter(show=False)))

    @wraps(verb)
    def with_own(*files: Any, **given: Any) -> Any:
        return verb(*files, **{renamed.get(name, name): value for name, value in given.items()})

    vars(with_own)["__signature__"] = inspect.Signature(shown)
    with_own.__annotations__ = {p.name: p.annotation for p in shown}
    return with_own


def option_names(verb: Callable) -> list[str]:
    """The options of a verb, as `--name`."""
    names = _names([p for p in inspect.signature(verb, eval_str=True).parameters.values() if p.kind is p.KEYWORD_ONLY])
    return [f"--{name.replace('_', '-')}" for name in names]


def _as_parameter(name: str, kind: type, about: Parameter) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, about]
    )


def _names(parameters: Sequence[inspect.Parameter]) -> list[str]:
    """Names of options, those in groups (as Reading) one by one."""
    found: list[str] = []
    for parameter in parameters:
        group = next((part for part in get_args(parameter.annotation) if dataclasses.is_dataclass(part)), None)
        found += [field.name for field in dataclasses.fields(group)] if group else [parameter.name]
    return found


def _range(text: str) -> tuple[float | None, float | None]:
    parts = text.split(":")
    try:
        low, high = (float(part) if part else None for part in parts)
    except ValueError:
        raise ParameterError(f"--crop is {text!r}, expected LOW:HIGH, as 1.5:18. Either may be left out.") from None
    return low, high


def parse_pairs(texts: tuple[str, ...]) -> dict[str, Any]:
    """("name=value", …) -> {name: value}; whole and decimal numbers become numbers. Raises ParameterError."""
    return dict(_pair(text) for text in texts)


def _pair(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign:
        raise ParameterError(f"--option is {text!r}, expected name=value.")
    for number in (int, float):
        try:
            return name.strip(), number(value)
        except ValueError:
            continue
    return name.strip(), value
