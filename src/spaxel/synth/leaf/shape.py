"""The shape of a leaf and of the lesions on it, as functions of any pixel.

Own coordinates of a leaf: u from -1 (base) to 1 (tip) along the midrib, v across; both in half lengths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import erfc

from spaxel.synth.fields import Fields, draw_fields

STALK = 1.16  # -u where the stalk ends
BLUR = 0.7  # of the optics: standard deviation in pixels
SOFT = 1.0  # borders of lesions: standard deviation in pixels
GROWTH = 5.0  # days in which a lesion comes to 63 % of its largest radius
AGEING = 1.0  # days from stage 1 to stage 2
RISE = np.linspace(0, 1, 201)  # from base to tip


@dataclass(frozen=True)
class Leaf:
    """One leaf. center : (2,) y, x in pixels      length : half of it, in pixels      width : half of it, in half lengths

    sites : (n, 2) u, v      onset : (n,) days      size : (n,) the radius that a lesion tends to, in half lengths
    wobble : bends the outlines of lesions      tone : of the green, a standard normal number
    """

    center: np.ndarray
    angle: float
    length: float
    width: float
    bend: float
    teeth: float
    tone: float
    sites: np.ndarray
    onset: np.ndarray
    size: np.ndarray
    wobble: Fields

    def coordinates(self, y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """u and v of rows y (h,) and columns x (w,), each (h, w)."""
        down, along = ((y - self.center[0]) / self.length)[:, None], ((x - self.center[1]) / self.length)[None]
        u = np.cos(self.angle) * along + np.sin(self.angle) * down
        v = np.cos(self.angle) * down - np.sin(self.angle) * along
        return u, v - self.bend * (u**2 - 0.3)

    def half_width(self, u: np.ndarray) -> np.ndarray:
        """From the midrib to the margin, in half lengths; 0 outside. The margin has teeth."""
        rise = np.clip((u + 1) / 2, 0, 1)
        teeth = 1 + 0.025 * np.abs((rise * 22 + self.teeth) % 1 - 0.5)
        return self.width * np.sin(np.pi * rise**0.85) * (1.1 - 0.2 * rise) * teeth

    def cover(self, u: np.ndarray, v: np.ndarray, blur: float = BLUR) -> np.ndarray:
        """Share of a pixel that the leaf covers, 0 … 1: (h, w).   blur : of the edge, pixels"""
        flat = np.sqrt(1 + (np.pi * self.width / 2) ** 2 * np.cos(np.pi * np.clip((u + 1) / 2, 0, 1)) ** 2)
        blade = np.minimum((self.half_width(u) - np.abs(v)) / flat, 1 - np.abs(u))
        stalk = np.minimum(np.minimum(0.016 - np.abs(v), u + STALK), -0.9 - u)
        return _step(np.maximum(blade, stalk) * self.length, blur)

    def veins(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """How much of the tissue is vein, 0 … 1: (h, w). Midrib, and side veins that bow towards the tip."""
        across = np.abs(v) * self.length
        midrib = np.exp(-0.5 * (across / np.maximum(0.012 * self.length * (1.2 - 0.8 * np.clip(u, -1, 1)), 0.6)) ** 2)
        turn = 7.5 * ((u + 1) / 2 - 0.55 * np.abs(v) ** 1.2) + 0.5 * (v > 0)
        away = np.abs((turn + 0.5) % 1 - 0.5) * 2 * self.length / 7.5 * 0.8
        side = np.exp(-0.5 * (away / max(0.007 * self.length, 0.5)) ** 2) * np.exp(-np.abs(v) / self.width)
        return np.maximum(midrib, 0.5 * side)

    def lesions(
        self, y: np.ndarray, x: np.ndarray, u: np.ndarray, v: np.ndarray, day: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """How much of the tissue is lesion, and how much of that is stage 2, each 0 … 1: (h, w).

        Borders are SOFT pixels wide, those between the stages twice that. Never falls with the day.
        """
        healthy, young = np.ones_like(u), np.ones_like(u)
        bent = 1 + 0.16 * np.tanh(self.wobble.at(y, x)[..., 0])
        for (u0, v0), onset, size in zip(self.sites, self.onset, self.size, strict=True):
            away = np.hypot(u - u0, v - v0) * bent * self.length
            healthy *= 1 - _disk(away, radius(day - onset, size) * self.length, SOFT)
            young *= 1 - _disk(away, radius(day - onset - AGEING, size) * self.length, 2 * SOFT)
        return 1 - healthy, 1 - young


def radius(age: float, size: float) -> float:
    """Of a lesion at an age in days: size (1 - exp(-age / GROWTH)), 0 before its onset."""
    return size * (1 - np.exp(-max(age, 0.0) / GROWTH))


def draw_leaf(rng: np.random.Generator, box: tuple[float, float, float, float], infected: bool) -> Leaf:
    """A leaf that fills a box (y0, y1, x0, x1). The same numbers are drawn whether it is infected or not."""
    height, width = box[1] - box[0], box[3] - box[2]
    angle = rng.uniform(-0.45, 0.45) + (np.pi / 2 if height > width else 0) + np.pi * rng.integers(2)
    half, bend = rng.uniform(0.42, 0.52), rng.uniform(-0.12, 0.12)
    sine, cosine = np.abs(np.sin(angle)), np.abs(np.cos(angle))
    reach = np.hypot(1.1 * sine, (half + 0.08) * cosine), np.hypot(1.1 * cosine, (half + 0.08) * sine)
    length = max(0.47 * min(height / reach[0], width / reach[1]), 1e-3)
    shift = np.array([np.sin(angle), np.cos(angle)]) * 0.08 * length  # makes room for the stalk
    center = np.array([box[0] + box[1], box[2] + box[3]]) / 2 - 0.5 + shift
    shape = {"angle": angle, "length": length, "width": half, "bend": bend, "teeth": rng.random()}
    sites, onset, size = _draw_lesions(rng, half)
    wobble = draw_fields(rng, 1, max(0.06 * length, 1.0))
    tone = float(np.clip(rng.standard_normal(), -2, 2))
    n = len(sites) if infected else 0
    return Leaf(center, **shape, tone=tone, sites=sites[:n], onset=onset[:n], size=size[:n], wobble=wobble)


def _draw_lesions(rng: np.random.Generator, width: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sites, onsets and sizes of 4 to 8 lesions that tend to 40 to 60 % of the blade (less where they meet)."""
    n = int(rng.integers(4, 9))
    u = rng.uniform(-0.75, 0.75, n)
    margin = width * np.sin(np.pi * ((u + 1) / 2) ** 0.85)
    sites = np.stack([u, rng.uniform(-0.7, 0.7, n) * margin], 1)
    onset = np.concatenate([[0.2], rng.uniform(0.2, 2.5, n - 1)])
    size = np.exp(rng.normal(0, 0.35, n))
    blade = 4 * width * np.trapezoid(np.sin(np.pi * RISE**0.85), RISE)
    return sites, onset, size * np.sqrt(rng.uniform(0.4, 0.6) * blade / (np.pi * (size**2).sum()))


def _step(distance: np.ndarray, blur: float) -> np.ndarray:
    """An edge seen through a Gaussian blur: 0 far outside (distance < 0), 1 far inside."""
    return 0.5 * erfc(-distance / (np.sqrt(2) * blur))


def _disk(away: np.ndarray, radius: float, soft: float) -> np.ndarray:
    """A disk with a soft border; nothing of it is left at radius 0."""
    return _step(radius - away, soft) * min(1.0, radius / soft)
