"""A painting after a picture: which pigments, and how much of each, from the colour of every pixel.

As in the generator ganX (Bombini et al. 2024): the colours of the picture are reduced to a few; a colour c is a mixture of
the pigments that look like it, with shares like α_k = (101 - ΔE(c, c_k)) / 101 of those with α_k >= τ, or of the nearest
pigment alone if there is none; ΔE is CIEDE2000. All pixels of one colour have one mixture, and colours with the same mixture,
which no spectrum tells apart, are one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spaxel.colorimetry import ciede2000, lab_of_light, linear_rgb
from spaxel.errors import NotFound, ParameterError, ReadError

LOOKED_AT = 20_000  # pixels from which the colours are found
ROWS = 256  # of the picture that are reduced at once


@dataclass(frozen=True)
class Painted:
    """What lies where. index : (rows, columns) of the picture, which mixture      mixtures : (mixture, pigment), sum 1

    height, width : of the painting in pixels; the picture is stretched over it
    """

    index: np.ndarray
    mixtures: np.ndarray
    height: int
    width: int

    def labels(self, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """The mixture at rows y (h,) and columns x (w,): (h, w)."""
        rows, columns = self.index.shape
        return self.index[y * rows // self.height][:, x * columns // self.width]

    def shares(self, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Share of each pigment: (h, w, pigment)."""
        return self.mixtures[self.labels(y, x)]


def paint_from(
    picture: np.ndarray, pigments: np.ndarray, *, height: int, width: int, colors: int, tau: float, seed: int
) -> Painted:
    """The painting that a picture shows. picture : (rows, columns, 3) uint8      pigments : (pigment, 3) sRGB in 0..255

    colors : to how many the picture is reduced      tau : α from which a pigment is in a mixture
    The commonest mixture is the first.
    """
    centers = _reduced(picture, colors, seed)
    index = np.empty(picture.shape[:2], np.uint8)
    for i in range(0, len(picture), ROWS):
        index[i : i + ROWS] = _nearest(_lab(picture[i : i + ROWS]), centers)
    distinct, kind = np.unique(mixtures(centers, _lab(pigments), tau), axis=0, return_inverse=True)
    which = kind.reshape(-1)[index]
    size = np.bincount(which.ravel(), minlength=len(distinct))
    order = np.argsort(-size, kind="stable")[: (size > 0).sum()]
    place = np.argsort(np.argsort(-size, kind="stable"))
    return Painted(place[which].astype(np.uint8), distinct[order], height, width)


def mixtures(colors: np.ndarray, pigments: np.ndarray, tau: float) -> np.ndarray:
    """Shares of pigments (pigment, 3) in colours (color, 3), both CIELAB: (color, pigment), sum 1."""
    alike = np.maximum(101 - ciede2000(colors[:, None], pigments), 0) / 101
    chosen = (alike >= tau) | (alike == alike.max(1, keepdims=True)) & ~(alike >= tau).any(1, keepdims=True)
    shares = np.where(chosen, np.maximum(alike, 1e-12), 0.0)
    return shares / shares.sum(1, keepdims=True)


def read_picture(picture: Any) -> np.ndarray:
    """(rows, columns, 3) uint8 from such an array, or from the path of a file that Pillow reads (PNG, JPEG, TIFF …).

    What is transparent becomes white. Raises NotFound, ReadError for a file, ParameterError for an array of another kind.
    """
    if not isinstance(picture, (str, Path)):
        array = np.asarray(picture)
        if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8 or 0 in array.shape:
            raise ParameterError(
                f"picture is an array of {array.shape} {array.dtype}, expected (rows, columns, 3) uint8, or a path."
            )
        return array
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(picture) as image:
            over = image.convert("RGBA")
    except FileNotFoundError:
        raise NotFound(f"There is no file {picture}. Try another path.") from None
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise ReadError(f"{picture} is no picture that can be read: {error}. Try a PNG file.") from error
    white = Image.new("RGBA", over.size, "white")
    return np.asarray(Image.alpha_composite(white, over).convert("RGB"))


def _reduced(picture: np.ndarray, colors: int, seed: int) -> np.ndarray:
    """A few colours of a picture, (color, 3) CIELAB, by k-means on some of its pixels."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    rows, columns = picture.shape[:2]
    rng = np.random.default_rng([seed, 0, 0, 0, 4])
    drawn = rng.choice(rows * columns, min(LOOKED_AT, rows * columns), replace=False)
    seen = picture[drawn // columns, drawn % columns]
    distinct = np.unique(seen, axis=0)
    if len(distinct) <= colors:
        return _lab(distinct)
    with threadpool_limits(1):
        return KMeans(colors, n_init=4, random_state=seed).fit(_lab(seen)).cluster_centers_


def _nearest(lab: np.ndarray, centers: np.ndarray) -> np.ndarray:
    far = [((lab - center) ** 2).sum(-1) for center in centers]
    return np.argmin(far, axis=0)


def _lab(rgb: np.ndarray) -> np.ndarray:
    return lab_of_light(linear_rgb(np.asarray(rgb) / 255))
