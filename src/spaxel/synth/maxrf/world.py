"""A small painting under a scanning X-ray fluorescence instrument (MA-XRF), with known pigments.

Each pigment is a thin layer in oil on a thick ground of chalk, and has one spectrum (synth/fluorescence.py). Abundances
are smooth fields of the image plane; a pixel expects `brightness x abundances @ spectra` counts and draws Poisson numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import softmax

from spaxel.cube import make_cube, note
from spaxel.cube.tiles import CELL
from spaxel.errors import ParameterError
from spaxel.synth.checks import real_number, true_or_false, whole_number
from spaxel.synth.fields import Bumps, Fields, draw_fields, draw_sites, lift
from spaxel.synth.maxrf.fluorescence import Instrument
from spaxel.synth.maxrf.layered import UNDER, Layered, pile_up, table
from spaxel.synth.maxrf.painted import Painted, paint_from, read_picture
from spaxel.synth.maxrf.pigments import COLORS, GROUND, chosen, paint, paint_spectra
from spaxel.synth.tiled import tiled

UNDER_THICKNESS = 0.01  # g/cm2 of an underpainting


@dataclass(frozen=True)
class Painting:
    """All that the pixels of a painting are made from; small, whatever the size of the image.

    bias : (k,) the larger, the more of a pigment      bumps : lift each pigment at a place of its own
    spectra : (k, channel) expected counts of the pure pigments at mean brightness
    """

    seed: int
    length: float
    border: float
    mixing: float
    contrast: float
    regions: Fields
    blends: Fields
    shade: Fields
    bumps: Bumps
    bias: np.ndarray
    spectra: np.ndarray
    mean_light: float = 1.0
    layered: Layered | None = None
    pileup: float = 0.0
    energies: np.ndarray | None = None
    painted: Painted | None = None


def maxrf(
    height: int | None = None,
    width: int | None = None,
    *,
    seed: int = 0,
    n_pigments: int = 6,
    pigments: Sequence[str] | Mapping[str, Mapping[str, float]] | None = None,
    counts: float = 400.0,
    channels: int = 1024,
    energies: tuple[float, float] = (0.5, 38.5),
    tube_kv: float = 45.0,
    resolution: float = 0.14,
    thickness: float = 0.006,
    layers: int = 1,
    relief: float = 0.0,
    pileup: float = 0.0,
    region: float = 0.2,
    border: float = 2.0,
    mixing: float = 0.15,
    contrast: float = 0.2,
    noise: bool = True,
    picture: np.ndarray | str | Path | None = None,
    colors: int = 10,
    tau: float = 0.7,
) -> xr.Dataset:
    """A simulated MA-XRF cube, lazy in tiles of 64 x 64 pixels, with its truth.

    height, width, seed : pixels (96, or those of the picture); the same seed gives the same bits, however the cube is read
    n_pigments, pigments : the first of PIGMENTS (2 … 15), or their names, or your own: {name: {element: mass fraction}}
    counts   : mean photons per pixel
    channels, energies  : number, and range in keV      tube_kv : end of the tube's spectrum
    resolution : of the detector, keV at Mn Kα      thickness : of paint, g/cm2
    layers   : 2 puts an underpainting (lead white, red ochre, bone black, in regions of its own) below the paint
    relief   : standard deviation of the logarithm of the paint's thickness; with it, or two layers, spectra vary with the
               thickness, not linearly, and truth_spectra are those of the median thickness
    pileup   : share of photons that meet another one and are counted as their sum
    region   : size of the regions, as a share of the longer side      border : width of their soft edges in pixels
    mixing   : 0 … 1, how much of a second, smoother mixture lies over them      contrast : of brightness (log, smooth)
    noise    : False gives the expected counts (float32) in place of Poisson counts (uint16, or uint32 if needed)
    picture, colors, tau : paints after a picture, an array (rows, columns, 3) uint8 or a file: reduced to so many colours
               (1 … 255), each a mixture of the pigments that look like it, see synth/painted.py; there are no regions then,
               no borders and no mixing. tau 0.2 (as published) lets nearly every pigment in, 0.9 the nearest alone
    returns  : cube with truth_labels (the most abundant; the mixture of a picture, the commonest is 0), truth_abundances
               (sum 1) of the pigments, truth_spectra of them; attrs truth_names
    Raises ParameterError; NotFound or ReadError for the file of a picture. In an image of a few pixels some pigments are the
    most abundant nowhere.
    """
    seen = None if picture is None else read_picture(picture)
    height, width = (
        n if n is not None else d
        for n, d in zip((height, width), (96, 96) if seen is None else seen.shape[:2], strict=True)
    )
    for name, value, top in (("height", height, 2**31), ("width", width, 2**31), ("channels", channels, 2**16)):
        whole_number(name, value, 1, top)
    whole_number("seed", seed, 0, 2**32 - 1)
    soft = {
        "region": real_number("region", region, 0.01, 10),
        "border": real_number("border", border, 0.01, 1e6),
        "mixing": real_number("mixing", mixing, 0, 1),
        "contrast": real_number("contrast", contrast, 0, 1),
    }
    names, edges = chosen(n_pigments, pigments), _edges(energies, channels)
    paints = [paint(pigments[name] if isinstance(pigments, Mapping) else name) for name in names]
    instrument = Instrument(
        tube_kv=real_number("tube_kv", tube_kv, 5, 100), resolution=real_number("resolution", resolution, 0.05, 2)
    )
    real_number("thickness", thickness, 1e-6, 10)
    noise = true_or_false("noise", noise)
    whole_number("layers", layers, 1, 2)
    real_number("relief", relief, 0, 3)
    real_number("pileup", pileup, 0, 0.5)
    pure = paint_spectra(paints, instrument, edges, thickness)
    pure *= real_number("counts", counts, 1e-3, 1e8)
    painting = _compose(pure, seed=seed, height=height, width=width, **soft)
    painting = replace(painting, pileup=float(pileup), energies=(edges[:-1] + edges[1:]) / 2)
    if seen is not None:
        palette = np.array([_color(name) for name in names])
        colors, tau = whole_number("colors", colors, 1, 255), real_number("tau", tau, 0, 1)
        painted = paint_from(seen, palette, height=height, width=width, colors=colors, tau=tau, seed=seed)
        painting = replace(painting, painted=painted)
    if layers == 2 or relief:
        painting = _layer(painting, paints, instrument, edges, thickness, layers, float(relief), float(counts))
        pure = painting.spectra
    image, dtype = (height, width), np.dtype(_smallest(painting, height, width) if noise else np.float32)
    drawn, function = ("Poisson", _counts) if noise else ("expected", expected)
    cube = make_cube(
        tiled(function, painting, (*image, channels), dtype),
        (edges[:-1] + edges[1:]) / 2,
        "keV",
        truth_labels=tiled(_labels, painting, image, np.int32),
        truth_abundances=tiled(abundances, painting, (*image, len(names)), np.float32),
        truth_spectra=pure,
        source=f"simulated MA-XRF painting, seed {seed}",
        truth_names=list(names),
    )
    after = "" if seen is None else f" after a picture, {len(painted.mixtures)} mixtures, tau {tau:g}"
    said = f"simulated: {len(names)} pigments{after}, {drawn} counts, {counts:g} per pixel on average, seed {seed}"
    return note(cube, said)


def abundances(painting: Painting, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Share of each pigment at rows y (h,) and columns x (w,): (h, w, pigment), sum 1.

    a = (1 - mixing) softmax(f / s) + mixing softmax(2 g): f random fields, each lifted around its own site, s so that the
    edges of regions are `border` pixels wide; g other fields. After a picture: as it says.
    """
    if painting.painted is not None:
        return painting.painted.shares(y, x)
    field = painting.regions.at(y, x) + painting.bias + painting.bumps.at(y, x)
    sharp = softmax(field * painting.length / (np.sqrt(2) * painting.border), axis=-1)
    return (1 - painting.mixing) * sharp + painting.mixing * softmax(2 * painting.blends.at(y, x), axis=-1)


