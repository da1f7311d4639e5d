"""Components that are nearly alike: which, and where along the axis they differ at all."""

from __future__ import annotations

import numpy as np

ALIKE = 0.98  # cosine from which two components are nearly alike
CLEAR = 4.0  # standard errors by which a channel differs
ENERGY = 0.8  # of the difference, that the bands which are named hold
MOST_BANDS, MOST_PAIRS = 4, 5


def alike_sentences(components: np.ndarray, errors: np.ndarray, axis: np.ndarray, units: str) -> list[str]:
    """A sentence for each pair of components (k, channel) whose cosine is above 0.98, most alike first, at most five.

    errors : (k,) standard error of a channel of each component, at norm 1      axis : (channel,) in `units`
    The bands are those that hold most of what the two differ by, as far as this stands above the errors.
    """
    norms = np.maximum(np.linalg.norm(components, axis=1, keepdims=True), 1e-300)
    s = components / norms
    cosine = np.triu(s @ s.T, 1)
    pairs = sorted(map(tuple, np.argwhere(cosine > ALIKE).tolist()), key=lambda pair: -cosine[pair])
    said = [
        f"Components {i} and {j} are nearly alike (cosine {cosine[i, j]:.3f}): "
        f"{_where(s[i] - s[j], errors[[i, j]], axis, units)}"
        for i, j in pairs[:MOST_PAIRS]
    ]
    more = len(pairs) - MOST_PAIRS
    return said + ([f"{more} more pairs of components are nearly alike."] if more > 0 else [])


def _where(difference: np.ndarray, errors: np.ndarray, axis: np.ndarray, units: str) -> str:
    level = CLEAR * float(np.sqrt((errors**2).sum()))
    found = bands(difference, level)
    if not found:
        return "no band tells them apart above the noise, so they may be one. Try one component fewer."
    unit = "" if units == "index" else f" {units}"
    named = [f"{axis[a]:g}" if a == b else f"{axis[a]:g} to {axis[b]:g}" for a, b in found]
    return f"they differ most at {', '.join(named)}{unit}, and what tells their abundances apart is there."


def bands(difference: np.ndarray, level: float) -> list[tuple[int, int]]:
    """First and last channels of runs in which |difference| (channel,) is above the level, in order of the axis.

    At most four: those with the most energy, until they hold four fifths of what is above the level.
    """
    above = np.abs(difference) > level
    edges = np.flatnonzero(np.diff(np.concatenate([[0], above.astype(int), [0]])))
    runs = list(zip(edges[::2], edges[1::2] - 1, strict=True))
    energy = [float((difference[a : b + 1] ** 2).sum()) for a, b in runs]
    total, held, kept = sum(energy), 0.0, []
    for place in np.argsort(energy)[::-1][:MOST_BANDS]:
        if held > ENERGY * total:
            break
        held += energy[place]
        kept.append((int(runs[place][0]), int(runs[place][1])))
    return sorted(kept)
