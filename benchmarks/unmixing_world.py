"""Small worlds with known mixtures, on which the rules of spaxel.linear.scene.components were chosen (never on real scenes)."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d


def world(
    seed: int, k: int, *, side: int = 64, channels: int = 120, light: float = 0.0, snr_db: float = 30.0,
    variability: float = 0.02, purity: float = 4.0, water: bool = False, haze: float = 0.0,
) -> dict[str, np.ndarray]:  # fmt: skip
    """Materials with smooth spectra, in patches that blend, under even or uneven light.

    light : standard deviation of the log of a smooth brightness; variability : of each material's spectrum within the
    scene (log, smooth over channels); purity : sharpness of the borders; water : one material 15 times darker;
    haze : light that is scattered into all pixels, in shares of the mean signal, smooth and rough: it changes the spectrum of a
    dark material from place to place; the bright ones are then more alike, as in real land.
    """
    rng = np.random.default_rng([seed, k])
    bend = gaussian_filter1d(rng.standard_normal((k, channels)), channels / 12, axis=1, mode="nearest")
    bend /= bend.std(1, keepdims=True)
    S = np.exp((0.25 if haze else 0.5) * bend) * rng.uniform(0.3, 1.0, (k, 1))
    if water:
        S[0] /= 15
    fields = gaussian_filter(rng.standard_normal((k, side, side)), (0, side / 12, side / 12), mode="reflect")
    fields /= fields.std((1, 2), keepdims=True)
    fields += rng.uniform(-0.4, 0.4, (k, 1, 1))
    A = np.exp(purity * fields)
    A = (A / A.sum(0)).reshape(k, -1).T
    b = gaussian_filter(rng.standard_normal((side, side)), side / 25, mode="reflect").ravel()
    b = np.exp(light * b / b.std())
    shape = gaussian_filter1d(rng.standard_normal((len(A), channels)), channels / 10, axis=1, mode="nearest")
    X = b[:, None] * (A @ S) * np.exp(variability * shape / shape.std())
    for width in (side / 8, 1.0) if haze else ():
        field = gaussian_filter(rng.standard_normal((side, side)), width, mode="reflect").ravel()
        color = gaussian_filter1d(rng.standard_normal(channels), channels / 12, mode="nearest")
        X += haze * X.mean() * np.exp(0.7 * field / field.std())[:, None] * np.exp(0.7 * color / color.std())
    X += rng.standard_normal(X.shape) * np.sqrt((X**2).mean()) * 10 ** (-snr_db / 20)
    return {"X": X, "S": S, "A": A, "light": b}
