"""Components of an image: group means, their largest simplex, abundances; at which normalisation, and how many.

Every rule here was chosen on simulated scenes (benchmarks/unmixing_world.py), none on a real one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from spaxel.errors import ParameterError
from spaxel.linear.abundances import fcls, free_brightness, nnls
from spaxel.linear.pca import fit_pca
from spaxel.linear.scene.corners import STARTS, best_fit, count_corners, count_words
from spaxel.linear.vertex import check_count, check_spectra

Normalisation = Literal["raw", "unit"]
PIXELS = 8000  # that are looked at for the components
FEWER = 3000  # and for their number
LIGHT = 0.10  # spread of the light from which on it is uneven
GAIN = 0.04  # spread of the light x what freeing the brightness takes off the residual, at least, for that: dark noise has none


@dataclass(frozen=True)
class SceneComponents:
    """What an image is mixed of: x ≈ brightness · abundances @ components.

    components  : (k, channel), at raw normalisation as bright as found, at unit norm with norm 1 (or evened)
    abundances  : (n, k), sum 1; nan where a spectrum is zero and brightness is free
    brightness  : (n,), 1 at raw normalisation
    unexplained : share of the variance, at the normalisation, that the mixture leaves
    evidence    : light (spread), relief, counts (a row per number tried, empty if it was given)
    sentence    : how many, why, and how sure, in words
    """

    components: np.ndarray
    abundances: np.ndarray
    brightness: np.ndarray
    normalisation: Normalisation
    unexplained: float
    evidence: dict[str, Any]
    sentence: str

    @property
    def n_components(self) -> int:
        """The number of components."""
        return len(self.components)


class _Reduced(NamedTuple):
    scores: np.ndarray
    mean: np.ndarray
    basis: np.ndarray


def scene_components(
    X: np.ndarray,
    n_components: int | None = None,
    *,
    seed: int = 0,
    most: int = 10,
    normalise: Normalisation | Literal["auto"] = "auto",
    scale: Literal["unit", "even"] = "unit",
) -> SceneComponents:
    """The components of an image, their abundances, and if not given their number.

    X         : (n, channel) spectra of the usable pixels
    most      : upper bound of the number, where it is not given (NWHFC, HySime: they overshoot)
    normalise : raw (pixels as they are), unit (each over its norm), auto: unit if the light is uneven
    scale     : of the components where brightness is free, which no data tell: all of norm 1, or such that the
                brightness is as even as it can be (nearer to shares of area, less stable with dark materials)
    Centres of 3 or 5 k-means groups per component -> largest simplex among them (N-FINDR) -> sum-to-one abundances; of
    ten starts the one that leaves least variance unexplained. Light is uneven if the brightness at free abundances spreads
    by more than 10 %, and that spread times the share that freeing it adds to the fit exceeds 0.04. The number is the
    largest of which every component is needed (residual x 1.3 without it), apart from mixtures of the others, and carried
    by pixels.
    Winter 1999, doi:10.1117/12.366289; Nascimento & Dias 2005 for the model; the rules are ours.
    Raises CubeError for NaN or no data, ParameterError for a number that the data cannot have.
    Fails without nearly pure groups of pixels (spectra then mix), on materials rarer than about 0.3 % of the pixels,
    on materials that differ in brightness alone, and if light and material go together.
    """
    X = check_spectra(X)
    _check_options(X, n_components, most, normalise, scale)
    norm = np.linalg.norm(X, axis=1)
    lit = X[norm > 0]
    sample = _drawn(lit, PIXELS, seed)
    views = {"raw": sample, "unit": sample / np.linalg.norm(sample, axis=1, keepdims=True)}
    chosen, evidence = _decide(views, n_components, most, normalise, seed)
    k = evidence["n_components"][chosen]
    reduced = _reduce(views[chosen], max(k, min(most, 12)))
    fit = best_fit(reduced.scores, k, seed, STARTS)
    S = fit.corners @ reduced.basis.T + reduced.mean
    S, A, b = _unmix(X, S, chosen, scale)
    order = np.argsort(-np.nanmean(A, axis=0), kind="stable")
    target = views[chosen]
    left = _left(target, S, chosen)
    evidence = evidence | {"counts": evidence["counts"].get(chosen, [])}
    return SceneComponents(S[order], A[:, order], b, chosen, left, evidence, _sentence(k, chosen, evidence))


def _decide(
    views: dict[str, np.ndarray], k: int | None, most: int, normalise: str, seed: int
) -> tuple[Normalisation, dict[str, Any]]:
    """Normalisation, and the evidence for it and for the number at each normalisation that was looked at."""
    evidence: dict[str, Any] = {"light": None, "relief": None, "counts": {}, "n_components": {}}
    few = {name: _reduce(_drawn(view, FEWER, seed), max(most + 2, k or 1)) for name, view in views.items()}

    def number(name: str) -> int:
        if k is not None:
            return k
        evidence["counts"][name] = rows = count_corners(few[name].scores, most, seed)
        return max((row["n_components"] for row in rows if row["holds"]), default=1)

    if normalise == "raw":
        evidence["n_components"]["raw"] = number("raw")
        return "raw", evidence
    evidence["n_components"]["unit"] = found = number("unit")
    light = _light(_drawn(views["raw"], FEWER, seed), few, found, seed)
    evidence |= light
    if normalise == "unit" or _uneven(**light):
        return "unit", evidence
    evidence["n_components"]["raw"] = number("raw")
    return "raw", evidence


def _light(X: np.ndarray, few: dict[str, _Reduced], k: int, seed: int) -> dict[str, float]:
    """Spread of the brightness at free abundances, and what freeing it takes off the residual of the raw mixture."""
    corners = {name: best_fit(r.scores, k, seed, 2).corners @ r.basis.T + r.mean for name, r in few.items()}
    C = nnls(X, corners["unit"])
    b = C @ _even(C)
    norm = np.linalg.norm(X, axis=1)
    weight = np.minimum(norm / np.median(norm), 1.0) ** 2
    center = np.average(b, weights=weight)
    spread = np.sqrt(np.average((b - center) ** 2, weights=weight)) / center
    closed = ((X - fcls(X, corners["raw"]) @ corners["raw"]) ** 2).sum()
    free = ((X - nnls(X, corners["raw"]) @ corners["raw"]) ** 2).sum()
    return {"light": float(spread), "relief": float(closed / max(free, 1e-12 * (X**2).sum()))}


def _uneven(light: float, relief: float) -> bool:
    return light > LIGHT and light * (relief - 1) > GAIN


def _even(C: np.ndarray) -> np.ndarray:
    """Scales t >= 0 for which C t is nearest to 1, and none less than a hundredth of the largest. C : (n, k) -> (k,)."""
    t = nnls(np.ones((1, len(C))), C.T)[0]
    return np.maximum(t, 0.01 * t.max())


def _unmix(X: np.ndarray, S: np.ndarray, chosen: str, scale: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Components at their scale, abundances, brightness."""
    if chosen == "raw":
        return S, fcls(X, S), np.ones(len(X))
    S = S / np.linalg.norm(S, axis=1, keepdims=True)
    if scale == "even":
        S = S / _even(nnls(X, S))[:, None]
    return S, free_brightness(X, S), nnls(X, S).sum(1)


