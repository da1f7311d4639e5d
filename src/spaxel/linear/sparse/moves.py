"""Moves out of local optima of the sparse factorisation. Each gives a model, and is kept only where the objective falls.

flagged    samples that the model does not explain
deflate    take out the spectra that live in flagged samples, look for others in the span that the rest leaves
prune      remove the spectra that are cheapest to lose
join       two spectra that are in the same samples, always in one ratio
split off  a spectrum that always comes with a second in the same ratio is the sum of both
halve      a spectrum that stands for two near twins becomes both
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np
from scipy.optimize import nnls

from spaxel.linear.sparse.codes import Model, Prices, Problem, anneal, code, residual_chi2, unit, valued
from spaxel.linear.sparse.starts import farthest, subspace

WORST = 5.0  # robust z of chi2 from which a sample is flagged
WEAKEST = 12  # spectra whose removal is tried
CHEAP = 10.0  # loss of a spectrum, in its price, up to which leaving it out is tried
MOST_CROWDED = 5  # components given back at a time
TOGETHER, FEWEST = 0.85, 4  # share of its samples in which a difference comes with its twin, and how many these are
ALIKE, SAME = 0.95, 0.2  # cosine from which two spectra are twins; how much more than the fixed ratio is something else
STEADY = 1e-3  # relative spread of a ratio of codes up to which it is one
HALVED = 8  # spectra that are tried as two
ENDS = 0.15, 0.85  # quantiles of what two spectra differ by at which they begin
GAIN = 30.0  # of the objective below which reheating stops


def flagged(problem: Problem, model: Model) -> np.ndarray:
    """Which samples are explained much worse than the others: (n,) bool, by median and absolute deviation of chi2."""
    chi2 = residual_chi2(problem, model)
    middle = np.median(chi2)
    spread = max(1.4826 * float(np.median(np.abs(chi2 - middle))), np.sqrt(2 * problem.y.shape[1]) / 2)
    return chi2 - middle > WORST * spread


def best(*models: Model) -> Model:
    """The one with the lowest objective; the first of equals."""
    return min(models, key=lambda m: m.objective)


def without(problem: Problem, model: Model, j: int) -> Model:
    """The model without spectrum j: the samples that used it are coded anew by the others."""
    rows = np.flatnonzero(model.c[:, j])
    c, s = np.delete(model.c, j, axis=1), np.delete(model.s, j, axis=0)
    price = 2 * problem.per_code * problem.sigma**2
    c[rows] = code(problem.y[rows], s, c[rows], 3, Prices(problem.sigma, price), warm=2)
    part = replace(problem, y=problem.y[rows])
    before, after = Model(model.c[rows], model.s), Model(c[rows], s)
    change = (residual_chi2(part, after).sum() - residual_chi2(part, before).sum()) / 2
    change += problem.per_code * (np.count_nonzero(after.c) - np.count_nonzero(before.c)) - problem.per_spectrum
    return Model(c, s, model.objective + float(change))


def cheapest_loss(problem: Problem, model: Model) -> Model:
    """The model without the one spectrum, of the weakest, whose loss costs the least (or gains the most)."""
    weakest = np.argsort((model.c**2).sum(0), kind="stable")[:WEAKEST]
    return best(*(without(problem, model, int(j)) for j in weakest))


def prune(problem: Problem, model: Model, at_most: int | None = None, at_least: int = 1) -> Model:
    """Remove spectra while that lowers the objective, or while there are more than `at_most`."""
    while model.k > at_least:
        smaller = cheapest_loss(problem, model)
        if smaller.objective >= model.objective and (at_most is None or model.k <= at_most):
            break
        model = valued(problem, smaller.c, smaller.s)
    return model


def deflate(problem: Problem, model: Model, share: float, at_most: int | None) -> Model | None:
    """Drop spectra with more than `share` of their use in flagged samples, and find what is missing anew; None = nothing.

    What the kept spectra cannot explain lies in a few dimensions. Its purest samples are the missing spectra plus what is
    mixed into them; a missing spectrum itself is no larger than any sample that holds it over its code, so it is read off
    as the lower quartile of those ratios.
    """
    bad = flagged(problem, model)
    if not bad.any():
        return None
    use = model.c[bad].sum(0) / np.maximum(model.c.sum(0), 1e-300)
    kept, codes = model.s[use <= share], model.c[:, use <= share]
    new = _missing(problem, kept)
    if len(new) == 0 or len(new) + len(kept) == 0:
        return None
    codes = np.hstack([codes, np.zeros((len(codes), len(new)), codes.dtype)])
    trial = anneal(problem, np.vstack([kept, new]), codes, rounds=6, l1=5.0, hot=False)
    return prune(problem, trial, at_most)


def _missing(problem: Problem, kept: np.ndarray) -> np.ndarray:
    """Spectra that the kept ones lack: (r, channel), r by the singular values that noise cannot make."""
    y, (n, d) = problem.y, problem.y.shape
    q = np.linalg.qr(kept.T)[0]
    rest = y - (y @ q) @ q.T
    left, values, _ = subspace(rest, min(n, d))
    noise = problem.sigma * (np.sqrt(max(n - len(kept), 1)) + np.sqrt(max(d - len(kept), 1)))
    r = int((values > 1.03 * noise).sum())
    if r == 0:
        return np.empty((0, d))
    points = left[:, :r] * values[:r]
    chosen = farthest(points, r)
    codes = code(points, points[chosen], np.zeros((n, len(chosen)), y.dtype), 20)
    return np.array([_envelope(problem, c, y[j]) for c, j in zip(codes.T, chosen, strict=True)])


def _envelope(problem: Problem, c: np.ndarray, purest: np.ndarray) -> np.ndarray:
    strong = np.flatnonzero(c > 0.3 * c.max()) if c.max() > 0 else np.empty(0, int)
    if problem.signed or strong.size < 2:
        spectrum = purest
    else:
        spectrum = np.maximum(np.quantile(problem.y[strong] / c[strong, None], 0.25, axis=0), 0)
    norm = np.linalg.norm(spectrum)
    return spectrum / norm if norm > 0 else purest / max(np.linalg.norm(purest), 1e-300)


def split_off(model: Model) -> np.ndarray | None:
    """Spectra (k, channel) in which a companion is added back to the one it always follows; None = no such pair.

    If s_i is missing a s_j, every sample with i also holds j with c_j = a c_i (plus what it truly has of j).
    """
    c, s, found = model.c, model.s.copy(), False
    on = (c > 0).astype(float)
    together = on.T @ on
    uses = np.maximum(on.sum(0), 1)
    for i in range(model.k):
        rows = np.flatnonzero(c[:, i])
        if len(rows) < 3:
            continue
        often = together[i] / len(rows)
        often[i] = 0
        for j in np.flatnonzero(often > 0.6):
            ratio = c[rows, j] / c[rows, i]
            low = float(np.median(ratio[ratio > 0]))
            near = np.mean(np.abs(ratio - low) < 0.25 * low)
            if near > 0.5 and often[j] > 2 * uses[j] / len(c):
                s[i] += low * model.s[j]
                found = True
    return unit(c, s)[1] if found else None


def join(problem: Problem, model: Model) -> Model:
    """The model with spectra that are in the same samples, always in one ratio, as their sum: the same product for less."""
    c, s = model.c.copy(), model.s.copy()
    on = c > 0
    for i, j in combinations(range(model.k), 2):
        if not c[:, i].any() or not c[:, j].any() or (on[:, i] != on[:, j]).any():
            continue
        ratio = c[on[:, i], j] / c[on[:, i], i]
        if ratio.max() - ratio.min() <= STEADY * ratio.max():
            s[i] += ratio.mean() * s[j]
            c[:, j] = 0
    return best(model, valued(problem, *unit(c, s)))


def twins(model: Model) -> tuple[np.ndarray, np.ndarray] | None:
    """Codes and spectra after what makes a component differ from its near twin becomes that component; None = no such.

    Of two spectra that are nearly alike, t = u (s_j + a s_i), a start finds one and the difference: where t is, i and j stand
    in the fixed ratio a. Annealing does not lead from there to codes of t alone, since t and s_i point nearly the same way.
    """
    on = (model.c > 0).astype(float)
    uses = on.sum(0)
    always = on.T @ on > TOGETHER * uses[:, None]  # [j, i]: i is there wherever j is
    c, s, found = model.c.copy(), model.s.copy(), False
    for j, i in np.argwhere(always & (uses[:, None] >= FEWEST) & (uses[:, None] < uses)):
        rows = np.flatnonzero(model.c[:, j])
        ratio = np.sort(model.c[rows, i] / model.c[rows, j])
        steady = max(2, len(ratio) // 3)  # samples of t alone have the least ratio, and all the same
        width = ratio[steady - 1 :] - ratio[: len(ratio) - steady + 1]
        a = float(ratio[int(width.argmin()) :][:steady].mean())
        new = model.s[j] + a * model.s[i]
        if new @ model.s[i] < ALIKE * np.linalg.norm(new):
            continue
        s[j], found = new, True
        c[rows, i] = np.where(model.c[rows, i] > (1 + SAME) * a * model.c[rows, j], c[rows, i] - a * c[rows, j], 0)
    return unit(c, np.maximum(s, 0)) if found else None


def halves(problem: Problem, model: Model) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Codes and spectra after one component becomes two that are nearly alike, for each of those that most likely are two.

    Of near twins that were taken for one spectrum s_j, what is left of a sample with j is c_j t v, where v is what they differ
    by, and t is on one side of zero for the one and on the other side for the other. A sample takes the nearer one.
    """
    rest = problem.y - model.c @ model.s
    uses = np.count_nonzero(model.c, axis=0)
    found = []
    for j in np.flatnonzero(uses >= FEWEST):
        rows = np.flatnonzero(model.c[:, j])
        values, v = np.linalg.svd(rest[rows], full_matrices=False)[1:]
        much = float(values[0] ** 2 / (np.sqrt(len(rows)) + np.sqrt(rest.shape[1])) ** 2)
        found.append((much, int(j), rows, v[0] * np.sign(v[0, np.abs(v[0]).argmax()])))
    for _, k, rows, v in sorted(found, key=lambda one: -one[0])[:HALVED]:
        t = rest[rows] @ v / model.c[rows, k]
        low, high = np.quantile(t, ENDS)
        c = np.hstack([model.c, np.zeros_like(model.c[:, :1])])
        upper = rows[t > (low + high) / 2]
        c[upper, -1], c[upper, k] = c[upper, k], 0
        s = np.vstack([model.s, (model.s[k] + high * v)[None]])
        s[k] += low * v
        yield unit(c, s if problem.signed else np.maximum(s, 0))


