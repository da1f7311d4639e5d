"""Components of an image: group means, their largest simplex, abundances; at which normalisation, and how many.

Every rule here was chosen on simulated scenes (benchmarks/unmixing_world.py), none on a real one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from sklearn.cluster import KMeans

from spaxel.errors import CubeError, ParameterError
from spaxel.linear.abundances import fcls, free_brightness, nnls
from spaxel.linear.pca import fit_pca
from spaxel.linear.vertex import check_count, check_spectra, nfindr

Normalisation = Literal["raw", "unit"]
PIXELS = 8000  # that are looked at for the components
FEWER = 3000  # and for their number
GROUPS = 3  # k-means centres per component
RESTARTS = 5
PATIENCE = 3  # counts that fail in a row before the search ends
LIGHT = 0.10  # spread of the light from which on it is uneven
RELIEF = 1.1  # by how much a free brightness must lower the residual for the light to be called uneven
NEEDED = 1.3  # unexplained variance without a component over that with it, at least
APART = 0.35  # distance of a component from all mixtures of the others, in spreads of the scene, at least
SUPPORT = 0.002  # share of pixels of which a component makes more than half, at least
MASS = 0.005  # mean abundance of a component, at least


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


class _Fit(NamedTuple):
    corners: np.ndarray  # (k, d) scores
    shares: np.ndarray  # (n, k)
    unexplained: float


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
    Centres of 3 k-means groups per component -> largest simplex among them (N-FINDR) -> sum-to-one abundances; of five
    starts the one that leaves least variance unexplained. Light is uneven if brightness at free abundances spreads by
    more than 10 % and freeing it lowers the residual by more than 10 %. The number is the largest of which every
    component is needed (residual x 1.3 without it), apart from mixtures of the others, and carried by pixels.
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
    fit = _best_fit(reduced.scores, k, seed, RESTARTS)
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
    few = {name: _reduce(_drawn(view, FEWER, seed), min(most + 2, *view.shape)) for name, view in views.items()}

    def number(name: str) -> int:
        if k is not None:
            return k
        evidence["counts"][name] = rows = _count(few[name].scores, most, seed)
        return max((row["n_components"] for row in rows if row["holds"]), default=1)

    if normalise == "raw":
        evidence["n_components"]["raw"] = number("raw")
        return "raw", evidence
    evidence["n_components"]["unit"] = found = number("unit")
    evidence |= _light(_drawn(views["raw"], FEWER, seed), few, found, seed)
    if normalise == "unit" or (evidence["light"] > LIGHT and evidence["relief"] > RELIEF):
        return "unit", evidence
    evidence["n_components"]["raw"] = number("raw")
    return "raw", evidence


def _light(X: np.ndarray, few: dict[str, _Reduced], k: int, seed: int) -> dict[str, float]:
    """Spread of the brightness at free abundances, and what freeing it takes off the residual of the raw mixture."""
    corners = {name: _best_fit(r.scores, k, seed, 2).corners @ r.basis.T + r.mean for name, r in few.items()}
    C = nnls(X, corners["unit"])
    b = C @ _even(C)
    norm = np.linalg.norm(X, axis=1)
    weight = np.minimum(norm / np.median(norm), 1.0) ** 2
    center = np.average(b, weights=weight)
    spread = np.sqrt(np.average((b - center) ** 2, weights=weight)) / center
    closed = ((X - fcls(X, corners["raw"]) @ corners["raw"]) ** 2).sum()
    free = ((X - nnls(X, corners["raw"]) @ corners["raw"]) ** 2).sum()
    return {"light": float(spread), "relief": float(closed / max(free, 1e-12 * (X**2).sum()))}


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


def _count(scores: np.ndarray, most: int, seed: int) -> list[dict[str, Any]]:
    """For each number from 2: what its weakest component is worth, and whether all hold."""
    rows: list[dict[str, Any]] = []
    for k in range(2, min(most, *scores.shape) + 1):
        try:
            fit = _best_fit(scores, k, seed, 3)
            rows.append({"n_components": k, "unexplained": fit.unexplained} | _worth(scores, fit))
        except (ParameterError, CubeError):  # no such simplex: the data have fewer directions
            break
        if len(rows) >= PATIENCE and not any(row["holds"] for row in rows[-PATIENCE:]):
            break
    return rows


def _worth(scores: np.ndarray, fit: _Fit) -> dict[str, Any]:
    """The least of what each component is needed, apart, carried by pixels, and abundant."""
    spread = np.sqrt((scores**2).sum() / len(scores))
    needed, apart = [], []
    for j in range(len(fit.corners)):
        others = np.delete(fit.corners, j, axis=0)
        rest = scores - fcls(scores, others) @ others
        needed.append((rest**2).sum() / (scores**2).sum() / max(fit.unexplained, 1e-12))
        apart.append(np.linalg.norm(fit.corners[j] - fcls(fit.corners[j : j + 1], others) @ others) / spread)
    row = {
        "needed": float(min(needed)), "apart": float(min(apart)),
        "support": float((fit.shares > 0.5).mean(0).min()), "mass": float(fit.shares.mean(0).min()),
    }  # fmt: skip
    holds = row["needed"] >= NEEDED and row["apart"] >= APART and row["support"] >= SUPPORT and row["mass"] >= MASS
    return row | {"holds": bool(holds)}


def _best_fit(scores: np.ndarray, k: int, seed: int, restarts: int) -> _Fit:
    """Of several starts, the simplex of group centres that leaves least unexplained. scores : (n, d), mean 0."""
    total = max((scores**2).sum(), 1e-300)
    if k == 1:
        return _Fit(np.zeros((1, scores.shape[1])), np.ones((len(scores), 1)), 1.0)
    fits = []
    for i in range(restarts):
        centers = _centers(scores, GROUPS * k, seed * RESTARTS + i)
        corners = centers[nfindr(centers, k).indices]
        shares = fcls(scores, corners)
        fits.append(_Fit(corners, shares, float(((scores - shares @ corners) ** 2).sum() / total)))
    return min(fits, key=lambda fit: fit.unexplained)


def _centers(scores: np.ndarray, groups: int, seed: int) -> np.ndarray:
    distinct = np.unique(scores, axis=0)
    if len(distinct) <= groups:
        return distinct
    return KMeans(groups, n_init=1, max_iter=100, random_state=seed % 2**31).fit(scores).cluster_centers_


def _reduce(view: np.ndarray, d: int) -> _Reduced:
    """Scores on d principal components: the noise off them does not blur the comparison."""
    projection = fit_pca(view, min(d, *view.shape))
    return _Reduced((view - projection.mean) @ projection.basis, projection.mean, projection.basis)


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
    rows = {row["n_components"]: row for row in evidence["counts"]}
    if not rows:
        words.append("as asked")
    else:
        held, beyond = rows.get(k), [row for row in rows.values() if row["n_components"] > k]
        if held:
            words.append(f"without the weakest {held['needed']:.1f} x as much stays unexplained")
        if beyond:
            words.append(f"with one more its weakest would be worth {beyond[0]['needed']:.2f} x ({NEEDED} is asked)")
        words.append(f"this count is {_sure(held, beyond[0] if beyond else None)}")
    if evidence["light"] is not None:
        words.append(
            f"the light spreads by {evidence['light']:.0%}, so brightness is "
            + ("free (unit norm)" if chosen == "unit" else "kept (raw)")
        )
    return "; ".join(words) + "."


def _sure(held: dict[str, Any] | None, beyond: dict[str, Any] | None) -> str:
    """In words, by the distance of the accepted and the refused weakest component from the threshold."""
    low = held["needed"] / NEEDED if held else 1.5
    high = min(beyond["needed"] / NEEDED, beyond["apart"] / APART) if beyond else 1.0
    if low > 1.5 and high < 0.95:
        return "clear"
    return "fair" if low > 1.15 and high < 1.0 else "uncertain"
