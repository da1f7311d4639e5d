"""What is done to spectra before they are compared: scalings that are learned on a sample and applied to any spectrum.

| name         | a spectrum x becomes                                   | for                                               |
|--------------|--------------------------------------------------------|---------------------------------------------------|
| none         | x                                                      | brightness is part of the answer                  |
| unit         | x / ‖x‖                                                | reflectance under uneven light; blind to brightness |
| unit_bright  | x / ‖x‖ and, as one more feature, log ‖x‖ standardised | the same, brightness kept as one feature of many  |
| snv          | (x - mean x) / sd x                                    | offsets and slopes of the whole spectrum          |
| zscore       | (x - m) / s per channel                                | channels of very different size                   |
| asinh        | arsinh(x / a), a the median of abs(x) per channel      | faint and bright sources in one image             |
| counts       | (x - p Σx) / (Σx + 5) / √(p + 0.1 mean p)              | Poisson counts: correspondence analysis           |
| hellinger    | √(x / Σx)                                              | Poisson counts, many channels of few              |
| mnf          | (x - m) N^(-1/2), N = noise covariance                 | noise that differs by channel or is correlated    |

Where the file says how noisy its values are (`variance`), noisy channels count less: see spaxel.preprocess.scaling.quiet.

`asinh` is linear below the median, where noise is, and logarithmic above it (Lupton, Gunn & Szalay 1999); a of a dark channel
is a tenth of the mean one at least. p is the mean spectrum with sum 1. `counts` is correspondence analysis with two guards for
few photons, chosen on simulated paintings (at 6 photons per pixel they lift ARI from 0.02 to 0.61, above 100 they change
nothing): every pixel is taken as if it had seen 5 more photons like the mean, and dark channels count as if they had a tenth
of the mean channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, get_args

import numpy as np

from spaxel.cube.sampling import Sample
from spaxel.errors import CubeError, ParameterError
from spaxel.preprocess.whitening import whitener

ScalingName = Literal["none", "unit", "unit_bright", "snv", "zscore", "asinh", "counts", "hellinger", "mnf"]
SCALINGS: tuple[str, ...] = get_args(ScalingName)
RARE = 0.1  # of the mean channel: added to p in `counts`, so that one photon in a dark channel is no outlier
PRIOR = 5.0  # photons like the mean that every pixel is taken to have seen besides its own in `counts`
BY_SPECTRUM = ("unit", "unit_bright", "snv")  # scalings that divide each spectrum by a number of its own
LOOKED_AT, TAIL = 4000, 0.99  # spectra for the weights of noisy channels, and share of them that is no outlier
COUNTED = ("counts", "hellinger")  # scalings of photon counts, whose noise is that of counts
LEAST_SHARE = 0.01  # of the variance of a channel that is taken for signal, however noisy its file says it is
TINY = 1e-12


@dataclass(frozen=True)
class Scaling:
    """A scaling that has seen data.

    name : one of SCALINGS     center, weight : (channel,)     matrix : (channel, channel) or None
    scaled = scale_rows(name, x, center) * weight [@ matrix]
    """

    name: str
    center: np.ndarray
    weight: np.ndarray
    matrix: np.ndarray | None = None

    def __call__(self, spectra: np.ndarray) -> np.ndarray:
        """Scaled spectra: (n, channel) any real dtype -> (n, feature) float64."""
        if spectra.shape[-1] != len(self.center):
            raise CubeError(f"The scaling knows {len(self.center)} channels, the spectra have {spectra.shape[-1]}.")
        scaled = scale_rows(self.name, spectra, self.center) * self.weight
        if self.name == "unit_bright":
            mean, weight = self._brightness
            extra = (log_norm(spectra) - mean) * weight
            return np.concatenate([scaled, extra[:, None]], axis=1)
        return scaled if self.matrix is None else scaled @ self.matrix

    @property
    def _brightness(self) -> np.ndarray:
        """Mean and weight of the log norm (unit_bright)."""
        return np.zeros(2) if self.matrix is None else self.matrix[0]

    def inverse(self, scaled: np.ndarray, like: np.ndarray) -> np.ndarray:
        """Spectra that are scaled to these features: (n, feature) -> (n, channel) float64.

        like : (n, channel) or (1, channel) spectra that lend what the scaling divides out: the norm (unit), mean and standard
               deviation (snv), or the sum (counts, hellinger). Channels that the scaling gives no weight are the mean's.
        Counts are never negative, so features that no counts have come back as others.
        """
        x, rows = np.asarray(like, np.float64), np.asarray(scaled, np.float64)
        if self.name == "mnf" and self.matrix is not None:
            return np.linalg.solve(self.matrix.T, rows.T).T * _over(self.weight) + self.center
        if self.name == "unit_bright":
            mean, weight = self._brightness
            bright = np.exp(rows[:, -1:] / weight + mean) if weight else np.linalg.norm(x, axis=1, keepdims=True)
            return rows[:, :-1] * _over(self.weight) * bright
        rows = rows * _over(self.weight) + (0 if self.name in ("asinh", "counts") else self.center)
        if self.name == "asinh":
            return np.sinh(rows) * self.center
        if self.name == "unit":
            return rows * np.linalg.norm(x, axis=1, keepdims=True)
        if self.name == "snv":
            return rows * x.std(1, keepdims=True) + x.mean(1, keepdims=True)
        if self.name in ("counts", "hellinger"):
            total = np.maximum(x, 0).sum(1, keepdims=True)
            guess = (
                rows * (total + PRIOR) + self.center * total
                if self.name == "counts"
                else np.maximum(rows, 0) ** 2 * total
            )
            return np.maximum(guess, 0)
        return rows


def _over(weight: np.ndarray) -> np.ndarray:
    return np.where(weight != 0, 1 / np.where(weight != 0, weight, 1), 0.0)


def fit_scaling(name: str, sample: Sample) -> Scaling:
    """Learn a scaling from a sample.

    Raises ParameterError for an unknown name, and for `mnf` without neighbouring pixels (a table has none) or a variance.
    """
    if name not in SCALINGS:
        raise ParameterError(f"There is no scaling {name!r}. Known: {', '.join(SCALINGS)}, auto.")
    channels = sample.spectra.shape[1]
    center, weight, matrix = np.zeros(channels), np.ones(channels), None
    if name in ("zscore", "mnf"):
        center = sample.spectra.mean(0, dtype=np.float64)
    if name == "zscore":
        weight = 1 / np.maximum(sample.spectra.std(0, dtype=np.float64), TINY)
    elif name == "asinh":
        center = _middle_sizes(sample.spectra)
    elif name == "counts":
        total = np.maximum(sample.spectra, 0).sum(0, dtype=np.float64)
        center = total / max(total.sum(), TINY)
        weight = np.where(center > 0, 1 / np.sqrt(center + RARE / channels), 0.0)
    elif name == "mnf":
        matrix = whitener(sample)
    elif name == "unit_bright":
        bright = log_norm(sample.spectra)
        matrix = np.array([[bright.mean(), _brightness_weight(sample.spectra) / max(bright.std(), TINY)]])
    return Scaling(name, center, weight * quiet(name, sample), matrix)


def quiet(name: str, sample: Sample) -> np.ndarray | float:
    """By how much noisy channels count less under a scaling, (channel,), 1 at most; 1 where the noise is not known.

    unit, unit_bright, snv : √(S / (S + D_c)), D_c the noise of a scaled channel, S what else varies in a channel on average:
                             as Wiener's filter for signals of the same size
    others                 : 1; `mnf` whitens by its matrix. Counts have the noise of counts, and weights of `zscore` by the
                             share of a channel that is no noise were tried: they cost ARI where light is uneven
    """
    if sample.noise is None or name not in BY_SPECTRUM:
        return 1.0
    noise = sample.noise.channel
    some = sample.spectra[:: max(1, len(sample.spectra) // LOOKED_AT)]
    blocks = [scale_rows(name, some[i : i + 512], np.zeros(len(noise))) for i in range(0, len(some), 512)]
    mean = sum(block.sum(0) for block in blocks) / len(some)
    spread = sum(((block - mean) ** 2).sum(0) for block in blocks) / len(some)
    scaled = noise * noise_level(name, sample)
    signal = float(np.maximum(spread - scaled, LEAST_SHARE * spread).mean())
    weight = np.sqrt(signal / np.maximum(signal + scaled, TINY * TINY))
    return weight / max(weight.max(), TINY * TINY)


def noise_level(name: str, sample: Sample) -> float:
    """What the mean variance of a channel is multiplied by, on average over the spectra, before the weights of a scaling."""
    known = sample.noise
    level = np.ones(1) if known is None else known.row / known.row.mean() / divisor(name, sample.spectra) ** 2
    return float(level[level <= np.quantile(level, TAIL)].mean())


def divisor(name: str, spectra: np.ndarray) -> np.ndarray:
    """What a scaling divides each spectrum (n, channel) by before its weights: its norm, its standard deviation, or 1; (n,)."""
    if name not in BY_SPECTRUM:
        return np.ones(len(spectra))
    x = np.asarray(spectra, np.float64)
    return np.maximum(x.std(1) if name == "snv" else np.linalg.norm(x, axis=1), TINY * TINY)


def scale_rows(name: str, spectra: np.ndarray, center: np.ndarray) -> np.ndarray:
    """The part of a scaling that looks at each spectrum alone, around the centre: (n, channel) -> (n, channel) float64.

    Spectra that cannot be scaled (all zero) stay finite.
    """
    x = np.asarray(spectra, dtype=np.float64)
    if name in ("unit", "unit_bright"):
        return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), TINY * TINY) - center
    if name == "snv":
        centred = x - x.mean(1, keepdims=True)
        return centred / np.maximum(centred.std(1, keepdims=True), TINY * TINY) - center
    if name in ("counts", "hellinger"):
        x = not_negative(x)
        total = x.sum(1, keepdims=True)
        if name == "counts":
            rows = x - center * total
            rows *= 1 / (total + PRIOR)
            return rows
        return np.sqrt(x / np.maximum(total, TINY * TINY)) - center
    return np.arcsinh(x / center) if name == "asinh" else x - center


def not_negative(x: np.ndarray) -> np.ndarray:
    """Values with 0 for those below; itself where none is."""
    return x if x.size and x.min() >= 0 else np.maximum(x, 0)


class Products(NamedTuple):
    """Matrices that spectra are multiplied by, side by side: one product is quicker than several.

    matrix : (channel, n)      places : {name: the columns of one of them}
    """

    matrix: np.ndarray
    places: dict[str, slice]

    @classmethod
    def of(cls, matrices: dict[str, np.ndarray]) -> Products:
        """Of some matrices (channel, …) by name."""
        ends = np.cumsum([one.shape[1] for one in matrices.values()]).tolist()
        places = {name: slice(end - one.shape[1], end) for (name, one), end in zip(matrices.items(), ends, strict=True)}
        return cls(np.concatenate(list(matrices.values()), axis=1), places)


class Rows:
    """Spectra (n, channel) float64, and what several scalings ask of them, worked out once.

    counts : no value is below 0, as their type says      products : that are worked out together when one is asked for
    """

    def __init__(self, spectra: np.ndarray, *, counts: bool = False, products: Products | None = None) -> None:
        self.spectra, self._counts, self._products = np.asarray(spectra, np.float64), counts, products

    def times(self, name: str, matrix: np.ndarray) -> np.ndarray:
        """spectra @ matrix, (n, d), which `products` may have by this name."""
        places = self._products.places if self._products else {}
        return self._together[:, places[name]] if name in places else self.spectra @ matrix

    @cached_property
    def _together(self) -> np.ndarray:
        assert self._products is not None
        return np.asarray(self.spectra @ self._products.matrix)

    @cached_property
    def positive(self) -> np.ndarray:
        """Without values below 0."""
        return self.spectra if self._counts else not_negative(self.spectra)

    @cached_property
    def total(self) -> np.ndarray:
        """Sums of these, (n,)."""
        return np.asarray(self.positive.sum(1))

    @cached_property
    def norm(self) -> np.ndarray:
        """Norms, (n,)."""
        return norms(self.spectra)


def scaled_product(name: str, spectra: np.ndarray | Rows, center: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """scale_rows(name, spectra, center) @ matrix, (n, d); where a scaling is linear in a spectrum but for its size, the scaled
    spectra, which are as many as the cube has values, are not written out."""
    rows = spectra if isinstance(spectra, Rows) else Rows(spectra)
    if name == "counts":
        total = rows.total[:, None]
        return (rows.positive @ matrix - total * (center @ matrix)) / (total + PRIOR)
    if name in ("unit", "unit_bright"):
        return rows.spectra @ matrix / np.maximum(rows.norm, TINY * TINY)[:, None] - center @ matrix
    return scale_rows(name, rows.spectra, center) @ matrix


def norms(x: np.ndarray) -> np.ndarray:
    """The norm of each spectrum, (n, channel) float64 -> (n,)."""
    return np.sqrt(np.einsum("ij,ij->i", x, x))


def log_norm(spectra: np.ndarray) -> np.ndarray:
    """Logarithm of the norm of each spectrum, its brightness: (n, channel) -> (n,)."""
    return np.log(np.maximum(norms(np.asarray(spectra, dtype=np.float64)), TINY))


def _middle_sizes(spectra: np.ndarray) -> np.ndarray:
    """Median size of the values of each channel, a tenth of the mean of these at least; all above 0. spectra : (n, channel)"""
    size = np.median(np.abs(spectra), axis=0).astype(np.float64)
    if not size.any():  # most values are 0
        size = np.abs(spectra).mean(0, dtype=np.float64)
    return np.maximum(size, RARE * size.mean()) if size.any() else np.ones(len(size))


def _brightness_weight(spectra: np.ndarray) -> float:
    """Standard deviation of the strongest direction of the unit-norm spectra: brightness then weighs as much as it."""
    unit = scale_rows("unit", spectra[:4096], np.zeros(spectra.shape[1]))
    if min(unit.shape) < 2:
        return 1.0
    centred = unit - unit.mean(0)
    gram = centred @ centred.T if len(unit) < unit.shape[1] else centred.T @ centred  # of the shorter side
    return float(np.sqrt(np.linalg.eigvalsh(gram)[-1] / (len(unit) - 1)))
