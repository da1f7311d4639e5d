"""A galaxy under an integral-field spectrograph, with known stars, gas and nucleus, moving with the disc.

An inclined disc of old and young stars (exponential, written as Gaussians), H II regions along two spiral arms, diffuse gas
and an active nucleus. All sources are Gaussians of the image plane, so the seeing is in their widths and nothing global is
needed. A rotation curve shifts the spectra: a linear model of fixed components cannot hold exactly.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from spaxel.cube import make_cube, note
from spaxel.cube.tiles import CELL
from spaxel.errors import ParameterError
from spaxel.lines.gas import LIGHT_SPEED
from spaxel.synth.checks import real_number, true_or_false, whole_number
from spaxel.synth.fields import draw_fields
from spaxel.synth.ifu.disc import Galaxy, at_one_scale, blob, disc, plane
from spaxel.synth.ifu.light import GAS, STARS, emission, light_of, sky_lines, starlight
from spaxel.synth.tiled import tiled

CLASSES = ("sky", "stars", "H II region", "diffuse gas", "active nucleus")
RETIRED = 3.0  # Angstrom: equivalent width of Hα below which gas is not what a pixel shows (Cid Fernandes et al. 2011)
FAINT = 0.08  # of the light at one scale length, below which a pixel is sky
STEP = 0.25  # Angstrom, grid on which starlight is held before it is shifted


def ifu(
    height: int = 72,
    width: int = 72,
    *,
    seed: int = 0,
    snr: float = 15.0,
    channels: int = 960,
    wavelengths: tuple[float, float] = (4750.0, 7150.0),
    redshift: float = 0.01,
    rotation: float = 180.0,
    inclination: float = 50.0,
    n_regions: int = 40,
    agn: float = 1.0,
    seeing: float = 3.0,
    resolution: float = 2.6,
    residual: float = 0.02,
    sky: float = 1.0,
    gas: Mapping[str, Mapping[str, float]] | None = None,
    temperatures: tuple[float, float] = (4500.0, 11000.0),
    metals: float = 1.0,
    dust: float = 0.0,
    noise: bool = True,
) -> xr.Dataset:
    """A simulated galaxy cube, lazy in tiles of 64 x 64 pixels, with its variance and its truth.

    height, width, seed : pixels; the same seed gives the same bits, however the cube is read
    snr       : of the continuum per channel at one scale length of the disc
    channels, wavelengths : number, and range in Angstrom (air)      resolution : FWHM of the instrument, Angstrom
    redshift, rotation, inclination : of the galaxy; speed in km/s far out, degrees (0 is face-on)
    n_regions : H II regions      agn : strength of the active nucleus, 0 for none      seeing : FWHM in pixels
    residual  : of sky lines left by an imperfect subtraction, as a share of them
    sky       : brightness of the night sky whose photons add noise, 1 is a dark one; 10 drowns what lies under its lines
    gas       : line ratios of your own, {"H II region": {"[N II] 6583": 0.2}}: flux over that of Hα, see GAS in light.py
    temperatures : of old and young stars, kelvin      metals : factor of the depths of their absorption lines
    dust      : magnitudes at 5500 Angstrom; reddens everything
    noise     : False gives the twin without noise and residuals; the variance stays
    returns   : float32 cube with variance; truth_labels (what a pixel shows: see CLASSES), truth_abundances (shares of the
                light of old stars, young stars and of each gas), truth_spectra (at the redshift, without rotation),
                attrs truth_names, truth_classes, redshift
    A pixel is sky where the galaxy is faint, stars where the equivalent width of Hα is below 3 Angstrom, else what gives
    most of its Hα. Raises ParameterError.
    """
    galaxy, noise = _compose(locals()), true_or_false("noise", noise)
    shape = (height, width, channels)
    middle = (galaxy.edges[1:] + galaxy.edges[:-1]) / 2
    names = [*STARS, *GAS]
    cube = make_cube(
        tiled(_observed if noise else expected, galaxy, shape, np.float32),
        middle,
        "Angstrom",
        variance=tiled(variance, galaxy, shape, np.float32),
        truth_labels=tiled(labels, galaxy, shape[:2], np.int32),
        truth_abundances=tiled(shares, galaxy, (height, width, len(names)), np.float32),
        truth_spectra=_pure(galaxy, np.zeros(1))[:, 0],
        source=f"simulated galaxy, seed {seed}",
        truth_names=names,
        truth_classes=list(CLASSES),
        redshift=float(redshift),
    )
    words = f"S/N {snr:g} at one scale length" if noise else "without noise"
    return note(cube, f"simulated: a galaxy at redshift {redshift:g}, {words}, seed {seed}")


def velocity(galaxy: Galaxy, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Line-of-sight speed at rows y (h,) and columns x (w,): (h, w) km/s, V tanh(r / 0.5 scale) sin i cos θ."""
    along, across = plane(galaxy, y, x)
    radius = np.hypot(along, across)
    rising = np.tanh(radius / (0.5 * galaxy.scale)) * along / np.maximum(radius, 1e-9)
    return galaxy.rotation * np.sin(galaxy.inclination) * rising


