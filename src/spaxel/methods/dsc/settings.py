"""What a fit of deep spectral clustering is told, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

COUNTED = ("multinomial", "poisson")  # likelihoods of counts


class Settings(NamedTuple):
    """What a fit is told, beside the data; see DeepSpectralClustering.

    k : number of components, 0 if it is to be found      about : what a checkpoint is known by, by name
    """

    likelihood: str = "multinomial"
    objective: str = "autoencoder"
    clustering: str = "simplified"
    gamma: float = 0.1
    gamma_ramp: int = 5
    beta: float = 1.0
    beta_ramp: int = 5
    form: str = "sum"
    net: str = "plain"
    n_latent: int | None = None
    width: int = 64
    depth: int = 2
    dropout: float = 0.0
    context: int = 0
    metric: str = "nearby"
    margin: float = 0.0
    keep: str = "best"
    k: int = 0
    denoise: bool = True
    epochs: int = 30
    patience: int = 5
    batch: int = 512
    rate: float = 1e-3
    device: str = "cpu"
    precision: str = "32-true"
    checkpoint: str | None = None
    seed: int = 0
    about: Mapping[str, Any] = MappingProxyType({})
