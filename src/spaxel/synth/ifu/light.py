"""The light of a galaxy: stars as black bodies with absorption lines, gas as emission lines. Physics in round numbers.

Line ratios are those of textbooks (Osterbrock & Ferland 2006, Astrophysics of Gaseous Nebulae; Kewley et al. 2001,
doi:10.1086/321545): hydrogen as case B with little dust, ionised regions below the line of Kewley in the diagram of
[N II] / Hα and [O III] / Hβ, an active nucleus above it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from spaxel.errors import ParameterError
from spaxel.lines.gas import LIGHT_SPEED, LINES
from spaxel.synth.checks import real_number

GAS = {  # flux over that of Hα
    "H II region": {"Hβ": 0.33, "[O III] 5007": 0.25, "[O I] 6300": 0.01, "[N II] 6583": 0.33, "[S II] 6716": 0.13},
    "diffuse gas": {"Hβ": 0.33, "[O III] 5007": 0.40, "[O I] 6300": 0.06, "[N II] 6583": 0.65, "[S II] 6716": 0.38},
    "active nucleus": {"Hβ": 0.29, "[O III] 5007": 2.90, "[O I] 6300": 0.15, "[N II] 6583": 1.10, "[S II] 6716": 0.35},
}
TIED = {  # fixed by atomic physics, or nearly: this line is so many times that one
    "[O III] 4959": (0.335, "[O III] 5007"), "[N II] 6548": (0.34, "[N II] 6583"), "[S II] 6731": (0.72, "[S II] 6716"),
}  # fmt: skip
WIDTH = {"H II region": 25.0, "diffuse gas": 45.0, "active nucleus": 220.0}  # km/s, standard deviation
STARS = {"old stars": 4500.0, "young stars": 11000.0}  # kelvin
ABSORPTION = {  # Angstrom, width, depth
    "old stars": [(4861.33, 6, 0.1), (5175.0, 22, 0.25), (5270.0, 12, 0.12), (5335.0, 10, 0.1), (5892.9, 6, 0.3),
                  (6497.0, 10, 0.08), (6562.8, 5, 0.12), (7100.0, 60, 0.12), (8542.1, 6, 0.25), (8662.1, 6, 0.2)],
    "young stars": [(4861.33, 10, 0.35), (6562.8, 9, 0.28), (4921.9, 4, 0.06), (5875.6, 4, 0.05)],
}  # fmt: skip
PLANCK = 1.43878e8  # h c / k, Angstrom kelvin
REDDENED = 1.3  # extinction goes as wavelength to the power of -1.3, nearly so in the optical (Cardelli et al. 1989)


class Light(NamedTuple):
    """What shines. gas : fluxes of lines over that of Hα      temperatures : of stars, kelvin      metals : factor of the
    depths of absorption lines      dust : magnitudes at 5500 Angstrom, as a screen before all of it; it changes colours alone
    """

    gas: Mapping[str, Mapping[str, float]]
    temperatures: Mapping[str, float]
    metals: float
    dust: float


USUAL = Light(GAS, STARS, 1.0, 0.0)


def light_of(
    gas: Mapping[str, Mapping[str, float]] | None, temperatures: tuple[float, float], metals: float, dust: float
) -> Light:
    """Light as asked for. gas : line ratios of some of GAS, which take the place of those here. Raises ParameterError."""
    given = dict(gas or {})
    if unknown := [name for name in given if name not in GAS]:
        raise ParameterError(f"gas has {unknown[0]!r}, expected some of {', '.join(GAS)}.")
    held = {
        name: {line: real_number(f"gas {line}", flux, 0, 100) for line, flux in given[name].items()} for name in given
    }
    if wrong := [line for lines in held.values() for line in lines if line not in GAS["H II region"]]:
        raise ParameterError(f"gas has the line {wrong[0]!r}, expected some of {', '.join(GAS['H II region'])}.")
    if np.shape(temperatures) != (2,):
        raise ParameterError(f"temperatures is {temperatures!r}, expected kelvin of old and of young stars.")
    hot = {
        name: real_number("temperatures", kelvin, 2000, 1e5) for name, kelvin in zip(STARS, temperatures, strict=True)
    }
    mixed = {name: GAS[name] | held.get(name, {}) for name in GAS}
    return Light(mixed, hot, real_number("metals", metals, 0, 2.5), real_number("dust", dust, 0, 10))


def screen(light: Light, wavelength: np.ndarray) -> np.ndarray:
    """What dust leaves of light at wavelengths (…) at rest, Angstrom; 1 at 5500."""
    return 10 ** (-0.4 * light.dust * ((np.asarray(wavelength) / 5500.0) ** -REDDENED - 1))


def line_fluxes(gas: str, light: Light = USUAL) -> dict[str, float]:
    """Flux of each line over that of Hα, without dust."""
    found = {"Hα": 1.0, **light.gas[gas]}
    return found | {name: factor * found[other] for name, (factor, other) in TIED.items()}


def starlight(population: str, wavelength: np.ndarray, light: Light = USUAL) -> np.ndarray:
    """Continuum at rest, 1 at 5500 Angstrom: a black body with absorption lines. wavelength : (n,) Angstrom in air."""
    temperature = light.temperatures[population]

    def planck(lam: np.ndarray | float) -> np.ndarray:
        return lam**-5.0 / np.expm1(PLANCK / (lam * temperature))

    lines = sum(depth * np.exp(-(((wavelength - at) / width) ** 2) / 2) for at, width, depth in ABSORPTION[population])
    return planck(wavelength) / planck(5500.0) * (1 - light.metals * lines) * screen(light, wavelength)


def emission(gas: str, edges: np.ndarray, redshift: np.ndarray, resolution: float, light: Light = USUAL) -> np.ndarray:
    """Emission per Angstrom in channels, for Hα of flux 1 at rest wavelengths stretched by 1 + redshift.

    edges : (channel + 1,) Angstrom      redshift : (…,)      resolution : FWHM of the instrument, Angstrom
    returns (…, channel), the mean over each channel
    """
    out = np.zeros((*redshift.shape, len(edges) - 1))
    for name, flux in line_fluxes(gas, light).items():
        centre = LINES[name] * (1 + redshift)
        sigma = np.hypot(centre * WIDTH[gas] / LIGHT_SPEED, resolution / 2.3548)
        near = np.flatnonzero(
            (edges[1:] > centre.min() - 8 * sigma.max()) & (edges[:-1] < centre.max() + 8 * sigma.max())
        )
        if len(near):
            part = edges[near[0] : near[-1] + 2]
            share = np.diff(ndtr((part - centre[..., None]) / sigma[..., None]), axis=-1)
            out[..., near] += flux * screen(light, np.array(LINES[name])) * share / np.diff(part)
    return out


def sky_lines(rng: np.random.Generator, wavelength: np.ndarray, resolution: float) -> tuple[np.ndarray, np.ndarray]:
    """The night sky: (continuum with airglow lines, lines alone), each (channel,), continuum 1.

    Oxygen at 5577, 6300 and 6364 Angstrom, sodium at 5890, and bands of OH, denser and stronger to the red.
    """
    places = [(5577.3, 12.0), (5889.9, 3.0), (6300.3, 6.0), (6363.8, 2.0)]
    for head in (6830.0, 7240.0, 7715.0, 8280.0, 8760.0, 9320.0):
        strength = 8 * (head / 7500) ** 3
        places += [
            (head + 18 * i + rng.uniform(-4, 4), strength * np.exp(-i / 3) * rng.uniform(0.5, 1)) for i in range(9)
        ]
    sigma = resolution / 2.3548
    lines = np.zeros(np.shape(wavelength))
    for at, flux in places:
        lines = lines + flux * np.exp(-(((wavelength - at) / sigma) ** 2) / 2)
    return 1 + lines, lines