def _left(view: np.ndarray, S: np.ndarray, chosen: str) -> float:
    C = fcls(view, S) if chosen == "raw" else nnls(view, S)
    return float(((view - C @ S) ** 2).sum() / max(((view - view.mean(0)) ** 2).sum(), 1e-300))


def _reduce(view: np.ndarray, d: int) -> _Reduced:
    """Scores on d principal components: the noise off them does not blur the comparison."""
    projection = fit_pca(view, min(d, *view.shape))
    scores = (view - projection.mean) @ projection.basis
    scores[np.abs(scores) < 1e-12 * np.abs(view).max()] = 0.0  # rounding is no direction
    return _Reduced(scores, projection.mean, projection.basis)


def _drawn(X: np.ndarray, n: int, seed: int) -> np.ndarray:
    if len(X) <= n:
        return X
    return X[np.sort(np.random.default_rng([seed, 2]).permutation(len(X))[:n])]


def _check_options(X: np.ndarray, k: int | None, most: int, normalise: str, scale: str) -> None:
    if k is not None:
        check_count(X, k)
    if int(most) != most or most < 1:
        raise ParameterError(f"most is {most}: must be a whole number of at least 1.")
    if normalise not in ("auto", "raw", "unit") or scale not in ("unit", "even"):
        raise ParameterError(f"normalise is {normalise!r}, scale {scale!r}. Try auto, raw or unit; unit or even.")


def _sentence(k: int, chosen: str, evidence: dict[str, Any]) -> str:
    words = [f"{k} component{'s' * (k != 1)}"]
    words.append(count_words(k, evidence["counts"]) if evidence["counts"] else "as asked")
    if evidence["light"] is not None:
        free = "so brightness is free (unit norm)" if chosen == "unit" else "so brightness is kept (raw)"
        words.append(f"the light spreads by {evidence['light']:.0%}, {free}")
    return "; ".join(words) + "."
