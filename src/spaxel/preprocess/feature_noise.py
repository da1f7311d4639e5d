"""How noisy scaled spectra are, where the noise of the spectra is known."""

from __future__ import annotations

import numpy as np

from spaxel.cube.sampling import Sample
from spaxel.preprocess.scaling import BY_SPECTRUM, COUNTED, Scaling, noise_level


def noise_words(name: str, *, directions: bool = True) -> list[str]:
    """What a known noise is used for under a scaling, in words. directions : also for the number of principal components"""
    weighed = [f"the weights of channels (scaling {name})"] if name in BY_SPECTRUM else []
    whitened = ["noise whitening"] if name == "mnf" else []
    counted = ["the number of principal components"] if directions and name not in (*COUNTED, "mnf") else []
    return [*weighed, *whitened, *counted]


def feature_noise(scaling: Scaling, sample: Sample) -> np.ndarray | None:
    """Variance by noise of each feature, (feature,), where it is known; None for counts, and after whitening, which evens it.

    The noise of log brightness (unit_bright) is taken for none: it is small.
    """
    if sample.noise is None or scaling.name in (*COUNTED, "mnf"):
        return None
    channels = len(scaling.center)
    own = sample._replace(spectra=sample.spectra[:, :channels])
    if scaling.name == "asinh":  # its slope is (a² + x²)^(-1/2)
        row = sample.noise.row / sample.noise.row.mean()
        slope = (row[:, None] / (scaling.center**2 + own.spectra.astype(np.float64) ** 2)).mean(0)
        return np.asarray(sample.noise.channel * slope * scaling.weight**2)
    noise = sample.noise.channel * scaling.weight**2 * noise_level(scaling.name, own)
    return np.append(noise, 0.0) if scaling.name == "unit_bright" else noise


def noise_along(scaling: Scaling, sample: Sample, basis: np.ndarray) -> np.ndarray | None:
    """Standard deviation by noise along directions of scaled spectra, (d,), where it is known. basis : (feature, d)"""
    if sample.noise is None or scaling.name in COUNTED:
        return None
    if scaling.name == "mnf" and scaling.matrix is not None:
        return np.sqrt(
            ((scaling.weight[:, None] * (scaling.matrix @ basis)) ** 2 * sample.noise.channel[:, None]).sum(0)
        )
    noise = feature_noise(scaling, sample)
    return None if noise is None else np.sqrt(noise @ basis**2)
