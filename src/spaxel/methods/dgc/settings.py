"""What a fit of Deep Global Clustering is told, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

SIZES = (1, 3, 5, 9)  # sides of the windows that a pixel is seen with
RATE_VIEWS = 1e-3  # of Adam where views learn to agree


class Settings(NamedTuple):
    """What a fit is told. Its values are those of DeepGlobalClustering, which alone says the defaults (`Settings.of`).

    sizes : of the windows, see SIZES      rate_views : of the second phase      about : what a checkpoint is known by, by name
    """

    n_micro: int
    width: int
    epochs: int
    epochs_views: int
    tiles: int
    reuse: int
    rate: float
    vary: float
    n_sample: int
    device: str
    precision: str
    memory: int | None
    seed: int
    objective: str
    encoder: str
    checkpoint: str | None
    sizes: tuple[int, ...] = SIZES
    rate_views: float = RATE_VIEWS
    about: Mapping[str, Any] = MappingProxyType({})

    @classmethod
    def of(cls, method: Any, **more: Any) -> Settings:
        """The settings of a DeepGlobalClustering. more : sizes, rate_views, about"""
        names = set(cls._fields) - set(cls._field_defaults) - {"seed"}
        return cls(seed=method.random_state, **{name: getattr(method, name) for name in names}, **more)
