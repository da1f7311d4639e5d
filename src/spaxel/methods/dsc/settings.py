"""What a fit of deep spectral clustering is told, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from spaxel.errors import ParameterError

COUNTED = ("multinomial", "poisson")  # likelihoods of counts


class Settings(NamedTuple):
    """What a fit is told, beside the data. Its values are those of DeepSpectralClustering, which alone says the defaults.

    k : number of components, 0 if it is to be found      n_latent : None for auto
    about : what a checkpoint is known by, by name
    """

    likelihood: str
    objective: str
    clustering: str
    gamma: float
    gamma_ramp: int
    beta: float
    beta_ramp: int
    form: str
    net: str
    n_latent: int | None
    width: int
    depth: int
    dropout: float
    context: int
    metric: str
    margin: float
    keep: str
    denoise: bool
    epochs: int
    patience: int
    batch: int
    rate: float
    device: str
    precision: str
    checkpoint: str | None
    k: int = 0
    seed: int = 0
    about: Mapping[str, Any] = MappingProxyType({})

    @classmethod
    def of(cls, method: Any, *, counts: bool, negative: bool = False) -> Settings:
        """The settings of a DeepSpectralClustering for data that are counts or not, and hold negative values or not.

        Raises ParameterError if the likelihood is one of counts and the data are negative.
        """
        given = {name: getattr(method, name) for name in cls._fields if name not in cls._field_defaults}
        if method.likelihood == "auto":
            given["likelihood"] = "multinomial" if counts else "gaussian"
        likelihood = given["likelihood"]
        if likelihood in COUNTED and negative:
            raise ParameterError(f"likelihood is {likelihood!r}, but the spectra hold negative values. Try gaussian.")
        given["n_latent"] = None if method.n_latent == "auto" else method.n_latent
        given["denoise"] = method.denoise and (counts or likelihood == "gaussian")
        k = method.n_clusters if isinstance(method.n_clusters, int) else 0
        return cls(**given, k=k, seed=method.random_state)
