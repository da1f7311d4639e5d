"""The steps by name: what they are, how a command names one, and how those of a fit are repeated on a new cube."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any, get_type_hints

import xarray as xr

from spaxel.errors import CubeError, ParameterError
from spaxel.preprocess.axis import crop, rebin
from spaxel.preprocess.background import baseline, continuum_removal
from spaxel.preprocess.binning import voronoi
from spaxel.preprocess.masks import mask_channels
from spaxel.preprocess.scatter import emsc, msc
from spaxel.preprocess.shifts import align
from spaxel.preprocess.smoothing import derivative, smooth
from spaxel.preprocess.spikes import despike
from spaxel.preprocess.stripes import destripe
from spaxel.preprocess.values import absorbance, normalise

STEPS: dict[str, Callable[..., xr.Dataset]] = {
    step.__name__: step
    for step in (
        crop, rebin, mask_channels, despike, destripe, voronoi, baseline, continuum_removal, absorbance, normalise, msc, emsc,
        align, smooth, derivative,
    )
}  # fmt: skip


_MUST = inspect.Parameter.empty
LISTS = ("drop", "reference")  # options that are lists, of which a command may give one value alone


def apply_step(cube: xr.Dataset, name: str, parameters: dict) -> xr.Dataset:
    """One step by its name. Raises ParameterError for a name that is none, and for options that it does not have."""
    fitting = checked_step(name, parameters)
    return STEPS[name](cube, **fitting)


def apply_to_all(cubes: list[xr.Dataset], steps: Sequence[dict[str, Any]]) -> list[xr.Dataset]:
    """Steps on cubes of one model: what is learned is learned from the first, and kept for the others.

    Whether there are spikes (threshold=auto) is asked of each; if one has them, they are removed in all.
    """
    for step in steps:
        for place, cube in enumerate(cubes):
            new = apply_step(cube, step["name"], step["parameters"])
            if new is not cube:
                taken = new.attrs["steps"]
                cubes = [new if i == place else repeat(other, taken) for i, other in enumerate(cubes)]
                break
    return cubes


def options_of(name: str) -> dict[str, Any]:
    """The options of a step and their defaults; `inspect.Parameter.empty` of one that must be given."""
    parameters = list(inspect.signature(STEPS[name]).parameters.values())[1:]
    return {parameter.name: parameter.default for parameter in parameters}


def line_of(name: str) -> str:
    """What a step does, in one line."""
    return (inspect.getdoc(STEPS[name]) or "").partition("\n")[0]


def parse_step(text: str) -> dict[str, Any]:
    """'baseline method=asls lam=1e5' -> {name, parameters}: numbers, true, false, none, lists with commas, words.

    Raises ParameterError for a name or an option that does not exist, and for a part that is no option=value.
    """
    name, *parts = text.split() or [""]
    pairs = [part.partition("=") for part in parts]
    if wrong := [option for option, sign, value in pairs if not (sign and option and value)]:
        raise ParameterError(
            f"The step {text!r} holds {wrong[0]!r}, expected option=value without blanks around the sign, as "
            "'baseline method=asls lam=1e5'. See spaxel steps."
        )
    return {"name": name, "parameters": checked_step(name, {option: _value(value) for option, _, value in pairs})}


def checked_step(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters of a step as its declaration says. Raises ParameterError unless it exists, has them, and they fit."""
    if name not in STEPS:
        raise ParameterError(f"There is no step {name!r}. Known: {', '.join(STEPS)}.{_near(name, list(STEPS))}")
    known = options_of(name)
    for option in parameters:
        if option not in known:
            has = f"It has: {', '.join(known)}." if known else "It has none."
            raise ParameterError(f"The step {name} has no option {option!r}. {has}{_near(option, list(known))}")
    if missing := [option for option, default in known.items() if default is _MUST and option not in parameters]:
        raise ParameterError(f"The step {name} needs {missing[0]}. Try {missing[0]}=VALUE.")
    return {option: _fitting(name, option, value) for option, value in parameters.items()}


def _fitting(name: str, option: str, value: Any) -> Any:
    """A value as the declaration of an option says. Raises ParameterError."""
    from pydantic import TypeAdapter, ValidationError  # here and not above: help waits for no library

    rule = TypeAdapter(get_type_hints(STEPS[name])[option])
    try:
        return rule.validate_python([value] if option in LISTS and isinstance(value, int | float) else value)
    except ValidationError as error:
        reasons = " or ".join(dict.fromkeys(e["msg"][0].lower() + e["msg"][1:] for e in error.errors()))
        raise ParameterError(f"The option {option} of the step {name} is {value!r}: {reasons}.") from None


def repeat(cube: xr.Dataset, steps: list[dict]) -> xr.Dataset:
    """The cube after these steps; those that it has had already are not done twice.

    steps : as in the attrs of a cube, {name, parameters} in order
    Raises CubeError if the cube has had other steps.
    """
    done = cube.attrs.get("steps", [])
    if done != steps[: len(done)]:
        raise CubeError(
            f"The cube was treated by {_words(done)}, the model was fitted after {_words(steps)}. "
            "Try the cube as it was opened: predict repeats the steps by itself."
        )
    for step in steps[len(done) :]:
        cube = apply_step(cube, step["name"], step["parameters"])
    return cube


def _value(text: str) -> Any:
    """Text as what it says: a number, true, false, none, a list of these with commas, else a word."""
    if "," in text:
        return [_value(part) for part in text.split(",") if part]
    if text.lower() in (words := {"true": True, "false": False, "none": None}):
        return words[text.lower()]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _near(word: str, known: list[str]) -> str:
    near = get_close_matches(word, known, 1)
    return f" Did you mean {near[0]}?" if near else ""


def _words(steps: list[dict]) -> str:
    return (
        " → ".join(f"{s['name']}({', '.join(_said(*p) for p in s['parameters'].items())})" for s in steps) or "no step"
    )


def _said(name: str, value: Any) -> str:
    """A parameter in words; of a long list only how long it is."""
    return f"{name}={value}" if not isinstance(value, list) or len(value) <= 8 else f"{name}=[{len(value)} values]"
