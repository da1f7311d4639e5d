"""What a fit of Deep Global Clustering is told, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

SIZES = (1, 3, 5, 9)  # sides of the windows that a pixel is seen with


class Settings(NamedTuple):
    """What a fit is told; see DeepGlobalClustering. about : what a checkpoint is known by, by name"""

    n_micro: int = 48
    sizes: tuple[int, ...] = SIZES
    width: int = 64
    epochs: int = 8
    epochs_views: int = 4
    tiles: int = 8
    reuse: int = 10
    rate: float = 4e-3
    rate_views: float = 1e-3
    vary: float = 1.0
    n_sample: int = 20_000
    device: str = "cpu"
    precision: str = "32-true"
    memory: int | None = None
    seed: int = 0
    objective: str = "stable"
    encoder: str = "ours"
    checkpoint: str | None = None
    about: Mapping[str, Any] = MappingProxyType({})
