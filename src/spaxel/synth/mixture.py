"""Samples that mix a few of many components: the benchmark of Chang & Chen (arXiv:2507.23600) and its harder relatives.

A list of spectra is a cube of width 1: `height` is the number of samples. The published benchmark is `mixture(seed=…)` with
n_components 16 … 256, per_component 4 or 8 ("4N", "8N"), most_mixed 4 or 8, and snr_db 20 or 30; everything else is
an option. Concentrations are uniform in 1 … 10, and noise is white in each sample.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from spaxel.cube import make_cube, note
from spaxel.errors import ParameterError
from spaxel.synth.checks import real_number, whole_number

LOWEST = 1e-6  # below which the benchmark cuts noisy spectra
AXES = {  # first and last value, units
    "orthogonal": (0.0, None, "index"),
    "peaks": (200.0, 1800.0, "1/cm"),
    "absorption": (220.0, 780.0, "nm"),
    "mass": (0.0, None, "index"),
}


def mixture(
    height: int | None = None,
    width: int = 1,
    *,
    seed: int = 0,
    n_components: int = 16,
    per_component: int = 4,
    fewest_mixed: int = 1,
    most_mixed: int = 4,
    n_channels: int = 512,
    spectra: str = "orthogonal",
    peak_width: float = 0.01,
    profile: str = "random",
    mixing: str = "linear",
    strength: float = 0.3,
    noise: str = "snr",
    snr_db: float = 20.0,
    counts: float = 100.0,
    outliers: float = 0.0,
    spikes: float = 0.0,
) -> xr.Dataset:
    """Simulated mixtures as a cube of height x width samples, with their truth.

    height, width : samples; None = per_component x n_components      seed : the same seed gives the same bits
    fewest_mixed, most_mixed : components per sample, uniform      n_channels : of the axis
    spectra    : "orthogonal": absolute rows of a random orthogonal matrix (mean cosine 2/π); "peaks": Gaussian bands of
                 `peak_width` (share of the axis), Raman-like; "absorption": few broad bands, UV-Vis-like; "mass": few
                 sharp lines, the rest exactly 0. All of norm 1
    profile    : "random": a draw per sample; "run": components elute one after another, samples in order of time
    mixing     : "linear": y = c S; "saturation": y / (1 + strength y / max y); "absorbance": A (1 - exp(-y / A)), A = max y
                 / strength; "bilinear": plus strength x the products of pairs of components, by share
    noise      : "snr": white in a sample, `snr_db` below its mean square, cut below 1e-6 as the benchmark does; "even":
                 the same everywhere, `snr_db` below the mean of all samples; "poisson": counts, `counts` per channel
                 on average; "none"
    outliers   : share of samples replaced by junk (a spectrum of their own)      spikes : share of entries with a spike
    returns    : cube with truth_spectra (norm 1), truth_abundances (concentrations; 0 in an outlier); attrs truth_outliers
                 (sample numbers)
    Raises ParameterError.
    """
    _check(locals())
    total = (n_components * per_component if height is None else height) * width
    rng = np.random.default_rng([seed, 11])
    pure = _SPECTRA[spectra](rng, n_components, n_channels, peak_width)
    if profile == "run":
        amounts = elution(rng, total, n_components)
    else:
        amounts = draw_amounts(rng, total, n_components, fewest_mixed, most_mixed)
    clean = _MIXING[mixing](amounts, pure, strength)
    junk = np.sort(rng.permutation(total)[: round(outliers * total)])
    strange = _SPECTRA[spectra](rng, len(junk), n_channels, peak_width) if len(junk) else np.empty((0, n_channels))
    clean[junk] = strange * rng.uniform(1, 10, (len(junk), 1))
    amounts[junk] = 0
    scale = counts / clean.mean() if noise == "poisson" else 1.0
    noisy = add_noise(rng, clean * scale, noise, snr_db)
    if spikes:
        where = rng.random(noisy.shape) < spikes
        noisy = noisy + (where * rng.uniform(1, 5, noisy.shape) * noisy.std()).astype(noisy.dtype)
    shape = (total // width, width)
    first, last, units = AXES[spectra]
    cube = make_cube(
        noisy.reshape(*shape, n_channels),
        np.linspace(first, n_channels - 1.0 if last is None else last, n_channels),
        units,
        truth_abundances=(amounts * scale).reshape(*shape, n_components),
        truth_spectra=pure,
        source=f"simulated mixtures, seed {seed}",
        truth_outliers=[int(i) for i in junk],
    )
    level = {"poisson": f"{counts:g} counts per channel", "none": "no noise"}.get(noise, f"{snr_db:g} dB ({noise})")
    return note(
        cube, f"simulated: {total} mixtures of {n_components} {spectra} spectra, {mixing}, {level}, seed {seed}"
    )


def draw_amounts(rng: np.random.Generator, n: int, k: int, fewest: int, most: int) -> np.ndarray:
    """Concentrations (n, k): in each sample a uniform number fewest … most of different components, uniform in 1 … 10."""
    amounts = np.zeros((n, k))
    for row in amounts:
        chosen = rng.choice(k, rng.integers(fewest, most + 1), replace=False)
        row[chosen] = rng.uniform(1, 10, len(chosen))
    return amounts


def elution(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    """Concentrations (n, k) of a chromatographic run: Gaussian peaks in time, neighbours overlap, exact zeros elsewhere."""
    step = 1 / k
    centres = (np.arange(k) + 0.5 + rng.uniform(-0.3, 0.3, k)) * step
    widths = rng.uniform(0.3, 0.6, k) * step
    profile = np.exp(-(((np.arange(n)[:, None] + 0.5) / n - centres) ** 2) / (2 * widths**2))
    return np.where(profile > 1e-3, profile, 0) * rng.uniform(3, 10, k)


def add_noise(rng: np.random.Generator, clean: np.ndarray, noise: str, snr_db: float) -> np.ndarray:
    """Noisy spectra (n, channel) of clean ones; see `mixture`."""
    if noise == "none":
        return clean
    if noise == "poisson":
        return rng.poisson(np.maximum(clean, 0)).astype(np.uint32)
    power = (clean**2).mean(1, keepdims=True)
    if noise == "even":
        power = np.full_like(power, power.mean())
    noisy = clean + rng.standard_normal(clean.shape) * np.sqrt(power / 10 ** (snr_db / 10))
    return np.maximum(noisy, LOWEST) if noise == "snr" else noisy


def _orthogonal(rng: np.random.Generator, k: int, d: int, _: float) -> np.ndarray:
    if k > d:
        raise ParameterError(f"n_components is {k}, but only {d} spectra of {d} channels are orthogonal.")
    q, r = np.linalg.qr(rng.standard_normal((d, d)))
    return _unit(np.abs((q * np.sign(r.diagonal()))[:k]))


def _bands(rng: np.random.Generator, k: int, d: int, width: float, few: int, many: int) -> np.ndarray:
    x = np.linspace(0, 1, d)
    pure = np.zeros((k, d))
    for row in pure:
        n = rng.integers(few, many + 1)
        centres, heights, widths = rng.random(n), rng.uniform(0.2, 1, n), width * rng.uniform(0.6, 1.6, n)
        row += (heights[:, None] * np.exp(-((x - centres[:, None]) ** 2) / (2 * widths[:, None] ** 2))).sum(0)
    return _unit(pure)


def _peaks(rng: np.random.Generator, k: int, d: int, width: float) -> np.ndarray:
    return _bands(rng, k, d, width, 6, 12)


def _absorption(rng: np.random.Generator, k: int, d: int, width: float) -> np.ndarray:
    return _bands(rng, k, d, 5 * width, 2, 4)


def _mass(rng: np.random.Generator, k: int, d: int, _: float) -> np.ndarray:
    pure = np.zeros((k, d))
    for row in pure:
        lines = rng.choice(d, min(d, int(rng.integers(8, 25))), replace=False)
        row[lines] = rng.exponential(1.0, len(lines)) + 0.02
    return _unit(pure)


def _unit(pure: np.ndarray) -> np.ndarray:
    return pure / np.maximum(np.linalg.norm(pure, axis=1, keepdims=True), 1e-300)


def _linear(c: np.ndarray, s: np.ndarray, _: float) -> np.ndarray:
    return c @ s


def _saturation(c: np.ndarray, s: np.ndarray, strength: float) -> np.ndarray:
    y = c @ s
    return y / (1 + strength * y / y.max())


def _absorbance(c: np.ndarray, s: np.ndarray, strength: float) -> np.ndarray:
    y = c @ s
    ceiling = y.max() / max(strength, 1e-12)
    return -ceiling * np.expm1(-y / ceiling)


def _bilinear(c: np.ndarray, s: np.ndarray, strength: float) -> np.ndarray:
    total = np.maximum(c.sum(1, keepdims=True), 1e-300)
    share = c / total
    pairs = ((share @ s) ** 2 - share**2 @ s**2) / 2  # sum over k < l of a_k a_l s_k s_l
    return c @ s + strength * total * pairs * np.sqrt(s.shape[1])


_SPECTRA: dict[str, Callable[..., np.ndarray]] = {
    "orthogonal": _orthogonal,
    "peaks": _peaks,
    "absorption": _absorption,
    "mass": _mass,
}
_MIXING: dict[str, Callable[..., np.ndarray]] = {
    "linear": _linear,
    "saturation": _saturation,
    "absorbance": _absorbance,
    "bilinear": _bilinear,
}
_CHOICES = {
    "spectra": tuple(_SPECTRA),
    "profile": ("random", "run"),
    "mixing": tuple(_MIXING),
    "noise": ("snr", "even", "poisson", "none"),
}


def _check(given: dict) -> None:
    for name, low, high in (
        ("width", 1, 2**31),
        ("seed", 0, 2**32 - 1),
        ("n_components", 1, 2**16),
        ("per_component", 1, 2**16),
        ("n_channels", 1, 2**20),
        ("most_mixed", 1, given["n_components"]),
        ("fewest_mixed", 1, given["most_mixed"]),
    ):
        whole_number(name, given[name], low, high)
    if given["height"] is not None:
        whole_number("height", given["height"], 1, 2**31)
    for name, least, most in (
        ("peak_width", 1e-4, 1),
        ("strength", 0, 100),
        ("snr_db", -60, 200),
        ("counts", 1e-6, 1e9),
        ("outliers", 0, 0.9),
        ("spikes", 0, 1),
    ):
        real_number(name, given[name], least, most)
    for name, allowed in _CHOICES.items():
        if given[name] not in allowed:
            raise ParameterError(f"{name} is {given[name]!r}, expected one of {', '.join(allowed)}.")
