"""One half of an alternating factorisation: the concentrations for given spectra, or the spectra for given concentrations.

Both are the same problem, turned: rows of unknowns c (n, k) with c s ≈ x. Every function here lowers the cost or keeps it, at
any weights. Inner parts of `constrained.py`: they trust their arguments.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.linear.constrained.trilinear import alike_in_runs
from spaxel.linear.constrained.unimodal import unimodal_in_runs

FLOOR = 1e-12  # of the mean, below which an expected count is no longer divided by


class Table(NamedTuple):
    """x : (n, channel), 0 where the weight is 0      w : (n, channel) weights, None = all 1      row : (n,) weights of rows."""

    x: np.ndarray
    w: np.ndarray | None
    row: np.ndarray

    def turned(self) -> Table:
        """The transposed table; its weights hold those of the rows, its own rows weigh 1."""
        x, ones = np.ascontiguousarray(self.x.T), np.ones(self.x.shape[1])
        if self.w is None and (self.row == 1).all():
            return Table(x, None, ones)
        w = np.broadcast_to(self.row, x.shape) if self.w is None else self.w.T * self.row
        return Table(x, np.ascontiguousarray(w), ones)


class Rules(NamedTuple):
    """What holds for the unknowns of one half.

    lowest : 0, or -inf where they may be negative      closed : their sum is 1
    runs   : (n,) of each row, then every column has one maximum per run; None: no such rule
    fixed  : so many columns, from the first, stay as they are      pull : (k, k) added to every Gram matrix, None = 0
    allowed : (n, k) bool, False where an unknown is 0; None: everywhere
    alike  : (run, time) rows of each run, then every column is the same in each up to its height; None: no such rule
    """

    lowest: float = 0.0
    closed: bool = False
    runs: np.ndarray | None = None
    fixed: int = 0
    pull: np.ndarray | None = None
    allowed: np.ndarray | None = None
    alike: np.ndarray | None = None


def least_squares(table: Table, s: np.ndarray, c: np.ndarray, rules: Rules, sweeps: int) -> np.ndarray:
    """Better c (n, k) by coordinate descent on ½ Σ row w (x - c s)², exact in each coordinate (in each pair, if closed)."""
    b = (table.x if table.w is None else table.w * table.x) @ s.T
    gram = _grams(table.w, s)
    if rules.pull is not None:
        gram = gram + rules.pull
    c = c.copy()
    g = b - (c @ gram[0] if len(gram) == 1 else np.einsum("nk,nkj->nj", c, gram))
    for _ in range(sweeps):
        _pairs(c, g, gram, rules.allowed) if rules.closed else _sweep(c, g, gram, rules, table.row)
    return _shares(c) if rules.closed else c


def _shares(c: np.ndarray) -> np.ndarray:
    return np.asarray(c / c.sum(1, keepdims=True))


def _grams(w: np.ndarray | None, s: np.ndarray) -> np.ndarray:
    """s diag(w_i) sᵀ of every row i, (n, k, k), or one for all, (1, k, k)."""
    if w is None:
        return (s @ s.T)[None]
    k = len(s)
    return (w @ (s[:, None] * s[None]).reshape(k * k, -1).T).reshape(-1, k, k)


def _sweep(c: np.ndarray, g: np.ndarray, gram: np.ndarray, rules: Rules, row: np.ndarray) -> None:
    for j in range(rules.fixed, c.shape[1]):
        curve = np.broadcast_to(gram[:, j, j], len(c))
        new = _column(c[:, j], g[:, j], curve, rules, row, j) if curve.any() else c[:, j]
        g -= (new - c[:, j])[:, None] * gram[:, j]
        c[:, j] = new


def _column(old: np.ndarray, slope: np.ndarray, curve: np.ndarray, rules: Rules, row: np.ndarray, j: int) -> np.ndarray:
    """Of column j, what costs least under the rules (n,), or with runs alike: what costs no more than the old one.

    slope, curve : (n,) the cost of a change d is Σ row (½ curve d² - slope d)
    """
    if rules.alike is not None:
        bend = row * curve if rules.allowed is None else np.where(rules.allowed[:, j], row * curve, 0.0)
        pull = np.where(bend > 0, row * (slope + curve * old), 0.0)
        return alike_in_runs(pull, bend, old, rules.alike, one_maximum=rules.runs is not None)
    if rules.runs is not None:
        return _unimodal(row * (slope + curve * old), row * curve, rules, j)
    seen = curve > 0
    new = np.where(seen, np.maximum(old + slope / np.where(seen, curve, 1.0), rules.lowest), old)
    return new if rules.allowed is None else np.where(rules.allowed[:, j], new, 0.0)


def _unimodal(a: np.ndarray, b: np.ndarray, rules: Rules, j: int, *, counts: bool = False) -> np.ndarray:
    """`unimodal_in_runs` of column j among the rows in which it may be."""
    runs = np.zeros(len(a), int) if rules.runs is None else rules.runs
    if rules.allowed is None:
        return unimodal_in_runs(a, b, runs, counts=counts)
    out, rows = np.zeros(len(a)), rules.allowed[:, j]
    out[rows] = unimodal_in_runs(a[rows], b[rows], runs[rows], counts=counts)
    return out


def _pairs(c: np.ndarray, g: np.ndarray, gram: np.ndarray, allowed: np.ndarray | None) -> None:
    """Amounts move between two components at a time, so that the sum stays; none to where it is not allowed."""
    for p in range(c.shape[1]):
        for q in range(p + 1, c.shape[1]):
            curve = gram[:, p, p] + gram[:, q, q] - 2 * gram[:, p, q]
            step = np.where(curve > 0, (g[:, p] - g[:, q]) / np.where(curve > 0, curve, 1.0), 0.0)
            step = np.clip(step, -c[:, p], c[:, q])
            if allowed is not None:
                step = np.where(allowed[:, p] & allowed[:, q], step, 0.0)
            c[:, p] = np.maximum(c[:, p] + step, 0.0)
            c[:, q] = np.maximum(c[:, q] - step, 0.0)
            g -= step[:, None] * (gram[:, p] - gram[:, q])


def poisson(table: Table, s: np.ndarray, c: np.ndarray, rules: Rules, sweeps: int) -> np.ndarray:
    """Better c (n, k) for counts: Σ row w (m - x log m), m = c s, by majorisation (Lee & Seung 2001; under closure and one
    maximum the majoriser is minimised exactly as well)."""  # fmt: skip
    for _ in range(sweeps):
        a = c * (weighted_ratio(table, c, s) @ s.T)
        b = (table.w if table.w is not None else np.ones((1, s.shape[1]))) @ s.T
        c = np.concatenate([c[:, : rules.fixed], _least(a, b, rules, table.row)[:, rules.fixed :]], axis=1)
    return c


def _least(a: np.ndarray, b: np.ndarray, rules: Rules, row: np.ndarray) -> np.ndarray:
    """argmin Σ b c - a log c under the rules. a : (n, k), 0 where a component is not allowed      b : (n or 1, k)."""
    if rules.closed:
        c = _closed_root(a, np.broadcast_to(b, a.shape))
        return c if rules.allowed is None else _shares(np.where(rules.allowed, c, 0.0))
    if rules.runs is None:
        return a / np.maximum(b, 1e-300)
    b = np.broadcast_to(b, a.shape)
    columns = [_unimodal(row * a[:, j], row * b[:, j], rules, j, counts=True) for j in range(a.shape[1])]
    return np.column_stack(columns)


def _closed_root(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """c = a / (b + μ) with the μ of each row at which they sum to 1: Newton from the left, where the sum is above 1."""
    a = np.maximum(a, 1e-300)
    mu = (a - b).max(1, keepdims=True)
    for _ in range(60):
        c = a / (b + mu)
        above = c.sum(1, keepdims=True) - 1
        if (above <= 1e-14).all():
            break
        mu = mu + np.where(above > 1e-14, above, 0.0) / (c / (b + mu)).sum(1, keepdims=True)
    c = a / (b + mu)
    return c / c.sum(1, keepdims=True)


def weighted_ratio(table: Table, c: np.ndarray, s: np.ndarray) -> np.ndarray:
    """w x / (c s), (n, channel)."""
    ratio = table.x / np.maximum(c @ s, FLOOR * max(table.x.mean(), 1e-300))
    return ratio if table.w is None else table.w * ratio


def deviations(table: Table, c: np.ndarray, s: np.ndarray, loss: str) -> np.ndarray:
    """What each row costs, (n,), without the weight of the row: ½ Σ w (x - m)², or Σ w (x log (x / m) - x + m)."""
    m = c @ s
    if loss == "gaussian":
        cost = 0.5 * (table.x - m) ** 2
    else:
        m = np.maximum(m, FLOOR * max(table.x.mean(), 1e-300))
        cost = table.x * np.log(np.where(table.x > 0, table.x / m, 1.0)) - table.x + m
    return (cost if table.w is None else table.w * cost).sum(1)
