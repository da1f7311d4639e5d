"""Leaves on a dark cloth under a hyperspectral camera, with lesions that grow from day to day.

Spectra come from PROSPECT-D (leaf_spectra.py), shapes, light and noise from leaf_shape.py and leaf_light.py. A pixel mixes
kinds of matter linearly and reflects, in channel c,

    L_c = (A M)_c g [1 - k s + DIFFUSE k s tint_c] + h

A the shares of matter, M their reflectance, g brightness, s shadow, k its strength, h highlight. Noise is added to that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy.special import expit

from spaxel.cube import make_cube, note
from spaxel.cube.tiles import CELL
from spaxel.synth.cameras import camera as find_camera
from spaxel.synth.checks import real_number, true_or_false, whole_number
from spaxel.synth.leaf.light import DIFFUSE, STRIPES, signal_part
from spaxel.synth.leaf.scene import Scene, compose, version_of
from spaxel.synth.leaf.shape import Leaf
from spaxel.synth.leaf.spectra import CLASSES, KINDS, usual
from spaxel.synth.tiled import tiled


class Ground(NamedTuple):
    """What lies where: shares (h, w, kind), sum 1; brightness, shadow 0 … 1 and highlight (h, w)."""

    shares: np.ndarray
    brightness: np.ndarray
    shadow: np.ndarray
    highlight: np.ndarray


def leaf(
    height: int = 256,
    width: int = 256,
    *,
    seed: int = 0,
    day: float = 5.0,
    healthy: bool = False,
    leaves: int = 1,
    camera: str = "lab120",
    version: str = "easy",
    snr: float | None = None,
    shadows: float | None = None,
    noise: bool = True,
) -> xr.Dataset:
    """Simulated leaves, lazy in tiles of 64 x 64 pixels, with their truth. Needs prosail: pip install 'spaxel[leaf]'.

    height, width, seed : pixels; the same seed gives the same bits, however the cube is read
    day     : since infection, 0 … 60. The same seed on another day is the same leaf under the same light, with new noise;
              lesions cover about 2 % of a scene on day 3, 5 % on day 5, 10 % on day 10, and nothing on day 0
    healthy : True: no lesion on any day      leaves : 1 … 64, side by side
    camera  : lab120, lab60, handheld204 or multispectral10, see synth/cameras.py
    version : easy, or hard: signal to noise 10, strong shadows, more gloss, plants that differ more, milder lesions
    snr     : mean reflectance of healthy tissue / noise at that signal in the middle of the axis, where it is least (it is
              7 times larger at 400 nm); None: of the version
    shadows : 0 … 1, how dark they are; None: of the version      noise : False: without noise and column stripes
    returns : reflectance (float32, with noise also below 0) with truth_labels (the class of most of the pixel),
              truth_abundances (sum 1), truth_spectra (the usual tissue of this scene); attrs truth_names (CLASSES)
    Raises ParameterError, MissingExtra. In an image of a few pixels a leaf may be missed.
    """
    whole_number("height", height, 1, 2**31), whole_number("width", width, 1, 2**31)
    whole_number("seed", seed, 0, 2**32 - 1), whole_number("leaves", leaves, 1, 64)
    day, infected = real_number("day", day, 0, 60), not true_or_false("healthy", healthy)
    chosen = version_of(version, snr, shadows)
    axis = find_camera(camera).center
    scene = compose((height, width), seed, day, infected and day > 0, leaves, camera, chosen)
    drawn, function = ("with noise", noisy) if true_or_false("noise", noise) else ("no noise", expected)
    image = (height, width)
    cube = make_cube(
        tiled(function, scene, (*image, len(axis)), np.float32),
        axis,
        "nm",
        truth_labels=tiled(_labels, scene, image, np.int32),
        truth_abundances=tiled(abundances, scene, (*image, len(CLASSES)), np.float32),
        truth_spectra=usual(scene.spectra),
        source=f"simulated leaf, {version}, seed {seed}, day {day:g}{'' if infected else ', healthy'}",
        truth_names=list(CLASSES),
    )
    return note(cube, f"simulated: {leaves} leaves, {camera}, signal to noise {chosen.snr:g}, {drawn}, seed {seed}")


def series(days: Iterable[float] = (0, 3, 5, 7, 10), **options: Any) -> list[xr.Dataset]:
    """The same leaves on several days, a cube for each. days : since infection      options : of `leaf`, without day"""
    return [leaf(day=day, **options) for day in days]


def ground(scene: Scene, y: np.ndarray, x: np.ndarray) -> Ground:
    """What lies at rows y (h,) and columns x (w,), and the light on it."""
    shares = np.zeros((len(y), len(x), len(KINDS)))
    free, cast, highlight = np.ones(shares.shape[:2]), np.zeros(shares.shape[:2]), scene.light.highlights(y, x)
    brightness, mirror = scene.light.gradient(y, x), np.zeros_like(free)
    tone, mottle = scene.tissue.at(y, x)[..., 0], scene.mottle.at(y, x)[..., 0]
    for one, fold in zip(scene.leaves, scene.light.folds, strict=True):
        u, v = one.coordinates(y, x)
        cover = one.cover(u, v) * free
        free = free - cover
        lesion, core = one.lesions(y, x, u, v, scene.day)
        kinds = _kinds(one, u, v, lesion, core, scene.variety * (0.8 * tone + 0.4 * mottle + 0.5 * one.tone))
        shares[..., 2:] += cover[..., None] * kinds
        brightness *= 1 + fold * np.tanh(v / 0.12) * cover
        mirror += cover * (1 - lesion * core)
        away = 0.07 * one.length * scene.light.direction
        cast = np.maximum(cast, one.cover(*one.coordinates(y + away[0], x + away[1]), max(0.02 * one.length, 0.7)))
    thread = expit(1.5 * _weave(scene, y, x))
    shares[..., 0], shares[..., 1] = free * (1 - thread), free * thread
    shadow = 1 - (1 - scene.light.shade(y, x)) * (1 - cast * free)
    return Ground(shares, brightness, shadow, highlight * mirror * (1 - shadow))


def abundances(scene: Scene, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Share of each class at rows y (h,) and columns x (w,): (h, w, class), sum 1."""
    return _classes(ground(scene, y, x).shares)