def are_twins(model: Model) -> bool:
    """Whether the last spectrum has a near twin, and both are in several samples."""
    cosine = model.s[:-1] @ model.s[-1]
    if not len(cosine):
        return False
    j, uses = int(cosine.argmax()), np.count_nonzero(model.c, axis=0)
    return bool(cosine[j] > ALIKE and min(uses[j], uses[-1]) >= FEWEST)


def give_back(model: Model) -> tuple[np.ndarray, np.ndarray] | None:
    """Codes and spectra after a component found in too many samples is given back to those that lack it; None = no such.

    A spectrum s_j that all others miss a little of turns up as a small code in many samples, c_j = sum_i a_i c_i. These
    a_i, non-negative, are added to the others: s_i + a_i s_j.
    """
    c, s, uses = model.c.copy(), model.s.copy(), np.count_nonzero(model.c, axis=0)
    crowd = np.flatnonzero(uses > 1.7 * np.median(uses) + 3)
    crowd = crowd[np.argsort(-uses[crowd], kind="stable")][:MOST_CROWDED]
    for j in crowd:
        own = c[:, j]
        rows = np.flatnonzero((own > 0) & (own < 0.25 * own.max()))
        others = np.setdiff1d(np.flatnonzero((c[rows] > 0).any(0)), [j])
        if rows.size < 3 or others.size == 0:
            continue
        share = nnls(c[np.ix_(rows, others)], own[rows])[0]
        s[others] += share[:, None] * s[j]
        c[:, j] = np.maximum(own - c[:, others] @ share, 0)
    return unit(c, s) if crowd.size else None


