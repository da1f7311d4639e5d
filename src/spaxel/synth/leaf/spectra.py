"""Reflectance of leaf tissue and of the cloth below it: PROSPECT-D, run by the package `prosail`.

PROSPECT-D (Féret et al. 2017, doi:10.1016/j.rse.2017.03.004) gives reflectance and transmittance of a leaf from its structure
N and its contents per area: chlorophyll, carotenoids and anthocyanins (µg/cm²), brown pigments (no unit), water and dry
matter (g/cm²). A leaf that lies on cloth of reflectance c has R + T² c / (1 - R c).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.errors import missing_extra
from spaxel.synth.cameras import Camera, response

CLASSES = ("background", "healthy tissue", "lesion stage 1", "lesion stage 2")
WAVELENGTH = np.arange(400.0, 1101)  # of PROSPECT, as far as the cameras see


class Tissue(NamedTuple):
    """Contents of a leaf, the arguments of PROSPECT-D in their usual units."""

    structure: float
    chlorophyll: float
    carotenoids: float
    brown: float
    water: float
    dry_matter: float


TISSUES = {  # two or three kinds in each class, that mix from pixel to pixel
    "dark green": (1, Tissue(1.7, 52, 11, 0.00, 0.012, 0.008)),
    "light green": (1, Tissue(1.5, 30, 7.5, 0.00, 0.012, 0.006)),
    "vein": (1, Tissue(2.1, 18, 5, 0.05, 0.018, 0.011)),
    "yellowing": (2, Tissue(1.9, 9, 6, 1.20, 0.008, 0.007)),
    "browning": (2, Tissue(2.0, 5, 4, 2.50, 0.005, 0.008)),
    "dead, wet": (3, Tissue(2.2, 2, 2, 5.50, 0.003, 0.010)),
    "dead, dry": (3, Tissue(2.4, 1, 1, 3.80, 0.001, 0.009)),
}
HEALTHY = np.mean([TISSUES["dark green"][1], TISSUES["light green"][1]], axis=0)
CLOTH = (0.045, 0.075)  # reflectance of its dark and light threads at 700 nm
KINDS = np.array([0] * len(CLOTH) + [kind for kind, _ in TISSUES.values()])  # the class of each kind of matter
USUAL = np.array(
    [0.5, 0.5, 0.47, 0.47, 0.06, 0.5, 0.5, 0.5, 0.5]
)  # the mixture within a class that its truth spectrum shows
ANTHOCYANINS = 1.0


def matter(rng: np.random.Generator, camera: Camera, variety: float, contrast: float) -> np.ndarray:
    """Reflectance of each kind of matter of one scene, in the order of KINDS: (kind, channel).

    variety : 0 … 1, how much plants differ: contents vary by this times 15 % (standard deviation), structure by a fifth of it
    contrast : 0 … 1, how far lesions are from healthy tissue in their contents; 1 is TISSUES
    Raises MissingExtra without prosail.
    """
    leaf = prospect()
    seen = response(camera, WAVELENGTH)
    cloth = np.array([level * (1 + 0.25 * (WAVELENGTH - 700) / 300) for level in CLOTH])
    below, spectra = cloth.mean(0), list(cloth)
    for kind, tissue in TISSUES.values():
        if kind > 1:
            tissue = HEALTHY + contrast * (np.array(tissue) - HEALTHY)
        spread = np.exp(0.15 * variety * np.clip(rng.standard_normal(6), -2, 2) * [0.2, 1, 1, 1, 1, 1])
        reflected, passed = leaf(Tissue(*(np.array(tissue) * spread)))
        spectra.append(reflected + passed**2 * below / (1 - reflected * below))
    return np.array(spectra) @ seen.T


def usual(spectra: np.ndarray) -> np.ndarray:
    """The usual mixture of each class: (kind, channel) -> (class, channel)."""
    share = (np.arange(len(CLASSES))[:, None] == KINDS) * USUAL
    return share @ spectra


def prospect():
    """PROSPECT-D as a function Tissue -> (reflectance, transmittance), each on WAVELENGTH. MissingExtra without prosail."""
    try:
        from prosail import run_prospect
    except ImportError as error:
        raise missing_extra("The world leaf (PROSPECT)", "prosail", "leaf") from error

    def leaf(tissue: Tissue) -> tuple[np.ndarray, np.ndarray]:
        _, reflected, passed = run_prospect(*tissue, ant=ANTHOCYANINS, prospect_version="D")
        return reflected[: len(WAVELENGTH)], passed[: len(WAVELENGTH)]

    return leaf
