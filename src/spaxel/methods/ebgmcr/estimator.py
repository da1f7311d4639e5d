"""Unmixing by energy-gated components, also where the mixing is not linear: EB-gMCR from the solution of MCR."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from sklearn.utils.validation import check_is_fitted

from spaxel.cube.sampling import Sample
from spaxel.errors import CubeError, ParameterError
from spaxel.linear.abundances import nnls
from spaxel.methods.ebgmcr.codes import Coder, Heads, law_of, mixed
from spaxel.methods.ebgmcr.fit import FEWEST, Ask, Found, fit_cold, fit_energy
from spaxel.methods.ebgmcr.laws import AGGREGATES, NAMED, Aggregate, find_aggregate
from spaxel.methods.ebgmcr.smoothing import smoothing_kernel
from spaxel.methods.ebgmcr.verdict import said_of_law
from spaxel.methods.mcr.codes import encode_scene, encode_table
from spaxel.methods.mcr.components import Options, components_of
from spaxel.methods.mcr.constraints import read_known
from spaxel.methods.mixtures.base import Encoder, Unmixed, Unmixing, is_signed
from spaxel.methods.parameters import Device, Kind, Known, Memory, NComponents, NSample, Seed, Signed, declared
from spaxel.methods.state import pack, unpack
from spaxel.training import check_extra

NOT_A_RESULT = (
    "Number and abundances are those of linear mixing and are not to be trusted; spectra are nearly right. "
    "Try --mixing auto, or a law of your own."
)


@declared
class EnergyMCR(Unmixing):
    """x ≈ f(c·z, S, θ): components S, abundances c >= 0, gates z (which components a spectrum holds), a mixing law f.

    Start "warm": the solution of spaxel.MCR. Where f is not linear, it is undone and the components are solved anew in
    rounds, which gives their number. Then a pool of candidates, whose abundances and gates follow from the spectrum, is
    trained (net.objective) on four fifths of the samples. The held-out rest decides after each step whether it is taken:
    so the answer is never worse there than its start, and `info_` says what was gained. Scenes (see MCR) keep abundances
    of sum 1 under linear mixing; under another law only S and θ are fitted, and abundances need not sum to 1.

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
    libraries: ClassVar[tuple[str, ...]] = ("torch", "lightning-fabric")  # that its fit works with

    n_components: NComponents = "auto"
    start: Annotated[
        Literal["warm", "cold"],
        Field(description="warm: from the solution of mcr; cold: from a random pool, as published"),
    ] = "warm"
    mixing: Annotated[
        str | Callable[..., Any],
        Field(
            description="auto: the law that fits; linear, bilinear, absorbance, saturation, monotone (a curve that is "
            "learned), or a function of your own as module:function"
        ),
    ] = "linear"
    sparse: Annotated[bool, Field(description="components are exactly 0 in most channels (mass spectra)")] = False
    known: Known = None
    smoothing: Annotated[
        Annotated[int, Field(ge=0, le=999)] | Callable[..., Any],
        Field(description="channels over which components are smoothed, 0 = none; or a linear function of spectra"),
    ] = 0
    kind: Kind = "auto"
    signed: Signed = "auto"
    pool: Annotated[int, Field(ge=2, le=65536, description="candidates of a cold start")] = 1024
    epochs: Annotated[
        Annotated[int, Field(ge=0)] | Literal["auto"],
        Field(
            description="epochs of training, at most (needs torch); auto: 500 for sparse or a cold start, which takes twice as "
            "many and reheats, else none"
        ),
    ] = "auto"
    device: Device = "cpu"
    n_sample: NSample = 8_000
    random_state: Seed = 0
    memory: Memory = None

    @property
    def theta_(self) -> dict[str, float]:
        """What was learned of the law, by name; empty if it is linear."""
        check_is_fitted(self, "state_")
        return (
            law_of(self._law(), self.state_["theta"]).strength(self.state_["theta"])
            if self.state_["theta"].size
            else {}
        )

    def inverse_transform(self, abundances: np.ndarray) -> np.ndarray:
        """Spectra (n, channel) of abundances (n, k), through the mixing law."""
        check_is_fitted(self, "state_")
        law, scale = law_of(self._law(), self.state_["theta"]), self.info_["scale"]
        return mixed(law, np.asarray(abundances) / scale, self.components_, self.state_["theta"]) * scale

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """As of every method. Raises ParameterError for a function as `mixing`, which plain text cannot hold."""
        if callable(self.mixing):
            raise ParameterError("mixing is a function, which cannot be saved. Try its name, as 'module:function'.")
        if callable(self.smoothing):
            raise ParameterError("smoothing is a function, which cannot be saved. Try a number of channels.")
        return super().save(path, overwrite=overwrite)

    def _law(self) -> str | Callable[..., Any]:
        """The law that was chosen, as `mixing` would name it."""
        return self.info_["law"]["chosen"] if self.mixing == "auto" else self.mixing

    def _epochs(self) -> int:
        return (500 if self.sparse or self.start == "cold" else 0) if self.epochs == "auto" else self.epochs

    def _learn(self, sample: Sample) -> Unmixed:
        if self._epochs():
            check_extra("EnergyMCR")
        law = None if self.mixing == "auto" else find_aggregate(self.mixing)
        spectra = sample.spectra.astype(np.float64)
        signed = is_signed(spectra) if self.signed == "auto" else self.signed
        lit = spectra[spectra.any(1)] if signed else np.maximum(spectra, 0)[(spectra > 0).any(1)]
        number = None if self.n_components == "auto" else self.n_components
        info: dict[str, Any] = {"scale": 1.0, "codes": "start", "evidence": {}, "explained": float("nan")}
        info |= {"start": self.start, "law": said_of_law(AGGREGATES["linear"], "linear", {}, {})}
        if self.start == "cold":
            nothing = Unmixed(np.empty((0, lit.shape[1])), info | {"kind": "table"}, [], {})
            return self._from_nothing(lit, nothing, self._ask(law, nothing, number, signed=signed))
        sample = sample._replace(noise=None)  # its nets take the noise to be alike in all channels
        start = components_of(sample, Options(number, self.kind, signed, seed=self.random_state))
        start = start._replace(info=info | start.info, arrays={"theta": np.zeros(0)})
        scene = start.info["kind"] == "scene"
        if (
            (scene and law is not None and law.linear)
            or len(lit) < FEWEST
            or (not scene and start.info["noise"][0] <= 0)
        ):
            sentence = f"{start.info['sentence']} The start was kept: there is nothing to train."
            start = start._replace(info=start.info | {"sentence": sentence})
            return start if law is not None and law.linear else _untried(start, "auto" if law is None else law.name)
        number = None if number is None else len(start.components)
        return self._from_mcr(lit, start, self._ask(law, start, number, signed=signed))

    def _ask(self, law: Aggregate | None, start: Unmixed, number: int | None, *, signed: bool) -> Ask:
        kernel = smoothing_kernel(start.components.shape[1], self.smoothing)
        scene = start.info["kind"] == "scene"
        return Ask(
            law, number, signed, self.random_state, self._known(), kernel, self.sparse, scene,
            self.pool, self._epochs(), self.device,
        )  # fmt: skip

    def _from_nothing(self, lit: np.ndarray, start: Unmixed, ask: Ask) -> Unmixed:
        if len(lit) < FEWEST:
            raise CubeError(
                f"A cold start needs {FEWEST} spectra that are not zero, there are {len(lit)}. Try start='warm'."
            )
        scale = float(np.abs(lit).max())
        found = fit_cold(lit / scale, ask)
        return _kept(start, found, scale, found.sentence)

    def _from_mcr(self, lit: np.ndarray, start: Unmixed, ask: Ask) -> Unmixed:
        scale, S = float(np.abs(lit).max()), start.components
        X = lit / scale
        level, power, _ = start.info["noise"]
        level = level * scale ** (power - 1)
        if ask.scene:
            level, power = _scene_noise(X, S / np.linalg.norm(S, axis=1, keepdims=True)), 0.0
        found = fit_energy(X, S, level, power, ask)
        doubted = list(start.warnings)
        if found.theta.size:
            doubted = [f"Without the mixing law: {said}" for said in start.warnings]
        elif not found.law["fits"]:
            doubted = [f"{found.law['sentence']} {NOT_A_RESULT}", *doubted]
        start = start._replace(warnings=doubted)
        if not (found.theta.size or ask.epochs or ask.known is not None or ask.kernel is not None):
            said = {"law": found.law, "prices": found.prices, "history": []}  # the very solution of MCR
            return start._replace(
                info=start.info | said | {"sentence": _sentence(start.info["sentence"], len(S), found)}
            )
        return _kept(start, found, scale, _sentence(start.info["sentence"], len(S), found))

    def _known(self) -> np.ndarray | None:
        known = read_known(self.known, self.state_["channel"], self.info_)
        if known is not None and not (np.isfinite(known).all() and known.any(1).all()):
            raise ParameterError("known holds spectra that are zero or not finite. Try without them.")
        return known

    def _encoder(self) -> Encoder:
        info, state = self.info_, self.state_
        if info["codes"] == "start":
            return (
                partial(encode_scene, self.components_, info["normalisation"])
                if info["kind"] == "scene"
                else partial(encode_table, self.components_, *info["noise"])
            )
        heads = unpack(Heads, state, "head_") if info["codes"] == "gates" else None
        return Coder(self.components_, state["theta"], self._law(), info["noise"], info["scale"], heads)


