"""Unmixing by energy-gated components, also where the mixing is not linear: EB-gMCR from the solution of MCR."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from sklearn.utils.validation import check_is_fitted

from spaxel.cube.sampling import Sample
from spaxel.errors import CubeError, ParameterError
from spaxel.linear.abundances import nnls
from spaxel.methods.ebgmcr.codes import curved_codes, gated_codes, mixed
from spaxel.methods.ebgmcr.fit import FEWEST, Ask, Found, fit_cold, fit_energy
from spaxel.methods.ebgmcr.laws import AGGREGATES, Aggregate, find_aggregate
from spaxel.methods.mcr.constraints import read_known
from spaxel.methods.mcr.estimator import MCR, encode_scene, encode_table
from spaxel.methods.mixtures.base import Encoder, Unmixing, is_signed
from spaxel.training import check_extra

HEADS = ("head_amounts", "head_gates", "head_edges")


@dataclass(eq=False, repr=False)
class EnergyMCR(Unmixing):
    """x ≈ f(c·z, S, θ): components S, amounts c >= 0, gates z that say which components a spectrum holds, a law f.

    Start "warm": the solution of spaxel.MCR. Where f is not linear, the law is undone and the components are solved anew in
    rounds, which gives their number. Then a pool with amortised amounts and gates is trained (net.objective) on four
    fifths of the samples; on the rest (held out) what is left unexplained and the usage decide, after each step, whether
    it is taken: the answer is never worse there than its start, and `info_` says what was gained. Scenes (see MCR) keep
    MCR's shares of sum 1 under linear mixing; under another law only S and θ are fitted, and amounts are free.

    Chang & Chen, arXiv:2507.23600 and 2510.20364; what is kept of them and what is not: docs/notes/ebgmcr.md.
    Start "cold": a random pool of candidates, for linear tables; slower, and meant for comparison (net.cold).
    fit, transform, attributes: as MCR; besides `theta_` (what is learned of f) and, where components are exactly sparse,
    zeros in `components_`. Needs the extra `deep`. Raises MissingExtra, ParameterError, CubeError.
    Fails where MCR fails (dense mixtures), and under a law that bends so strongly that no start comes near.

    >>> import spaxel
    >>> mixtures = spaxel.simulate("mixture", n_components=4, per_component=8, mixing="saturation", strength=1.0, snr_db=30)
    >>> spaxel.EnergyMCR(mixing="saturation", epochs=20).fit(mixtures).n_components_
    4
    """

    method: ClassVar[str] = "ebgmcr"

    n_components: Annotated[
        Annotated[int, Field(ge=1, le=1024)] | Literal["auto"],
        Field(description="number of components, or auto: found, with evidence"),
    ] = "auto"
    start: Annotated[
        Literal["warm", "cold"],
        Field(description="warm: from the solution of mcr; cold: from a random pool, as published"),
    ] = "warm"
    mixing: Annotated[
        str | Callable[..., Any],
        Field(description="linear, bilinear, absorbance, saturation, or a function of your own as module:function"),
    ] = "linear"
    sparse: Annotated[bool, Field(description="components are exactly 0 in most channels (mass spectra)")] = False
    known: Annotated[
        str | Path | np.ndarray | list[list[float]] | None,
        Field(description="spectra that are components already: a file, a run, or an array (m, channel)"),
    ] = None
    smoothing: Annotated[
        Annotated[int, Field(ge=0, le=999)] | Callable[..., Any],
        Field(description="channels over which components are smoothed, 0 = none; or a linear function of spectra"),
    ] = 0
    kind: Annotated[
        Literal["auto", "table", "scene"],
        Field(description="table: sparse mixtures of many components; scene: an image of few materials"),
    ] = "auto"
    signed: Annotated[
        bool | Literal["auto"],
        Field(description="whether components may be negative (derivatives); auto: if the data are"),
    ] = "auto"
    pool: Annotated[int, Field(ge=2, le=65536, description="candidates of a cold start")] = 1024
    epochs: Annotated[
        int, Field(ge=0, description="of training, at most; a cold start takes twice as many, and reheats")
    ] = 500
    device: Annotated[Literal["cpu", "cuda", "auto"], Field(description="where it is trained")] = "cpu"
    n_sample: Annotated[int, Field(ge=10, description="spectra that the fit looks at")] = 8_000
    random_state: Annotated[int, Field(ge=0, description="seed: the same seed gives the same bits")] = 0
    memory: Annotated[int | None, Field(ge=1, description="bytes for reading; never changes the answer")] = None

    @property
    def theta_(self) -> dict[str, float]:
        """What was learned of the law, by name; empty if it is linear."""
        check_is_fitted(self, "state_")
        law = find_aggregate(self.mixing)
        return {} if law.linear or not self.state_["theta"].size else law.strength(self.state_["theta"])

    def inverse_transform(self, abundances: np.ndarray) -> np.ndarray:
        """Spectra (n, channel) of abundances (n, k), through the mixing law."""
        check_is_fitted(self, "state_")
        law, scale = _law(self.mixing, self.state_["theta"]), self.info_["scale"]
        return mixed(law, np.asarray(abundances) / scale, self.components_, self.state_["theta"]) * scale

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """As of every method. Raises ParameterError for a function as `mixing`, which plain text cannot hold."""
        if callable(self.mixing):
            raise ParameterError("mixing is a function, which cannot be saved. Try its name, as 'module:function'.")
        if callable(self.smoothing):
            raise ParameterError("smoothing is a function, which cannot be saved. Try a number of channels.")
        return super().save(path, overwrite=overwrite)

    def _learn(self, sample: Sample) -> np.ndarray:
        check_extra("EnergyMCR")
        law = find_aggregate(self.mixing)
        spectra = sample.spectra.astype(np.float64)
        signed = is_signed(spectra) if self.signed == "auto" else self.signed
        lit = spectra[spectra.any(1)] if signed else np.maximum(spectra, 0)[(spectra > 0).any(1)]
        self.state_ |= {"theta": np.zeros(0)}
        self.info_ |= {"scale": 1.0, "codes": "start", "evidence": {}, "explained": float("nan"), "start": self.start}
        if self.start == "cold":
            return self._from_nothing(lit, law, signed)
        base = MCR(self.n_components, kind=self.kind, signed=signed, random_state=self.random_state)
        base.info_ = {"warnings": []}
        S = base._learn(sample)
        self.info_ |= base.info_
        scene = self.info_["kind"] == "scene"
        if (scene and law.linear) or len(lit) < FEWEST or (not scene and self.info_["noise"][0] <= 0):
            self.info_["sentence"] += " The start was kept: there is nothing to train."
            return S
        return self._from_mcr(lit, S, law, signed)

    def _ask(self, law: Aggregate, signed: bool, number: int | None, channels: int) -> Ask:
        return Ask(
            law, number, signed, self.random_state, self._known(), smoothing_kernel(channels, self.smoothing),
            self.sparse, self.info_["kind"] == "scene", self.pool, self.epochs, self.device,
        )  # fmt: skip

    def _from_nothing(self, lit: np.ndarray, law: Aggregate, signed: bool) -> np.ndarray:
        if len(lit) < FEWEST:
            raise CubeError(
                f"A cold start needs {FEWEST} spectra that are not zero, there are {len(lit)}. Try start='warm'."
            )
        self.info_["kind"] = "table"
        number = None if self.n_components == "auto" else self.n_components
        scale = float(np.abs(lit).max())
        found = fit_cold(lit / scale, self._ask(law, signed, number, lit.shape[1]))
        self.info_["sentence"] = found.sentence
        return self._keep(found, scale)

    def _from_mcr(self, lit: np.ndarray, S: np.ndarray, law: Aggregate, signed: bool) -> np.ndarray:
        scale = float(np.abs(lit).max())
        X = lit / scale
        level, power, _ = self.info_["noise"]
        level = level * scale ** (power - 1)
        if self.info_["kind"] == "scene":
            level, power = _scene_noise(X, S / np.linalg.norm(S, axis=1, keepdims=True)), 0.0
        number = None if self.n_components == "auto" else len(S)
        found = fit_energy(X, S, level, power, self._ask(law, signed, number, X.shape[1]))
        if found.theta.size:
            self.info_["warnings"] = [f"Without the mixing law: {said}" for said in self.info_["warnings"]]
        self.info_["sentence"] = _sentence(self.info_["sentence"], len(S), found, law)
        return self._keep(found, scale)

    def _keep(self, found: Found, scale: float) -> np.ndarray:
        self.state_ |= {"theta": found.theta}
        self.info_ |= {
            "scale": scale,
            "noise": list(found.noise),
            "codes": "solver" if found.heads is None else "gates",
            "normalisation": "raw",
            "prices": found.prices,
            "history": found.history,
        }
        if found.heads is not None:
            self.state_ |= dict(zip(HEADS, found.heads, strict=True))
        return found.components

    def _known(self) -> np.ndarray | None:
        known = read_known(self.known, self.state_["channel"], self.info_)
        if known is not None and not (np.isfinite(known).all() and known.any(1).all()):
            raise ParameterError("known holds spectra that are zero or not finite. Try without them.")
        return known

    def _encoder(self) -> Encoder:
        info, state = self.info_, self.state_
        if info["codes"] == "start":
            return partial(_encode_start, self.components_, info["kind"], info["normalisation"], info["noise"])
        heads = tuple(state[name] for name in HEADS) if info["codes"] == "gates" else None
        return partial(_encode, self.components_, state["theta"], self.mixing, info["noise"], info["scale"], heads)


def smoothing_kernel(channels: int, width: int | Callable[[np.ndarray], np.ndarray]) -> np.ndarray | None:
    """What smooths components as a matrix (channel, channel) that spectra are multiplied by; None for a width below 2.

    width : of a triangular window, or a linear function of spectra (m, channel). Raises ParameterError if it is not linear.
    """
    if callable(width):
        return _matrix_of(width, channels)
    if width < 2:
        return None
    apart = np.abs(np.arange(channels)[:, None] - np.arange(channels))
    weight = np.maximum(0, 1 - apart / ((width + 1) / 2))
    return weight / weight.sum(0)


def _matrix_of(function: Callable[[np.ndarray], np.ndarray], channels: int) -> np.ndarray:
    matrix = np.asarray(function(np.eye(channels)), np.float64)
    probe = np.random.default_rng(0).normal(size=(3, channels))
    if matrix.shape != (channels, channels) or not np.allclose(function(probe), probe @ matrix, atol=1e-6):
        raise ParameterError(
            "smoothing must be a linear function of spectra, (m, channel) -> (m, channel). Try gaussian_filter1d along axis 1."
        )
    return matrix


def _law(mixing: str | Callable[..., Any], theta: np.ndarray) -> Aggregate:
    """The law of a fitted model: linear where nothing was learned."""
    return find_aggregate(mixing) if theta.size else AGGREGATES["linear"]


def _scene_noise(X: np.ndarray, S: np.ndarray) -> float:
    return float(np.sqrt(((X - nnls(X, S) @ S) ** 2).mean()))


def _encode(
    S: np.ndarray,
    theta: np.ndarray,
    mixing: str | Callable[..., Any],
    noise: list[float],
    scale: float,
    heads: tuple[np.ndarray, ...] | None,
    x: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Amounts (n, k) of spectra x (n, channel), and the spectra that they explain."""
    law = _law(mixing, theta)
    x = x / scale
    norm = np.linalg.norm(x, axis=1)
    level, power, hottest = noise
    sigma = np.maximum(level * norm**power, 1e-9 * norm + 1e-300)
    gated = heads is not None
    amounts = gated_codes(x, S, sigma, law, theta, heads) if gated else curved_codes(x, S, sigma, law, theta, hottest)
    return amounts * scale, mixed(law, amounts, S, theta) * scale


def _encode_start(
    S: np.ndarray, kind: str, normalisation: str, noise: list[float], x: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """As MCR does."""
    return encode_scene(S, normalisation, x) if kind == "scene" else encode_table(S, *noise, x)


def _sentence(start: str, k: int, found: Found, law: Aggregate) -> str:
    if law.linear:
        return f"{start} {found.sentence}"
    if not found.theta.size:
        return f"{start} The mixing law {law.name} was not taken: held-out spectra do not need it. {found.sentence}"
    learned = ", ".join(f"{name} = {value:.3g}" for name, value in law.strength(found.theta).items())
    return (
        f"{len(found.components)} components under {law.name} mixing ({learned}), {k} without it: the error of held-out "
        f"spectra falls from {found.prices['linear']:.1f} to {found.prices['law']:.1f}. {found.sentence}"
    )