def reheat(problem: Problem, model: Model, pairs: int = 3) -> Model:
    """Anneal again from the model, companions added back if there are any, until the gain is small."""
    for _ in range(pairs):
        before, mended = model.objective, split_off(model)
        if mended is not None:
            model = best(model, anneal(problem, mended, model.c, rounds=8, l1=5.0, hot=False))
        if before - model.objective < GAIN:
            model = best(model, anneal(problem, model.s, model.c, rounds=8, l1=5.0, hot=False))
        if before - model.objective < GAIN:
            break
    return model


def unflag(problem: Problem, model: Model, k: int, most: int = 8) -> Model:
    """Deflate while samples are flagged: forced to k spectra and more, in turn, until neither helps."""
    failed, begun = 0, model
    for step in range(most):
        trial = deflate(problem, model, 0.6 if step % 2 else 0.35, None if step % 2 else k) if failed < 2 else None
        if trial is None:
            break
        if trial.objective >= model.objective:
            trial = reheat(problem, trial, 1)
        failed = 0 if trial.objective < model.objective else failed + 1
        model = best(model, trial)
    return model if model is begun else reheat(problem, model, 1)


def shrink(problem: Problem, model: Model, k: int) -> Model:
    """One spectrum fewer while the objective falls: at once, or reheated where one is cheap or there are more than k."""
    while model.k > 1:
        smaller = cheapest_loss(problem, model)
        if smaller.objective < model.objective:
            model = valued(problem, smaller.c, smaller.s)
            continue
        if model.k <= k and smaller.objective - model.objective > CHEAP * problem.per_spectrum:
            break
        trial = reheat(problem, valued(problem, smaller.c, smaller.s), 1)
        if trial.objective >= model.objective:
            break
        model = trial
    return model
