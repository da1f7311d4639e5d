"""What run.json and cut.json may hold, declared once. A run that was changed by hand or damaged is refused here, in words.

Names that are not declared are kept as they are, and no value is changed: what was read is what is given on.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from spaxel.errors import ReadError

LARGEST = 2**28  # bytes of a file of plain values
Color = Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")]
Count = Annotated[int, Field(ge=0, lt=2**62)]
Number = float | None
Record = TypeVar("Record", bound=BaseModel)


def _candidate(value: list[str | float]) -> list[str | float]:
    if [isinstance(one, str) for one in value] != [True, False, False, False]:
        raise ValueError("expected a name and three numbers")
    return value


class Plain(BaseModel):
    """Plain values of kinds that are not turned into one another."""

    model_config = ConfigDict(strict=True, extra="allow")


class Made(Plain):
    """The components of a cut, see spaxel.results.cut.record."""

    level: Count
    names: list[str]
    by_hand: list[str]
    component: list[Count] = []
    color: list[Count] = []
    paint: list[Annotated[int, Field(ge=-1, lt=2**24)]] = []
    background: list[bool] = []


class Score(Plain):
    """Agreement with a truth, see spaxel.score."""

    n_pixels: Count
    n_unassigned: Count
    n_components: Count
    n_classes: Count
    ari: Number
    nmi: Number
    majority_accuracy: Number
    accuracy: Number
    kappa: Number
    mean_iou: Number
    iou: dict[str, Number]
    matching: dict[str, Count]


class Here(Plain):
    """What is new in a cube."""

    new: list[Count] = []
    compared_with: Count = 0


class Answer(Plain):
    """The nearest spectra of a library: name, angle, its error, correlation of each."""

    verdict: str
    nearest: list[Annotated[list[str | float], AfterValidator(_candidate)]]


class Matches(Plain):
    """What `spaxel match --keep` left."""

    library: str
    sizes: list[Count]
    answers: list[Answer]


class Deep(Plain):
    """What a training changed."""

    silhouette: dict[str, Number] = {}


class Bands(Plain):
    """How far other solutions of an unmixing lie."""

    ambiguity: list[Number] | Number = None
    sentence: str = ""
    warning: str = ""


class Learned(Plain):
    """What a fitted model says of itself; a model that is loaded is looked at more closely, see spaxel.methods.state."""

    sentence: str = ""
    method: str = ""
    units: str = ""
    n_components: Count = 0
    steps: list[dict[str, Any]] = []
    warnings: list[str] = []
    history: list[dict[str, Any]] = []
    deep: Deep | None = None
    bands: Bands | None = None
    evidence: dict[str, Any] | None = None
    votes: dict[str, Count] = {}
    probability: list[float] = []
    between: list[int] = []
    doubts: dict[str, list[int]] = {}


class Run(Plain):
    """run.json."""

    format: Literal["spaxel-run"]
    version: Literal[1]
    name: str | None = None
    method: str | None = None
    parameters: dict[str, Any] | None = None
    learned: Learned | None = None
    seed: int | None = None
    command: str | None = None
    created: str | None = None
    versions: dict[str, str] | None = None
    spaxel_version: str | None = None
    input: dict[str, Any] | str | None = None
    inputs: dict[str, str] | None = None
    reference: list[str] | None = None
    reading: dict[str, Any] | None = None
    model: str | None = None
    redshift: Number = None
    medium: str | None = None
    level: Count | None = None
    cut: Made | None = None
    cuts: list[str] | None = None
    colors: list[Color] | None = None
    score: Score | None = None
    unmixing: dict[str, Any] | None = None
    presence: Here | None = None
    activation: dict[str, Any] | None = None
    matches: Matches | None = None
    seconds: dict[str, float] | float | None = None
    peak_memory_bytes: Count | None = None
    notes: list[str] | None = None
    advice: str | None = None
    instrument: str | None = None


class Cut(Plain):
    """cut.json."""

    format: Literal["spaxel-cut"]
    version: Literal[1]
    name: str
    command: str
    made: Made


class Dataset(Plain):
    """One overview of a map: its number, as it is called."""

    path: Annotated[str, Field(pattern=r"^[1-9]$")]


class Image(Plain):
    """The overviews of a map."""

    datasets: list[Dataset]


class Multiscale(Plain):
    """What OME-NGFF says of overviews, see spaxel.store.overviews."""

    version: Literal["0.5"]
    multiscales: Annotated[list[Image], Field(min_length=1)]


def read_plain(file: Path, kind: type[Record], again: str) -> dict[str, Any]:
    """The plain values of a JSON file, as they are, if they are of this kind.

    again : what to try where it is damaged, as "to fit again"
    Raises ReadError that names the file and the value: too large, no text, no JSON, nested too deeply, of another kind.
    """
    try:
        if file.stat().st_size > LARGEST:
            raise ReadError(f"{file} is damaged: it is larger than {LARGEST // 2**20} MiB. Try {again}.")
        plain = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        if isinstance(error, ReadError):
            raise
        said = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise ReadError(f"{file} is damaged: {said}. Try {again}.") from None
    known, version = (get_args(kind.model_fields[name].annotation)[0] for name in ("format", "version"))
    if not isinstance(plain, dict) or plain.get("format") != known:
        raise ReadError(f"{file} was not written by spaxel.")
    if plain.get("version") != version:
        raise ReadError(f"{file} has version {plain.get('version')!r}, this spaxel reads {version}. Try to update.")
    refuse_unless(kind, plain, str(file), again)
    return plain


def refuse_unless(kind: type[BaseModel], plain: Any, what: str, again: str) -> None:
    """Raise ReadError unless plain values are of a kind; the message names the first that is not."""
    try:
        kind.model_validate(plain)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        given = "" if first["type"] == "missing" else f" is {_short(first['input'])}"
        raise ReadError(f"{what} is damaged: {place}{given} ({first['msg']}). Try {again}.") from None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


class Attributes(Plain):
    """What a result says of itself, see spaxel.results.convention."""

    method: str = ""
    n_components: Count = 0
    sentence: str = ""
    source: str = ""
    history: list[str] | str = []
    guesses: list[str] | str = []
    notes: list[str] | str = []
    by_hand: list[str] | str = []
    steps: list[Any] | str = []
    origin: str = "upper"
    units: str = ""
    caption: str = ""
    long_name: str = ""
    votes: dict[str, int] | str = {}
    doubts: dict[str, list[int]] | str = {}
    probability: list[float] = []
    between: list[int] = []
    seen: list[float] = []
    top: list[float] = []
    soft: float = 0.0
    advice: str = ""
    level: Count = 0
    redshift: Number = None
    crs: str = ""
    wcs_header: str = ""
    pixel_units: str = ""
    instrument: Any = None
