"""Components of an image: group means, their largest simplex, abundances; at which normalisation, and how many.

Every rule here was chosen on simulated scenes (benchmarks/unmixing_world.py), none on a real one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from spaxel.errors import ParameterError
from spaxel.linear.abundances import fcls, free_brightness, nnls
from spaxel.linear.scene.corners import count_corners, count_words, held_number
from spaxel.linear.scene.light import light_of
from spaxel.linear.scene.pool import pooled_corners, reduce, view
from spaxel.linear.scene.refine import refined_corners
from spaxel.linear.vertex import check_count, check_spectra

Normalisation = Literal["raw", "unit"]
PIXELS = 8000  # that are looked at for the components
FEWER = 3000  # and for their number
HANGS = 0.1  # rms between shares of light and of area, from which on that is said
CONTRAST = 5.0  # times as bright as the darkest component, up to which shares of area are stable
UNCERTAIN = 0.1  # rad between starts that fit as well, from which on a spectrum is said to be uncertain


@dataclass(frozen=True)
class SceneComponents:
    """What an image is mixed of: x ≈ brightness · abundances @ components.

    components  : (k, channel), at raw normalisation as bright as found, at unit norm with norm 1 (or evened)
    abundances  : (n, k), sum 1; nan where a spectrum is zero and brightness is free
    brightness  : (n,), 1 at raw normalisation
    areas       : whether abundances are shares of area, and not of light, at a free brightness
    unexplained : share of the variance, at the normalisation, that the mixture leaves
    evidence    : light (spread), relief, counts (a row per number tried, empty if it was given), apart (rad between starts)
    sentence    : how many, why, and how sure, in words
    """

    components: np.ndarray
    abundances: np.ndarray
    brightness: np.ndarray
    normalisation: Normalisation
    areas: bool
    unexplained: float
    evidence: dict[str, Any]
    sentence: str

    @property
    def n_components(self) -> int:
        """The number of components."""
        return len(self.components)


def scene_components(
    X: np.ndarray,
    n_components: int | None = None,
    *,
    seed: int = 0,
    most: int = 10,
    normalise: Normalisation | Literal["auto"] = "auto",
    scale: Literal["auto", "unit", "even"] = "auto",
) -> SceneComponents:
    """The components of an image, their abundances, and if not given their number.

    X         : (n, channel) spectra of the usable pixels
    most      : upper bound of the number, where it is not given (NWHFC, HySime: they overshoot)
    normalise : raw (pixels as they are), unit (each over its norm), auto: unit if the light is uneven
    scale     : of the components where brightness is free, which no data tell: all of norm 1, or such that the
                brightness is as even as it can be (nearer to shares of area, less stable with dark materials);
                auto: even if the brightest is then less than five times as bright as the darkest
    Centres of 3 or 5 k-means groups per component -> largest simplex among them (N-FINDR), at raw brightness, at unit norm
    and between; of sixteen starts the one whose mixtures leave least of the spectra (see pool), moved outwards (see refine).
    Starts are the same for every seed, which draws the sample of more than 8,000 spectra and nothing else. Light is uneven if
    the brightness of nearly pure spectra spreads by more than 11 %, and that times what freeing it takes off the residual
    exceeds 0.04 (see light). The number is the largest of which every component is needed (residual x 1.3 without it), apart
    from mixtures of the others, and carried by pixels.
    Winter 1999, doi:10.1117/12.366289; Nascimento & Dias 2005 for the model; the rules are ours.
    Raises CubeError for NaN or no data, ParameterError for a number that the data cannot have.
    Fails without nearly pure groups of pixels (spectra then mix), on materials rarer than about 0.3 % of the pixels,
    on materials that differ in brightness alone, and if light and material go together.
    """
    X = check_spectra(X)
    _check_options(X, n_components, most, normalise, scale)
    lit = X[np.linalg.norm(X, axis=1) > 0]
    sample = _drawn(lit, PIXELS, seed)
    chosen, k, evidence = _decide(sample, n_components, most, normalise)
    found = pooled_corners(sample, k)
    S, areas = _scaled(X, refined_corners(_drawn(sample, FEWER, 0), found.spectra), chosen, scale)
    A, b = (fcls(X, S), np.ones(len(X))) if chosen == "raw" else (free_brightness(X, S), nnls(X, S).sum(1))
    order = np.argsort(-np.nanmean(A, axis=0), kind="stable")
    left = _left(sample if chosen == "raw" else view(sample, 0.0), S, chosen)
    evidence = evidence | {"apart": found.apart[order].tolist()}
    return SceneComponents(
        S[order], A[:, order], b, chosen, areas, left, evidence, _sentence(k, chosen, areas, evidence)
    )


def uncertain_words(apart: list[float]) -> list[str]:
    """A sentence for each component in which starts that fit as well differ. apart : rad, by component"""
    return [
        f"The spectrum of component {i} is uncertain: starts that fit as well differ by {angle:.1f} rad in it."
        for i, angle in enumerate(apart)
        if angle > UNCERTAIN
    ]


def bright_words(X: np.ndarray, S: np.ndarray) -> list[str]:
    """A sentence where abundances at a free brightness hang on how bright each material is by itself, which no data tell.

    X : (n, channel)      S : (k, channel), norm 1. Shares of light and shares of area are compared, over at most 3000 spectra.
    """
    few = _drawn(X[np.linalg.norm(X, axis=1) > 0], FEWER, 0)
    t = _even(nnls(few, S))
    apart = free_brightness(few, S) - free_brightness(few, S / t[:, None])
    off = float(np.sqrt(np.nanmean(apart**2)))
    if off < HANGS:
        return []
    dark, bright = int(t.argmax()), int(t.argmin())
    return [
        f"Abundances are shares of light. As shares of area they would differ by {off:.2f}, above all because component "
        f"{dark} is {t[dark] / t[bright]:.0f} times as dark as component {bright}. Try normalise='even' if areas are wanted."
    ]


def _decide(sample: np.ndarray, k: int | None, most: int, normalise: str) -> tuple[Normalisation, int, dict[str, Any]]:
    """Normalisation and number, and the evidence for both: no chance enters but that of the sample."""
    few = _drawn(sample, FEWER, 0)
    chosen: Normalisation = "raw"
    said: dict[str, Any] = {"light": None, "relief": None, "counts": []}
    if normalise != "raw":
        light = light_of(few)
        chosen = "unit" if normalise == "unit" or light.uneven else "raw"
        said |= light._asdict()
    if k is not None:
        return chosen, k, said
    if chosen == "raw":
        said["counts"] = count_corners(reduce(few, most + 2).scores, most)
        return chosen, held_number(said["counts"]), said
    found = [count_corners(reduce(view(few, soft), most + 2).scores, most) for soft in (0.0, 1.0)]
    said["counts"] = min(found, key=held_number)  # at unit norm, the haze of a dark material counts as materials
    return chosen, held_number(said["counts"]), said


def _even(C: np.ndarray) -> np.ndarray:
    """Scales t >= 0 for which C t is nearest to 1, and none less than a hundredth of the largest. C : (n, k) -> (k,)."""
    t = nnls(np.ones((1, len(C))), C.T)[0]
    return np.maximum(t, 0.01 * t.max())


def _scaled(X: np.ndarray, S: np.ndarray, chosen: str, scale: str) -> tuple[np.ndarray, bool]:
    """Components at their scale, and whether abundances at a free brightness are shares of area."""
    if chosen == "raw":
        return S, False
    S = S / np.linalg.norm(S, axis=1, keepdims=True)
    if scale == "unit":
        return S, False
    t = _even(nnls(X, S))
    areas = scale == "even" or bool(t.max() < CONTRAST * t.min())
    return (S / t[:, None] if areas else S), areas


def _left(view: np.ndarray, S: np.ndarray, chosen: str) -> float:
    C = fcls(view, S) if chosen == "raw" else nnls(view, S)
    return float(((view - C @ S) ** 2).sum() / max(((view - view.mean(0)) ** 2).sum(), 1e-300))


def _drawn(X: np.ndarray, n: int, seed: int) -> np.ndarray:
    if len(X) <= n:
        return X
    return X[np.sort(np.random.default_rng([seed, 2]).permutation(len(X))[:n])]


def _check_options(X: np.ndarray, k: int | None, most: int, normalise: str, scale: str) -> None:
    if k is not None:
        check_count(X, k)
    if int(most) != most or most < 1:
        raise ParameterError(f"most is {most}: must be a whole number of at least 1.")
    if normalise not in ("auto", "raw", "unit") or scale not in ("auto", "unit", "even"):
        raise ParameterError(f"normalise is {normalise!r}, scale {scale!r}. Try auto, raw or unit; auto, unit or even.")


def _sentence(k: int, chosen: str, areas: bool, evidence: dict[str, Any]) -> str:
    words = [f"{k} component{'s' * (k != 1)}"]
    words.append(count_words(k, evidence["counts"]) if evidence["counts"] else "as asked")
    if evidence["light"] is not None:
        free = "so brightness is free (unit norm)" if chosen == "unit" else "so brightness is kept (raw)"
        words.append(f"the light spreads by {evidence['light']:.0%}, {free}")
    if chosen == "unit":
        words.append(f"abundances are shares of {'area' if areas else 'light'}")
    return "; ".join(words) + "."
