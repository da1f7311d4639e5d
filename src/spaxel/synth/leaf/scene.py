"""A scene of leaves: where they lie, what they are made of, how hard it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spaxel.errors import ParameterError
from spaxel.synth.cameras import camera as find_camera
from spaxel.synth.checks import real_number
from spaxel.synth.fields import Fields, draw_fields
from spaxel.synth.leaf.light import Light, diffuse_tint, draw_light, noise_deviation
from spaxel.synth.leaf.shape import Leaf, draw_leaf
from spaxel.synth.leaf.spectra import matter, usual


class Version(NamedTuple):
    """How hard a scene is. snr, shadows: see leaf.leaf; slope, gloss: draw_light; variety, contrast: matter"""

    snr: float
    shadows: float
    slope: float
    gloss: float
    variety: float
    contrast: float


VERSIONS = {
    "easy": Version(snr=100, shadows=0.3, slope=0.15, gloss=0.06, variety=0.5, contrast=1.0),
    "hard": Version(snr=10, shadows=0.8, slope=0.30, gloss=0.15, variety=1.0, contrast=0.6),
}


@dataclass(frozen=True)
class Scene:
    """All that the pixels of a scene are made from; small, whatever the size of the image.

    cloth, tissue, mottle : textures      spectra : (kind, channel)      tint : (channel,) of the light in shadows
    mean : reflectance of healthy tissue over all channels      noise : (channel,) standard deviation at that signal
    """

    seed: int
    day: float
    variety: float
    leaves: tuple[Leaf, ...]
    light: Light
    cloth: Fields
    tissue: Fields
    mottle: Fields
    spectra: np.ndarray
    tint: np.ndarray
    mean: float
    noise: np.ndarray


def version_of(name: str, snr: float | None, shadows: float | None) -> Version:
    """The version of that name, with another signal to noise or strength of shadows if given. Raises ParameterError."""
    if name not in VERSIONS:
        raise ParameterError(f"There is no version {name!r} of leaf. Known versions: {', '.join(VERSIONS)}.")
    chosen = VERSIONS[name]
    return chosen._replace(
        snr=chosen.snr if snr is None else real_number("snr", snr, 0.1, 1e6),
        shadows=chosen.shadows if shadows is None else real_number("shadows", shadows, 0, 1),
    )


def compose(
    image: tuple[int, int], seed: int, day: float, infected: bool, n: int, camera: str, chosen: Version
) -> Scene:
    """The scene of a seed over an image (height, width) with n leaves. All days, cameras and versions share their draws."""
    rng, plant = (np.random.default_rng([0, seed, part, 0, 0]) for part in (0, 1))
    boxes = _boxes(image, n)
    leaves = tuple(draw_leaf(rng, box, infected) for box in boxes)
    light = draw_light(rng, image, n, slope=chosen.slope, shadows=chosen.shadows, gloss=chosen.gloss)
    length = leaves[0].length
    scales = {"cloth": 0.15 * length, "tissue": 0.35 * length, "mottle": 0.025 * length}
    textures = {name: draw_fields(rng, 1, max(scale, 1.0)) for name, scale in scales.items()}
    device = find_camera(camera)
    spectra = matter(plant, device, chosen.variety, chosen.contrast)
    mean = float(usual(spectra)[1].mean())
    noise, tint = noise_deviation(device.center, mean, chosen.snr), diffuse_tint(device.center)
    return Scene(
        seed, day, chosen.variety, leaves, light, textures["cloth"], textures["tissue"], textures["mottle"],
        spectra=spectra, tint=tint, mean=mean, noise=noise,
    )  # fmt: skip


def _boxes(image: tuple[int, int], n: int) -> list[tuple[float, float, float, float]]:
    """Equal parts of the image (y0, y1, x0, x1) for n leaves, as square as can be."""
    height, width = image
    rows = min(range(1, n + 1), key=lambda r: abs(np.log(height / r / (width / -(-n // r)))))
    columns = -(-n // rows)
    tall, wide = height / rows, width / columns
    places = [(i // columns, i % columns) for i in range(n)]
    return [(i * tall, (i + 1) * tall, j * wide, (j + 1) * wide) for i, j in places]