def fluxes(galaxy: Galaxy, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(h, w, 5): light at 5500 Angstrom of old and young stars, and Hα flux of each gas, at rows y and columns x."""
    old = disc(galaxy, y, x, 0.8)
    young = 0.35 * disc(galaxy, y, x, 1.25)
    clumpy = np.exp(0.6 * galaxy.clumps.at(y, x)[..., 0])
    diffuse = 1.6 * disc(galaxy, y, x, 1.5) * clumpy
    regions = np.zeros_like(old)
    for at_y, at_x, size, flux in galaxy.knots:
        regions += flux * blob(y, x, at_y, at_x, np.hypot(size, galaxy.seeing), size)
        young = young + 0.008 * flux * blob(y, x, at_y, at_x, np.hypot(size, galaxy.seeing), size)
    nucleus = 120.0 * galaxy.agn * blob(y, x, *galaxy.centre, galaxy.seeing, galaxy.seeing)
    return np.stack([old, young, regions, diffuse, nucleus], axis=-1)


def expected(galaxy: Galaxy, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Light without noise at rows y (h,) and columns x (w,): (h, w, channel)."""
    amount = fluxes(galaxy, y, x)
    pure = _pure(galaxy, velocity(galaxy, y, x))
    return sum(amount[..., i, None] * pure[i] for i in range(amount.shape[-1]))


def variance(galaxy: Galaxy, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Variance of the noise: photons of the galaxy and of the sky, and the detector, less sensitive at the ends."""
    return _variance(galaxy, expected(galaxy, y, x))


def labels(galaxy: Galaxy, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """What a pixel shows, an index into CLASSES: (h, w)."""
    amount = fluxes(galaxy, y, x)
    red = [starlight(name, np.array([6562.8 * 0.985]), galaxy.light._replace(dust=0.0))[0] for name in STARS]
    continuum = amount[..., :2] @ red
    shown = 2 + amount[..., 2:].argmax(-1)
    shown = np.where(amount[..., 2:].sum(-1) < RETIRED * continuum, 1, shown)
    return np.where(amount[..., :2].sum(-1) < FAINT * at_one_scale(galaxy), 0, shown)


def shares(galaxy: Galaxy, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Shares of the light over the whole axis: (h, w, 5), sum 1."""
    total = _pure(galaxy, np.zeros(1))[:, 0].sum(1)
    light = fluxes(galaxy, y, x) * total
    return light / light.sum(-1, keepdims=True)


def _observed(galaxy: Galaxy, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng([galaxy.seed, int(y[0]) // CELL, int(x[0]) // CELL])
    clean = expected(galaxy, y, x)
    left = rng.normal(0, galaxy.residual, clean.shape[:2])[..., None] * galaxy.sky[1] * galaxy.noise**2
    return clean + np.sqrt(_variance(galaxy, clean)) * rng.standard_normal(clean.shape) + left


def _variance(galaxy: Galaxy, clean: np.ndarray) -> np.ndarray:
    """noise² (detector + sky + galaxy in units of its light at one scale length) / throughput."""
    middle = np.linspace(-1, 1, clean.shape[-1])
    throughput = 1 - 0.35 * middle**2
    photons = 0.3 + 0.4 * galaxy.brightness * galaxy.sky[0] + 0.3 * clean / at_one_scale(galaxy)
    return (galaxy.noise**2 * photons / throughput).astype(np.float64)


def _pure(galaxy: Galaxy, speed: np.ndarray) -> np.ndarray:
    """Spectra of old stars, young stars and each gas, moving with speeds (…): (5, …, channel)."""
    shift = (1 + galaxy.redshift) * (1 + speed / LIGHT_SPEED) - 1
    middle = (galaxy.edges[1:] + galaxy.edges[:-1]) / 2
    rest = middle / (1 + shift[..., None])
    grid = np.arange(rest.min() - STEP, rest.max() + 2 * STEP, STEP)
    stars = [np.interp(rest, grid, starlight(name, grid, galaxy.light)) for name in STARS]
    gas = [emission(name, galaxy.edges, shift, galaxy.resolution, galaxy.light) for name in GAS]
    return np.stack(stars + gas)


def _compose(given: dict) -> Galaxy:
    height, width = (whole_number(name, given[name], 1, 2**31) for name in ("height", "width"))
    channels = whole_number("channels", given["channels"], 1, 2**16)
    seed = whole_number("seed", given["seed"], 0, 2**32 - 1)
    n_regions = whole_number("n_regions", given["n_regions"], 0, 10_000)
    limits = {
        "snr": (1e-3, 1e6), "redshift": (0, 0.3), "rotation": (0, 2000), "inclination": (0, 80), "agn": (0, 1e3),
        "seeing": (0.01, 1e3), "resolution": (0.1, 100), "residual": (0, 10), "sky": (0, 1e3),
    }  # fmt: skip
    held = {name: real_number(name, given[name], *limit) for name, limit in limits.items()}
    ends = given["wavelengths"]
    if np.shape(ends) != (2,) or not 3000 <= ends[0] < ends[1] <= 20_000:
        raise ParameterError(f"wavelengths is {ends!r}, expected (low, high) in Angstrom, from 3000 to 20000.")
    edges = np.linspace(ends[0], ends[1], channels + 1)
    rng = np.random.default_rng([seed, 0, 0, 0, 2])
    scale = 0.14 * max(height, width)
    centre = ((height - 1) / 2 + rng.normal(0, 0.02 * height), (width - 1) / 2 + rng.normal(0, 0.02 * width))
    galaxy = Galaxy(
        seed, centre, rng.uniform(0, np.pi), np.radians(held["inclination"]), scale, held["seeing"] / 2.3548,
        held["redshift"], held["rotation"], held["agn"], edges, held["resolution"], np.zeros((0, 4)),
        draw_fields(rng, 1, 0.5 * scale),
        np.stack(sky_lines(rng, (edges[1:] + edges[:-1]) / 2, held["resolution"])), 0.0, held["residual"],
        held["sky"], light_of(*(given[name] for name in ("gas", "temperatures", "metals", "dust"))),
    )  # fmt: skip
    noise = at_one_scale(galaxy) / held["snr"]
    return Galaxy(**(galaxy.__dict__ | {"knots": _arms(galaxy, rng, n_regions), "noise": noise}))


def _arms(galaxy: Galaxy, rng: np.random.Generator, n: int) -> np.ndarray:
    """H II regions along two logarithmic arms: (n, 4) y, x, width, height in Hα."""
    radius = galaxy.scale * rng.uniform(0.7, 2.6, n)
    turn = 2.2 * np.log(radius / galaxy.scale) + np.pi * rng.integers(0, 2, n) + rng.normal(0, 0.18, n)
    along, across = radius * np.cos(turn), radius * np.sin(turn) * np.cos(galaxy.inclination)
    y = galaxy.centre[0] + np.sin(galaxy.angle) * along + np.cos(galaxy.angle) * across
    x = galaxy.centre[1] + np.cos(galaxy.angle) * along - np.sin(galaxy.angle) * across
    width = galaxy.scale * rng.uniform(0.06, 0.16, n)
    height = 55.0 * np.exp(-radius / (1.6 * galaxy.scale)) * rng.lognormal(0, 0.5, n)
    return np.column_stack([y, x, width, height])
