"""Which spectra of a library are like a component: ranked, with the spread of the component as error, and with "none fits"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from spaxel.metrics.spectra import spectral_angle

FITS, MAY, NONE = "fits", "may fit", "none fits"
LIMITS = ((0.08, 0.97), (0.2, 0.9))  # angle and correlation for "fits" and "may fit" where the library is small
ABSURD = (0.35, 0.7)  # angle above and correlation below which nothing fits, whatever the library
CHANCE = (0.05, 0.25)  # share of the materials that come as near to a strange one, up to which it fits, may fit
FAMILIES = 8  # names from which a library can say how near strangers come
MOST = 1500  # entries that are compared with each other


class Component(NamedTuple):
    """A component on the common axis: (channel,) mean and spread; likes (n, channel), weights (n,): finer parts of it."""

    name: str
    mean: np.ndarray
    spread: np.ndarray
    likes: np.ndarray
    weights: np.ndarray


class Candidate(NamedTuple):
    """An entry of a library beside a component: spectral angle (radians) with its error, and correlation."""

    name: str
    angle: float
    error: float
    correlation: float


class Answer(NamedTuple):
    """What a library says of a component: the nearest entries, "fits", "may fit" or "none fits", and why, in a sentence."""

    component: str
    verdict: str
    sentence: str
    candidates: list[Candidate]


def rank(components: Sequence[Component], names: Sequence[str], library: np.ndarray, top: int) -> list[Answer]:
    """The nearest entries of a library to each component, by their spectral angle. library : (entry, channel), same axis

    Error of an angle: what the spread of the component makes of it, channel by channel, or how its finer parts differ in it,
    whichever is larger. Whether an entry fits is judged by the library itself: every entry has a nearest one of another name;
    a component of a material that the library lacks comes as near to some entry as those do. See docs/howto/match.md.
    """
    strangers = nearest_strangers(names, library)
    return [_answer(component, names, library, top, strangers) for component in components]


def nearest_strangers(names: Sequence[str], library: np.ndarray) -> np.ndarray:
    """Angle of each entry to the nearest one of another family (first word of the name), sorted; empty for few families."""
    chosen = np.unique(np.linspace(0, len(names) - 1, min(len(names), MOST)).astype(int))
    family = np.array([family_of(names[at]) for at in chosen])
    if len(np.unique(family)) < FAMILIES:
        return np.empty(0)
    spectra = library[chosen]
    unit = spectra / np.maximum(np.linalg.norm(spectra, axis=1, keepdims=True), 1e-300)
    cosine = np.where(family[:, None] == family, -2.0, unit @ unit.T)
    return np.sort(spectral_angle(spectra, spectra[cosine.argmax(1)]))


def family_of(name: str) -> str:
    """The first word of a name in small letters, without numbers: 'Kaolinite CM9' and 'kaolinite-2' are one family."""
    words = re.findall(r"[^\W\d_]+", name.lower())
    return words[0] if words else name


def _answer(component: Component, names: Sequence[str], library: np.ndarray, top: int, strangers: np.ndarray) -> Answer:
    angles = spectral_angle(component.mean, library)
    order = np.argsort(np.where(np.isfinite(angles), angles, np.inf), kind="stable")[: max(top, 2)]
    order = order[np.isfinite(angles[order])]
    if not len(order):
        return Answer(component.name, NONE, "none fits: the component or all of the library is empty.", [])
    slopes = [_slope(component.mean, library[at]) for at in order]
    likes = np.array([spectral_angle(component.likes, library[at]) for at in order])
    candidates = [
        Candidate(
            str(names[at]), float(angles[at]), _error(slope, component, like), _correlation(component.mean, library[at])
        )
        for at, slope, like in zip(order, slopes, likes, strict=True)
    ]
    verdict, why = _verdict(candidates[0], strangers)
    return Answer(component.name, verdict, _apart(component, candidates, slopes, likes, verdict, why), candidates[:top])


def _slope(mean: np.ndarray, entry: np.ndarray) -> np.ndarray:
    """Gradient of the angle by the mean: -(r - cos(a) m) / (|mean| sin(a)) for unit vectors m, r; zero where a is zero."""
    size = np.linalg.norm(mean)
    m, r = mean / size, entry / np.linalg.norm(entry)
    across = r - (m @ r) * m
    length = np.linalg.norm(across)
    return -across / (size * length) if length > 1e-9 else np.zeros_like(mean)


def _error(slope: np.ndarray, component: Component, likes: np.ndarray) -> float:
    """Error of an angle, or of a difference of two: by the spread of the channels, or among the finer parts."""
    by_channel = float(np.sqrt(((slope * component.spread) ** 2).sum()))
    if len(likes) < 2:
        return by_channel
    weights = component.weights / component.weights.sum()
    return max(by_channel, float(np.sqrt((weights * (likes - weights @ likes) ** 2).sum())))


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / size) if size > 0 else 0.0


def _verdict(first: Candidate, strangers: np.ndarray) -> tuple[str, str]:
    """Whether the nearest entry fits, and the reason in words."""
    near = f"angle {first.angle:.3f}, correlation {first.correlation:.3f}"
    if first.angle > ABSURD[0] or first.correlation < ABSURD[1]:
        return NONE, f"the nearest, {first.name}, is far ({near})"
    if not len(strangers):
        for (angle, correlation), verdict in zip(LIMITS, (FITS, MAY), strict=True):
            if first.angle <= angle and first.correlation >= correlation:
                return verdict, near
        return NONE, f"the nearest, {first.name}, is not near enough ({near})"
    share = float((strangers <= first.angle).mean())
    verdict = FITS if share <= CHANCE[0] else MAY if share <= CHANCE[1] else NONE
    as_near = f"of the entries {share:.0%} have one of another name as near"
    return verdict, f"{near}; {as_near}" if verdict != NONE else f"the nearest, {first.name}: {near}; {as_near}"


def _apart(
    component: Component,
    candidates: list[Candidate],
    slopes: list[np.ndarray],
    likes: np.ndarray,
    verdict: str,
    why: str,
) -> str:
    """The sentence: what fits, or none, and whether the first can be told from the next of another name."""
    if verdict == NONE:
        return f"none fits: {why}."
    first = candidates[0]
    others = [i for i, other in enumerate(candidates) if family_of(other.name) != family_of(first.name)]
    said = f"{first.name} {verdict} ({why})."
    if not others:
        return said
    other = candidates[others[0]]
    error = _error(
        slopes[others[0]] - slopes[0], component, likes[others[0]] - likes[0] if likes.shape[1] else likes[0]
    )
    if other.angle - first.angle <= error:
        return (
            f"{first.name} or {other.name}: their angles differ by {other.angle - first.angle:.3f}, which is no more than the "
            f"spread of the component makes of it ({error:.3f})."
        )
    return said
