"""Pigments in oil on a ground of chalk: what they are made of, how they look, and their X-ray fluorescence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from spaxel.errors import ParameterError
from spaxel.lines.xray import atomic_number
from spaxel.synth.checks import real_number, whole_number
from spaxel.synth.maxrf.fluorescence import Instrument, Layer, spectra

PIGMENTS: dict[
    str, dict[str, float]
] = {  # mass fractions. n_pigments takes the first: seven that are easy to tell apart
    "lead white": {"Pb": 0.80, "C": 0.03, "O": 0.17},
    "vermilion": {"Hg": 0.86, "S": 0.14},
    "azurite": {"Cu": 0.55, "C": 0.07, "O": 0.38},
    "red ochre": {"Fe": 0.35, "Si": 0.12, "Al": 0.08, "K": 0.02, "Ca": 0.03, "O": 0.40},
    "bone black": {"Ca": 0.30, "P": 0.14, "C": 0.20, "O": 0.36},
    "smalt": {"Co": 0.04, "As": 0.03, "Ni": 0.01, "Fe": 0.02, "K": 0.12, "Si": 0.31, "O": 0.47},
    "umber": {"Fe": 0.32, "Mn": 0.10, "Si": 0.11, "Al": 0.06, "Ca": 0.03, "O": 0.38},
    "lead-tin yellow": {"Pb": 0.69, "Sn": 0.20, "O": 0.11},
    "zinc white": {"Zn": 0.80, "O": 0.20},
    "chrome yellow": {"Pb": 0.64, "Cr": 0.16, "O": 0.20},
    "cadmium yellow": {"Cd": 0.78, "S": 0.22},
    "titanium white": {"Ti": 0.60, "O": 0.40},
    "emerald green": {"Cu": 0.25, "As": 0.44, "C": 0.05, "O": 0.26},
    "Naples yellow": {"Pb": 0.54, "Sb": 0.32, "O": 0.14},
    "ultramarine": {"Na": 0.16, "Al": 0.17, "Si": 0.18, "S": 0.08, "K": 0.02, "O": 0.39},
}
COLORS = {  # sRGB of a paint of each, typical values in round numbers, not measured
    "lead white": (242, 238, 227), "vermilion": (200, 58, 40), "azurite": (46, 95, 145), "red ochre": (145, 72, 48),
    "bone black": (38, 34, 33), "smalt": (92, 100, 150), "umber": (101, 75, 52), "lead-tin yellow": (236, 211, 112),
    "zinc white": (248, 248, 246), "chrome yellow": (247, 184, 36), "cadmium yellow": (253, 217, 33),
    "titanium white": (252, 252, 252), "emerald green": (70, 160, 110), "Naples yellow": (236, 205, 140),
    "ultramarine": (36, 48, 140),
}  # fmt: skip
OIL = {"C": 0.77, "H": 0.12, "O": 0.11}
GROUND = {"Ca": 0.396, "Sr": 0.002, "Fe": 0.002, "C": 0.12, "O": 0.48}  # chalk with its traces
PAINT = 0.7  # pigment by mass, the rest is oil


def paint_spectra(
    paints: Sequence[dict[str, float]], instrument: Instrument, edges: np.ndarray, thickness: float = 0.006
) -> np.ndarray:
    """Spectra of paints on the ground: (paint, channel), each with sum 1.

    paints : mass fractions, see `paint`      edges : (channel + 1,) keV
    thickness : of the paint, g/cm2 (0.006 is about 20 µm of lead white in oil)
    """
    return spectra([[Layer(paint, thickness), Layer(GROUND, np.inf)] for paint in paints], instrument, edges)


def paint(pigment: str | Mapping[str, float]) -> dict[str, float]:
    """Mass fractions of a paint: a pigment, by its name or its own mass fractions, in oil. Raises ParameterError."""
    if isinstance(pigment, str) and pigment not in PIGMENTS:
        raise ParameterError(f"There is no pigment {pigment!r}. Known: {_known()}.")
    made = PIGMENTS[pigment] if isinstance(pigment, str) else _checked(pigment)
    parts = (PAINT, made), (1 - PAINT, OIL)
    return {element: sum(w * p.get(element, 0.0) for w, p in parts) for element in OIL | made}


def chosen(n_pigments: int, pigments: Sequence[str] | Mapping[str, Mapping[str, float]] | None) -> tuple[str, ...]:
    """Names of pigments: those given, or the first few. Raises ParameterError."""
    if isinstance(pigments, Mapping):
        pigments = list(pigments)
    if pigments is None:
        whole_number("n_pigments", n_pigments, 2, len(PIGMENTS))
        return tuple(PIGMENTS)[:n_pigments]
    if isinstance(pigments, str) or len(set(pigments)) != len(pigments) or len(pigments) < 2:
        raise ParameterError(f"pigments is {pigments!r}, expected two or more different names out of: {_known()}.")
    return tuple(pigments)


def _checked(pigment: Mapping[str, float]) -> dict[str, float]:
    """Mass fractions as they are given, which must be of elements, and sum to at most 1."""
    for element, share in pigment.items():
        real_number(f"the mass fraction of {element}", share, 0, 1)
        if element != "H":
            atomic_number(element)
    if not 0 < sum(pigment.values()) < 1 + 1e-9:
        raise ParameterError(
            f"The mass fractions {dict(pigment)} sum to {sum(pigment.values()):g}, expected at most 1."
        )
    return {element: float(share) for element, share in pigment.items()}


def _known() -> str:
    return ", ".join(PIGMENTS)