def _kept(start: Unmixed, found: Found, scale: float, sentence: str) -> Unmixed:
    """What the fit found, in place of the start."""
    info = {
        "scale": scale,
        "noise": list(found.noise),
        "codes": "solver" if found.heads is None else "gates",
        "normalisation": "raw",
        "prices": found.prices,
        "law": found.law or start.info["law"],
        "history": found.history,
        "sentence": sentence,
    }
    arrays = {"theta": found.theta} | ({} if found.heads is None else pack("head_", found.heads))
    return Unmixed(found.components, start.info | info, start.warnings, arrays)


def _untried(start: Unmixed, asked: str) -> Unmixed:
    """What MCR found, where laws could not be compared."""
    words = (
        f"Laws of mixing were not compared, which takes {FEWEST} spectra and noise in them: this is for linear mixing."
    )
    law = start.info["law"] | {"asked": asked, "sentence": words}
    return start._replace(info=start.info | {"law": law}, warnings=[*start.warnings, words])


def _scene_noise(X: np.ndarray, S: np.ndarray) -> float:
    return float(np.sqrt(((X - nnls(X, S) @ S) ** 2).mean()))


def _sentence(start: str, k: int, found: Found) -> str:
    law, name = found.law, found.law["chosen"]
    if not law["fits"]:
        return f"{law['sentence']} {NOT_A_RESULT} {start}"
    if not found.theta.size:
        words = "" if law["asked"] == "linear" else law["sentence"]
        return " ".join(part for part in (start, words, found.sentence) if part)
    strength = NAMED[name].strength(found.theta) if name in NAMED else {}
    learned = ", ".join(f"{word} = {value:.3g}" for word, value in strength.items())
    return (
        f"{len(found.components)} components under {name} mixing{f' ({learned})' if learned else ''}, {k} without it: the "
        f"error of held-out spectra falls from {found.prices['linear']:.1f} to {found.prices[name]:.1f}. {law['sentence']} "
        f"{found.sentence}"
    )
