"""Options that several verbs share, as types: what they mean, how text becomes a value."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, get_type_hints

from cyclopts import Parameter
from cyclopts.validators import Number
from dask.utils import parse_bytes

from spaxel.errors import ParameterError
from spaxel.methods.registry import method_class

Out = Annotated[Path, Parameter(alias="-o", help="folder or file to make")]
Overwrite = Annotated[bool, Parameter(negative="", help="replace what was written there before")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="print JSON")]
Seed = Annotated[int, Parameter(validator=Number(gte=0, lt=2**32), help="the same seed gives the same bits")]
Memory = Annotated[str, Parameter(help="how much is read at once, as 512MiB; never changes the answer")]
Device = Annotated[str, Parameter(help="where it is computed: cpu, cuda or auto (ebgmcr); the others run on the cpu")]


@Parameter(name="*")
@dataclass
class Reading:
    """How the file is read, where it does not say so itself."""

    reader: Annotated[str | None, Parameter(help="format, if the content does not decide")] = None
    dataset: Annotated[str | None, Parameter(help="path or variable inside the file that holds the spectra")] = None
    channel_axis: Annotated[int | None, Parameter(help="which axis is spectral: 0, 1 or 2")] = None
    channel: Annotated[str | None, Parameter(help="variable or file that holds the axis values")] = None
    units: Annotated[str | None, Parameter(help="of the axis: keV, nm, Angstrom, 1/cm …")] = None
    truth: Annotated[str | None, Parameter(help="variable or file that holds a truth to compare with")] = None
    option: Annotated[
        tuple[str, ...], Parameter(negative="", help="any other option of the reader, as name=value; may be repeated")
    ] = ()

    def options(self) -> dict[str, Any]:
        """Those that were given, as open_cube takes them."""
        given = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "option"}
        extra = parse_pairs(self.option)
        return {name: value for name, value in given.items() if value is not None} | extra


@Parameter(name="*")
@dataclass
class Treating:
    """What is done to the spectra before the fit, in this order; predict repeats it."""

    crop: Annotated[str | None, Parameter(help="range of the axis to keep, as LOW:HIGH")] = None
    rebin: Annotated[float | None, Parameter(help="channels to sum into one")] = None
    despike: Annotated[float | None, Parameter(help="remove spikes above this many robust standard deviations")] = None
    smooth: Annotated[int | None, Parameter(help="Savitzky-Golay width, an odd number of channels")] = None
    derivative: Annotated[int | None, Parameter(help="degree of a Savitzky-Golay derivative")] = None
    keep_channels: Annotated[
        bool, Parameter(negative="", help="keep channels that are bad, zero or constant (else left out)")
    ] = False

    def steps(self) -> list[dict[str, Any]]:
        """The steps that were asked for, as spaxel.preprocess takes them."""
        found = []
        if self.crop is not None:
            low, high = _range(self.crop)
            found.append({"name": "crop", "parameters": {"low": low, "high": high}})
        for name, key in (("rebin", "factor"), ("despike", "threshold"), ("smooth", "width"), ("derivative", "degree")):
            if (value := getattr(self, name)) is not None:
                found.append({"name": name, "parameters": {key: value}})
        return found


def parse_memory(text: str) -> int:
    """'512MiB' -> bytes. Raises ParameterError."""
    try:
        value = int(parse_bytes(text)) if any(c.isdigit() for c in text) else int(text)
    except (ValueError, OverflowError):
        raise ParameterError(f"--memory is {text!r}, which is no size. Try 512MiB or 2GB.") from None
    if value <= 0:
        raise ParameterError(f"--memory is {text!r}; it must be above zero.")
    return value


def with_method_parameters(methods: Sequence[str]) -> Callable[[Callable], Callable]:
    """A verb with one option per parameter of these methods, from their declarations, in place of `**parameters`."""
    return partial(_with_parameters, tuple(methods))


def _with_parameters(methods: tuple[str, ...], verb: Callable) -> Callable:
    shown = [p for p in inspect.signature(verb).parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    taken = {p.name for p in shown} | {"random_state"}
    for method in methods:
        cls = method_class(method)
        hints = get_type_hints(cls, include_extras=True)
        for field in dataclasses.fields(cls):
            if field.name in taken:
                continue
            text = hints[field.name].__metadata__[0].description
            default = "none" if field.default is None else field.default
            annotation = Annotated[
                str | None, Parameter(help=f"{text} (default {default})", show_default=False, group=method)
            ]
            shown.append(
                inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
            )
            taken.add(field.name)
    verb.__signature__ = inspect.Signature(shown)
    return verb


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