def brightness(painting: Painting, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Photons of pixels at rows y (h,) and columns x (w,), relative to the mean of the painting: (h, w)."""
    return np.exp(painting.contrast * painting.shade.at(y, x)[..., 0]) / painting.mean_light


def expected(painting: Painting, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Expected counts at rows y (h,) and columns x (w,): (h, w, channel)."""
    light, paint, layered = brightness(painting, y, x)[..., None], abundances(painting, y, x), painting.layered
    counts = (light * paint) @ painting.spectra if layered is None else light * layered.at(paint, y, x)
    if not painting.pileup or painting.energies is None:
        return counts
    return pile_up(counts, painting.pileup, painting.energies)


def _compose(pure: np.ndarray, *, seed: int, height: int, width: int, region: float, **soft: float) -> Painting:
    # five words, so that this stream is none of those of the tiles: [seed, row, column] is padded with zeros
    rng, n, length = np.random.default_rng([seed, 0, 0, 0, 1]), len(pure), region * max(height, width)
    sites, bias = draw_sites(rng, n, height, width), rng.permutation(np.linspace(-0.4, 0.4, n))
    fields = {"regions": draw_fields(rng, n, length), "blends": draw_fields(rng, n, 1.5 * length)}
    fields |= {"shade": draw_fields(rng, 1, 2 * length)}
    bumps = lift(fields["regions"], bias, sites, length)
    given: dict[str, Any] = {**soft, **fields}
    painting = Painting(seed, length, **given, bumps=bumps, bias=bias, spectra=pure)
    return replace(painting, mean_light=float(brightness(painting, *_coarse(height, width)).mean()))


def _layer(
    painting: Painting,
    paints: list[dict[str, float]],
    instrument: Instrument,
    edges: np.ndarray,
    thickness: float,
    layers: int,
    relief: float,
    counts: float,
) -> Painting:
    unders = [(paint(name), UNDER_THICKNESS) for name in UNDER] if layers == 2 else []
    made = table(paints, unders, GROUND, instrument, edges, thickness, relief)
    rng = np.random.default_rng([painting.seed, 0, 0, 0, 3])
    fields = draw_fields(rng, max(len(unders), 1), 1.3 * painting.length), draw_fields(rng, 1, 0.8 * painting.length)
    layered = Layered(replace(made, spectra=counts * made.spectra), *fields, relief)
    return replace(painting, spectra=layered.at_median(), layered=layered)


def _color(name: str) -> tuple[int, int, int]:
    if name not in COLORS:
        raise ParameterError(f"{name!r} has no colour, which a picture needs. Try names out of: {', '.join(COLORS)}.")
    return COLORS[name]


def _coarse(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """At most 64 rows and columns, spread evenly."""
    return np.linspace(0, height - 1, min(height, 64)), np.linspace(0, width - 1, min(width, 64))


def _counts(painting: Painting, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng([painting.seed, int(y[0]) // CELL, int(x[0]) // CELL])
    return rng.poisson(expected(painting, y, x))


def _labels(painting: Painting, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    if painting.painted is not None:
        return painting.painted.labels(y, x)
    return abundances(painting, y, x).argmax(-1)


def _smallest(painting: Painting, height: int, width: int) -> type[np.unsignedinteger]:
    """uint16 if the brightest channel surely fits, else uint32."""
    pure = painting.spectra if painting.layered is None else painting.layered.table.spectra
    most = pure.max() * brightness(painting, *_coarse(height, width)).max() * 1.5
    return np.uint16 if most + 10 * np.sqrt(most) < 2**16 else np.uint32


def _edges(energies: tuple[float, float], channels: int) -> np.ndarray:
    if np.shape(energies) != (2,) or not 0 <= energies[0] < energies[1] <= 100:
        raise ParameterError(f"energies is {energies!r}, expected (low, high) in keV with 0 <= low < high <= 100.")
    return np.linspace(*energies, channels + 1)