def expected(scene: Scene, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Reflectance without noise at rows y (h,) and columns x (w,): (h, w, channel), 0 … 1."""
    here = ground(scene, y, x)
    dark = scene.light.shadows * here.shadow
    direct, diffuse = here.brightness * (1 - dark), here.brightness * dark * DIFFUSE
    out = _single(here.shares) @ _single(scene.spectra)
    out *= _single(direct)[..., None] + _single(diffuse)[..., None] * _single(scene.tint)
    out += _single(here.highlight)[..., None]
    return out


def noisy(scene: Scene, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Reflectance as the camera sees it: noise that grows with the signal, and stripes of its columns."""
    clean = expected(scene, y, x)
    column, row, scale = int(x[0]) // CELL, int(y[0]) // CELL, _single(scene.noise)
    stripes = _stream(2, scene, 0, column).standard_normal((len(x), clean.shape[2]), np.float32)
    drawn = _stream(1, scene, row, column).standard_normal(clean.shape, np.float32)
    drawn *= np.sqrt(signal_part(clean, float(np.float32(scene.mean))))
    drawn += np.float32(STRIPES) * stripes
    drawn *= scale
    return np.add(clean, drawn, out=drawn)


def _stream(what: int, scene: Scene, row: int, column: int) -> np.random.Generator:
    """Random numbers of a tile on a day. what : 1 noise, 2 stripes (0 is the scene itself)"""
    return np.random.default_rng([what, scene.seed, round(scene.day * 1000), row, column])


def _kinds(
    one: Leaf, u: np.ndarray, v: np.ndarray, lesion: np.ndarray, core: np.ndarray, tone: np.ndarray
) -> np.ndarray:
    """Shares of the kinds of tissue inside a leaf, in the order of TISSUES: (h, w, 7), sum 1. tone : 0 is the usual"""
    vein, pale, dry = 0.6 * one.veins(u, v), expit(tone), expit(2 * tone)
    green, young, dead = (1 - lesion) * (1 - vein), lesion * (1 - core), lesion * core
    old = np.clip(3 * core, 0, 1)  # stage 1 turns from yellow to brown towards stage 2
    parts = [green * (1 - pale), green * pale, (1 - lesion) * vein, young * (1 - old), young * old]
    return np.stack([*parts, dead * (1 - dry), dead * dry], -1)


def _weave(scene: Scene, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Threads of the cloth and its uneven colour: (h, w), about -2 … 2."""
    threads = np.cos(2 * np.pi * y / 5.3)[:, None] * np.cos(2 * np.pi * x / 4.7)[None]
    return threads + scene.cloth.at(y, x)[..., 0]


def _single(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32)


def _classes(shares: np.ndarray) -> np.ndarray:
    return shares @ (KINDS[:, None] == np.arange(len(CLASSES))).astype(float)


def _labels(scene: Scene, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    return abundances(scene, y, x).argmax(-1)
