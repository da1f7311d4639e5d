"""How uncertain abundances are: from the noise of a spectrum, from that of the components, and from rotation."""

from __future__ import annotations

import numpy as np

CURRIE = 3.29  # 2 x 1.645: twice the 95 % quantile, for a false alarm and a miss in one of 20


def abundance_errors(
    amounts: np.ndarray, components: np.ndarray, sigma: np.ndarray, of_components: np.ndarray | None = None
) -> np.ndarray:
    """Standard errors (n, k) of abundances (n, k) by least squares on the components that a spectrum holds.

    components : (k, channel)      sigma : (n,) noise of a channel of each spectrum, one standard deviation
    of_components : (k,) standard error of a channel of each component, None = known exactly
    s_j² = (sigma² + sum_k c_k² e_k²) [(S_A S_A')^-1]_jj, A the components with c > 0, and j itself: the error of a component
    that is not there is that which it would have beside the others. nan where these are mixtures of each other.
    Fails (too small) where the choice of the components is wrong, and knows nothing of rotation.
    """
    n, k = amounts.shape
    gram = components @ components.T
    errors = np.zeros(k) if of_components is None else of_components
    spread = np.sqrt(np.asarray(sigma, np.float64) ** 2 + (amounts**2) @ errors**2)
    held, which = np.unique(amounts > 0, axis=0, return_inverse=True)
    factor = np.array([_diagonal(gram, pattern) for pattern in held]).reshape(len(held), k)
    out = np.sqrt(factor)[which.ravel()] * spread[:, None]
    out[~np.isfinite(amounts).all(1)] = np.nan
    return out.reshape(n, k)


def _diagonal(gram: np.ndarray, held: np.ndarray) -> np.ndarray:
    """[(S_A S_A')^-1]_jj for each j, A being what is held and j: (k,)."""
    out, active = np.full(len(gram), np.nan), np.flatnonzero(held)
    inverse = _inverse(gram[np.ix_(active, active)])
    if inverse is None:
        return out
    out[active] = inverse.diagonal()
    for j in np.flatnonzero(~held):
        beside = gram[j, active]
        rest = gram[j, j] - beside @ inverse @ beside  # of s_j, what the others do not explain
        out[j] = 1 / rest if rest > 1e-12 * gram[j, j] else np.nan
    return out


def _inverse(gram: np.ndarray) -> np.ndarray | None:
    if not len(gram):
        return np.zeros((0, 0))
    if np.linalg.cond(gram) > 1e12:
        return None
    return np.linalg.inv(gram)


def rotation_errors(concentrations: np.ndarray, components: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """What rotation adds: (k, k, k), so that c R_j c is the variance of abundance j of a spectrum with abundances c (k,).

    concentrations : (n, k) of the fit, exact zeros among them      sigma : (n,) noise of a channel of each spectrum
    A fit may be turned, C (I - M) and (I + M) S, as far as the spectra without j allow: C_Z M_j = noise, Z those with c_j = 0,
    so Cov M_j = [(S S')^-1]_jj (sum_Z c_i c_i' / sigma_i²)^-1. Where zeros do not hold it, R_j is nan: it is open.
    """
    k = len(components)
    out = np.full((k, k, k), np.nan)
    inverse = _inverse(components @ components.T)
    if inverse is None:
        return out
    weighed = concentrations / np.maximum(sigma, 1e-300)[:, None]
    for j in range(k):
        others = np.arange(k) != j
        some = weighed[np.ix_(concentrations[:, j] == 0, others)]
        held = _inverse(some.T @ some)
        if held is not None:
            out[j] = 0
            out[j][np.ix_(others, others)] = held * inverse[j, j]
    return out


def detection_limits(amounts: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """The abundance (k,) that would be told from none in 19 of 20 spectra, with a false alarm in one of 20 (Currie 1968).

    3.29 times the median standard error of spectra without the component; of all spectra where fewer than three lack it.
    amounts, errors : (n, k)      doi:10.1021/ac60259a007
    """
    out = np.full(amounts.shape[1], np.nan)
    for j, (own, error) in enumerate(zip(amounts.T, errors.T, strict=True)):
        finite = np.isfinite(error)
        absent = finite & (own == 0)
        some = error[absent if absent.sum() >= 3 else finite]
        out[j] = CURRIE * float(np.median(some)) if len(some) else np.nan
    return out
