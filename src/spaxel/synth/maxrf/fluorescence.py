"""X-ray fluorescence of layers under a tube, as a silicon drift detector records it. Physics only, no chance.

Per line: I = Σ_E S(E) σ(E) exp(-χ_above) (1 - exp(-χ ρd)) / χ, with χ = (μ(E) + μ(line)) √2 for 45° in and out: primary
fluorescence of the fundamental parameter method (Sherman 1955, doi:10.1016/0371-1951(55)80041-0). Scattered tube light
is treated alike: Rayleigh at E, Compton at E / (1 + (1 - cos θ) E / 511 keV). Left out: secondary fluorescence,
escape and sum peaks, the tail of incomplete charge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from spaxel.lines.xray import SLOPE, absorption, atomic_number, line_energies, shells

MN_KA = 5.895  # keV, where the resolution of a detector is stated
SPREAD = np.linspace(-0.4, 0.4, 5)  # radians: what the detector's solid angle and bound electrons do to Compton's peak
GRID = 0.02  # keV, finer than any peak is wide
AIR = {"N": 0.755, "O": 0.232, "Ar": 0.013}
AIR_PATH = 1.2e-3  # g/cm2: one centimetre


class Layer(NamedTuple):
    """A layer of paint. composition : mass fraction by element      thickness : g/cm2, may be infinite."""

    composition: dict[str, float]
    thickness: float


@dataclass(frozen=True)
class Instrument:
    """A rhodium tube and a silicon drift detector.

    tube_kv    : no energy above it is emitted       resolution : keV, full width at half maximum at Mn Kα
    angle      : of scattering, radians              step       : keV, of the grid on which the tube's light is summed
    """

    tube_kv: float = 45.0
    resolution: float = 0.14
    angle: float = 2.1
    step: float = 0.05

    def tube(self) -> tuple[np.ndarray, np.ndarray]:
        """The tube's light, (n,) keV and (n,) photons: Kramers' continuum and the lines of rhodium, after window and air."""
        energy = np.arange(1.0, self.tube_kv, self.step)
        light = (self.tube_kv / energy - 1) * self.step
        total = light.sum()
        for line in line_energies("Rh"):
            if line.name[0] in "KL" and self.tube_kv > {"K": 23.22, "L": 3.41}[line.name[0]]:
                share = {"K": 0.04, "L": 0.01}[line.name[0]]
                light[np.abs(energy - line.energy).argmin()] += share * total * line.intensity
        return energy, light * np.exp(-((2.5 / energy) ** 3))

    def fwhm(self, energy: np.ndarray) -> np.ndarray:
        """Width of a peak, keV: FWHM² = noise² + 2.355² F ε E, with F = 0.115 and ε = 3.65 eV."""
        slope = 2.355**2 * 0.115 * 3.65e-3
        return np.sqrt(np.maximum(self.resolution**2 - slope * MN_KA, 0) + slope * energy)

    def efficiency(self, energy: np.ndarray) -> np.ndarray:
        """Share of photons (n,) that are counted: 1 cm of air before 0.5 mm of silicon."""
        through = np.exp(-AIR_PATH * absorption(AIR, energy))
        return through * -np.expm1(-0.05 * 2.33 * absorption({"Si": 1.0}, energy))

    def response(self, energy: np.ndarray, edges: np.ndarray) -> np.ndarray:
        """Share of the photons at energies (n,) that falls between channel edges (channel + 1,): (n, channel)."""
        sigma = self.fwhm(energy)[:, None] / 2.355
        return np.diff(ndtr((edges - energy[:, None]) / sigma), axis=1)


def spectra(stacks: Sequence[Sequence[Layer]], instrument: Instrument, edges: np.ndarray) -> np.ndarray:
    """What the detector records of stacks of layers, each from the uppermost to the lowest: (stack, channel), sum 1.

    edges : (channel + 1,) keV, between 0 and 100
    """
    counted = intensities(stacks, instrument, edges)
    return counted / counted.sum(1, keepdims=True)


def intensities(stacks: Sequence[Sequence[Layer]], instrument: Instrument, edges: np.ndarray) -> np.ndarray:
    """As `spectra`, in one unit for all stacks, so that a bright one stays bright."""
    grid = np.arange(0.0, max(instrument.tube_kv, edges[-1]) + GRID, GRID)
    photons = np.array([_on_grid(layers, instrument, grid) for layers in stacks])
    seen = photons[:, 1:] * instrument.efficiency(grid[1:])  # nothing has energy 0
    return seen @ instrument.response(grid[1:], edges)


def _on_grid(layers: Sequence[Layer], instrument: Instrument, grid: np.ndarray) -> np.ndarray:
    """Photons that leave a stack, shared between the two nearest energies of an even grid: (grid,)."""
    found = [part for i in range(len(layers)) for part in _emission(layers[: i + 1], instrument)]
    place, photons = np.concatenate([e for e, _ in found]) / GRID, np.concatenate([p for _, p in found])
    below = place < len(grid) - 1  # lines above were not excited
    place, photons = place[below], photons[below]
    left = place.astype(int)
    lower, upper = (
        np.bincount(left + i, photons * share, len(grid)) for i, share in ((0, 1 - place % 1), (1, place % 1))
    )
    return lower + upper


def _emission(layers: Sequence[Layer], instrument: Instrument) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Light that leaves the lowest of some layers upwards: pairs of energies and photons."""
    primary, light = instrument.tube()
    inside = [absorption(layer.composition, primary) for layer in layers]

    def escape(energy: np.ndarray) -> np.ndarray:  # g/cm2 that are seen, for light (n,) coming in and energy (…, n) out
        *above, here = [
            np.sqrt(2) * (mu + absorption(layer.composition, energy)) for layer, mu in zip(layers, inside, strict=True)
        ]
        shade = sum(chi * layer.thickness for chi, layer in zip(above, layers[:-1], strict=True))
        return np.exp(-shade) * -np.expm1(-here * layers[-1].thickness) / here

    for element, share in layers[-1].composition.items():
        for shell in shells(element) if element != "H" else ():
            energy, parts = shell.lines[:, 0], shell.lines[:, 1]
            excited = np.where(primary > shell.edge, light * (shell.edge / primary) ** SLOPE, 0.0)
            yield energy, share * shell.strength * parts * (excited * escape(energy[:, None])).sum(1)
    rayleigh, compton = _scattering(layers[-1].composition, primary)
    yield primary, light * rayleigh * escape(primary)
    for angle in instrument.angle + SPREAD:
        shifted = primary / (1 + (1 - np.cos(angle)) * primary / 511.0)
        yield shifted, light * compton * escape(shifted) / len(SPREAD)


def _scattering(composition: dict[str, float], energy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Elastic and inelastic cross section for scattering backwards, cm2/g (n,). Fits to Elam's tables, good to 20 %."""
    rayleigh, compton = np.zeros_like(energy), np.zeros_like(energy)
    for element, share in composition.items():
        z = 1 if element == "H" else atomic_number(element)
        rayleigh += share * 0.2 * 0.065 * (z / 6) ** 1.37 * (20 / energy) ** 1.2
        compton += share * 1.1 * 0.185 * (6 / z) ** 0.3 * energy / (energy + 4)
    return rayleigh, compton
