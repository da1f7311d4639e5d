"""Parameters that several methods share, each declared once: what is allowed, and what it means.

A method is a class under `@declared`; its fields are its parameters. From a field come the check in `fit`, the option of the
command line, the table in the documentation, and the signature in `help()`:

    @declared
    class KMeans(Segmenting):
        n_clusters: NClusters = "auto"      # help() shows: n_clusters: int | "auto" = 'auto'
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, dataclass_transform, get_args, get_origin, get_type_hints

import numpy as np
from pydantic import Field

from spaxel.preprocess.scaling import SCALINGS, ScalingName

# Of all methods.
Seed = Annotated[int, Field(ge=0, description="seed: the same seed gives the same bits")]
Memory = Annotated[int | None, Field(ge=1, description="bytes for reading; never changes the answer")]
NSample = Annotated[int, Field(ge=10, description="spectra that the fit looks at")]

# Of methods that train.
Device = Annotated[Literal["cpu", "cuda", "auto"], Field(description="where it is trained")]
Precision = Annotated[
    Literal["32-true", "bf16-mixed", "16-mixed"], Field(description="number format, as Lightning Fabric names it")
]
Checkpoint = Annotated[
    str | None,
    Field(description="file written after each epoch; an interrupted fit goes on from it, with the same bits"),
]
Width = Annotated[int, Field(ge=1, le=4096, description="units of each hidden layer")]

# Of methods that segment.
Number = Annotated[int, Field(ge=1, le=512)]
NClusters = Annotated[
    Number | Literal["auto"], Field(description="number of components, or auto: found by five checks, all levels kept")
]
MaxClusters = Annotated[int, Field(ge=2, le=64, description="largest number that auto considers")]
NMicro = Annotated[int, Field(ge=2, le=512, description="micro-clusters that are merged (auto, or with a linkage)")]
NInit = Annotated[int, Field(ge=1, description="restarts of k-means++")]
ScalingOrAuto = Annotated[
    ScalingName | Literal["auto"], Field(description=f"how spectra are scaled: auto, {', '.join(SCALINGS)}")
]
MERGING = "how micro-clusters are merged; none, with a number given: plain k-means"
Linkage = Annotated[Literal["centroid", "connectivity"] | None, Field(description=MERGING)]
LinkageByContact = Annotated[Literal["centroid", "connectivity", "contact"] | None, Field(description=MERGING)]

# Of methods that unmix.
Components = Annotated[int, Field(ge=1, le=1024)]
NComponents = Annotated[
    Components | Literal["auto"], Field(description="number of components, or auto: found, with evidence")
]
Kind = Annotated[
    Literal["auto", "table", "scene"],
    Field(description="table: sparse mixtures of many components; scene: an image of few materials"),
]
Signed = Annotated[
    bool | Literal["auto"], Field(description="whether components may be negative (derivatives); auto: if the data are")
]
Known = Annotated[
    str | Path | np.ndarray | list[list[float]] | None,
    Field(description="spectra that are known to be components: a file, a run, or an array (m, channel)"),
]
Zeros = Annotated[
    str | Path | np.ndarray | list[list[float]] | None,
    Field(
        description="where components are known to be absent: a table (CSV) or array of 0 (absent) and 1 (may be there), a row "
        "per file or spectrum, a column per component, whose names they take"
    ),
]
MaxIter = Annotated[int, Field(ge=1, description="iterations at most")]

Method = TypeVar("Method")


class Words(str):
    """An annotation that a signature shows as it is, without quotation marks."""

    __slots__ = ()

    def __repr__(self) -> str:
        """The words."""
        return str(self)


@dataclass_transform()
def declared(method: type[Method]) -> type[Method]:
    """Class decorator: the annotated fields become the parameters of a method, with a signature that people can read."""
    made: Any = dataclass(eq=False, repr=False)(method)
    hints, own = get_type_hints(made, include_extras=True), inspect.signature(made.__init__)
    words = {field.name: Words(in_words(hints[field.name])) for field in fields(made)}
    for field in fields(made):
        field.type = words[field.name]
    shown = [p.replace(annotation=words.get(name, p.empty)) for name, p in own.parameters.items()]
    made.__init__.__signature__ = own.replace(parameters=shown, return_annotation=own.empty)
    made.__init__.__doc__ = "\n".join(f"{name} : {text}" for name, text in descriptions(made).items())
    return made


def descriptions(method: type) -> dict[str, str]:
    """What each parameter of a method means, by name, as its declaration says."""
    hints = get_type_hints(method, include_extras=True)
    return {f.name: hints[f.name].__metadata__[0].description for f in fields(method)}


def in_words(hint: Any) -> str:
    """A type as people write it: `int | "auto"` for Annotated[Annotated[int, …] | Literal["auto"], …]."""
    if get_origin(hint) is Annotated:
        return in_words(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return " | ".join(dict.fromkeys(in_words(part) for part in get_args(hint)))
    if get_origin(hint) is Literal:
        return " | ".join(f'"{value}"' if isinstance(value, str) else repr(value) for value in get_args(hint))
    if hint is NoneType:
        return "None"
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else inspect.formatannotation(hint)
