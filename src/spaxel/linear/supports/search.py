"""A walk over sets of known spectra from the best to the next best, until those that matter were looked at.

Starts: one spectrum added after the other; non-negative least squares of all, one taken away after the other; where these two
end at different sets, also several sets at a time that grow together. Then the best set whose neighbours were not looked at
is opened (one more, one less, one exchanged), again and again. After Hans, Dobra & West 2007 (doi:10.1198/016214507000000121),
without chance.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from spaxel.linear.supports.energies import SPARE, Energies, Pool, Set

NEAR = 10.0  # below the best, up to which a set is kept
OPENED = 6.0  # below the best, up to which the neighbours of a set are looked at
STEPS = 40  # sets that are opened at most
WIDTH = 24  # sets that grow together
BEYOND = 3  # spectra that are added though each makes it worse
HOTTER = 1.1  # times the heat, from which the walk begins anew
ROUNDS = 3


def search(pool: Pool, x: np.ndarray, steps: int = STEPS) -> tuple[Energies, bool]:
    """The sets that may explain a spectrum x (channel,), not zero; and whether all that matter were opened."""
    found, heat = Energies(pool, x), 1.0
    for _ in range(ROUNDS):
        grown, shrunk = grow(found), shrink(found)
        if grown != shrunk:
            grow_many(found)
        settled = walk(found, steps)
        heat = heat_of(residual(found, best(found)), found.square)
        if heat <= HOTTER * found.heat:
            break
        found.warm(heat)
        if found.heat < heat / HOTTER and found.seen:
            break
    if not found.seen:
        grow(found)
        settled = walk(found, steps)
    return found, settled


def best(found: Energies) -> Set:
    """The set of least energy."""
    return max(found.seen, key=lambda one: (found.seen[one], one))


def grow(found: Energies) -> Set:
    """One spectrum added after the other, each time the one of least energy; the best set on the way."""
    now: Set = ()
    top, worse = (found.of(now), now), 0
    for _ in range(found.pool.most):
        rows, values = found.with_one_more(now, -np.inf)
        if not len(rows):
            break
        at = int(values.argmax())
        now = _joined(now, int(rows[at]))
        found.seen[now] = float(values[at])
        top, worse = ((values[at], now), 0) if values[at] > top[0] else (top, worse + 1)
        if worse == BEYOND:
            break
    return top[1]


def grow_many(found: Energies, width: int = WIDTH) -> None:
    """As `grow`, with the best sets of each number side by side."""
    front: list[Set] = [()]
    for _ in range(found.pool.most):
        larger: dict[Set, float] = {}
        for base in front:
            rows, values = found.with_one_more(base, -np.inf)
            for at in np.argsort(-values, kind="stable")[:width]:
                larger[_joined(base, int(rows[at]))] = float(values[at])
        front = sorted(larger, key=lambda one: (-larger[one], one))[:width]
        found.seen |= {one: larger[one] for one in front}


def shrink(found: Energies) -> Set:
    """From non-negative least squares of the whole pool, the spectrum that is missed least taken away; the best on the way."""
    pool = found.pool
    try:
        amounts = nnls(pool.spectra.T, found.x, maxiter=3 * pool.size)[0]
    except RuntimeError:  # it did not end
        return ()
    rows = np.flatnonzero(amounts)
    rows = np.sort(rows[np.argsort(-amounts[rows], kind="stable")][: pool.most + SPARE - 1])
    now: Set = tuple(rows.tolist())
    top = (-np.inf, now)
    while now:
        if len(now) <= pool.most:
            top = max(top, (found.of(now), now))
        smaller = [now[:i] + now[i + 1 :] for i in range(len(now))]
        now = max(smaller, key=lambda one: (found.of(one, keep=len(one) <= pool.most), one))
    return max(top, (found.of(()), ()))[1]


def walk(found: Energies, steps: int) -> bool:
    """Open the best sets that were not opened, at most so many; whether none is left that is near the best."""
    done: set[Set] = set()
    for _ in range(steps):
        top = max(found.seen.values())
        open_now = _best_of_others(found.seen, done, top - OPENED)
        if open_now is None:
            return True
        done.add(open_now)
        _open(found, open_now, top - NEAR)
    return False


def _best_of_others(seen: dict[Set, float], done: set[Set], least: float) -> Set | None:
    """The best set above `least` that is not done, of equals the last; written out since it is asked at each step."""
    found, most = None, least
    for one, value in seen.items():
        if value >= most and one not in done and (value > most or (found is not None and one > found)):
            found, most = one, value
    return found


def _open(found: Energies, chosen: Set, least: float) -> None:
    """Look at all neighbours of a set."""
    less = [chosen[:i] + chosen[i + 1 :] for i in range(len(chosen))]
    for base in [chosen] * (len(chosen) < found.pool.most) + less:
        if base in found.opened:
            continue
        found.opened.add(base)
        found.of(base)
        for row, value in zip(*(part.tolist() for part in found.with_one_more(base, least)), strict=True):
            found.seen[_joined(base, row)] = value


def _joined(base: Set, row: int) -> Set:
    return tuple(sorted((*base, row)))


def residual(found: Energies, chosen: Set) -> np.ndarray:
    """What a set leaves of the spectrum, (channel,)."""
    return found.x - found.fit(chosen)[0] @ found.pool.spectra[list(chosen)] if chosen else found.x


def heat_of(rest: np.ndarray, square: float) -> float:
    """How many neighbouring channels tell as much as one, by the autocorrelation of what is left: 1 for white noise.

    1 + 2 Σ ρ over the first lags that stand above chance. square : of the spectrum, beside which nothing is left
    """
    n = len(rest)
    if n < 8 or rest @ rest <= 1e-20 * square:
        return 1.0
    power = np.abs(np.fft.rfft(rest, 2 * n)) ** 2
    rho = np.fft.irfft(power)[: n // 4]
    rho = rho[1:] / rho[0]
    chance = 2 / np.sqrt(n)
    if not len(rho) or rho[0] < 1.25 * chance:
        return 1.0
    low = np.flatnonzero(rho <= chance)
    return float(1 + 2 * rho[: low[0] if len(low) else len(rho)].sum())
