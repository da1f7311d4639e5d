"""What a fitted model keeps: `state_`, a flat dict of arrays, and `info_`, a record of plain values. Both are saved.

A record is a TypedDict: a dict whose names and types are declared here, once, and checked when a model is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypedDict, TypeVar, cast, get_type_hints

import numpy as np
from pydantic import TypeAdapter, ValidationError

from spaxel.cube.mapping import Arrays
from spaxel.errors import ReadError

T = TypeVar("T")


class Info(TypedDict):
    """What every fitted model says of itself.

    steps : what the cubes of the fit had been through      units : of their axis      n_sampled : spectra that were looked at
    counts : whether they are photon counts      sentence : how many components, how sure, and why
    """

    steps: list[dict[str, Any]]
    units: str
    n_sampled: int
    method: str
    n_components: int
    sentence: str
    counts: bool


class FoundByCenters(Info):
    """scaling_scores : {scaling: silhouette} if chosen      votes : {criterion: number}      valid_share : of the pixels."""

    scaling: str
    scaling_scores: dict[str, float]
    scaling_sentence: str
    votes: dict[str, int]
    valid_share: float


class SegmentingInfo(FoundByCenters, total=False):
    """Of a method that segments. If it trains: deep (what that changed), history (a dict per epoch), decoder, likelihood.
    Of a consensus: views (the scalings of its members), context, agreement (of each member with the others, by scaling),
    odd (spectra of the sample that are unlike all others, without which components were found; left out where there are none).
    Of learned distances: field (whose, or none), trust (what they count for, 0 to 1), context, redshift (of light).

    known_noise : what was used of the variance of the file, if it has one: sentence, level, used_for
    probability : of 1, 2, … components, where the number was looked at      between : the two that hold it with 80 %
    doubts : {why: the numbers of components whose split is doubtful for it}
    """

    known_noise: dict[str, Any]
    views: list[str]
    context: int
    odd: int
    field: str
    trust: float
    redshift: float
    agreement: dict[str, list[float]]
    probability: list[float]
    between: list[int]
    doubts: dict[str, list[int]]
    likelihood: str
    deep: dict[str, Any]
    history: list[dict[str, float]]
    decoder: dict[str, Any]


class FoundByUnmixing(Info):
    """warnings : sentences about what is doubtful."""

    warnings: list[str]


class UnmixingInfo(FoundByUnmixing, total=False):
    """Of a method that unmixes. explained : share of the variance      evidence : for the number of components."""

    kind: str
    explained: float
    evidence: dict[str, Any]


def pack(prefix: str, values: Any) -> Arrays:
    """The fields of a named tuple, or the arrays of a dict, as entries of `state_`: {prefix + name: array}; no None."""
    named = values if isinstance(values, Mapping) else values._asdict()
    return {f"{prefix}{name}": np.ascontiguousarray(value) for name, value in named.items() if value is not None}


def unpack(kind: type[T], state: Arrays, prefix: str) -> T:
    """What `pack` has put there: a named tuple of this kind, or a dict of all that begin with the prefix.

    Raises KeyError if an array is missing for which there is no default.
    """
    if issubclass(kind, dict):
        found = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
        return cast(T, found)
    fields, optional = vars(kind)["_fields"], vars(kind)["_field_defaults"]
    return kind(**{name: state[prefix + name] for name in fields if name not in optional or prefix + name in state})


@cache
def _rules(record: type) -> dict[str, TypeAdapter]:
    return {name: TypeAdapter(hint) for name, hint in get_type_hints(record).items()}


def read_info(record: Any, plain: dict[str, Any]) -> Any:
    """Plain values, as from run.json, as a record: SegmentingInfo or UnmixingInfo.

    What it does not declare is kept as it is, as methods add their own.

    Raises ReadError that names the value that is missing, or of the wrong kind.
    """
    if missing := sorted(record.__required_keys__ - set(plain)):
        raise ReadError(f"The model lacks {', '.join(missing)}, so it is not complete. Try to fit again.")
    for name, rule in _rules(record).items():
        try:
            rule.validate_python(plain.get(name)) if name in plain else None
        except ValidationError as error:
            said = error.errors()[0]["msg"]
            raise ReadError(f"{name} of the model is {plain[name]!r}: {said}. Try to fit again.") from None
    return plain
