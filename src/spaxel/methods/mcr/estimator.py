"""Which pure spectra are mixed, how many, and how much of each: multivariate curve resolution."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from spaxel.cube.mapping import Arrays
from spaxel.cube.sampling import Sample
from spaxel.errors import ParameterError
from spaxel.linear.abundances import fcls, nnls
from spaxel.linear.constrained.missing import holes_filled
from spaxel.linear.count.rank import count_components
from spaxel.linear.scene.components import scene_components
from spaxel.linear.sparse.factorise import encode, factorise
from spaxel.linear.sparse.report import table_sentence
from spaxel.linear.sparse.spikes import MOST, despiked, has_spikes
from spaxel.methods.mcr.constraints import (
    Wish,
    bands_of,
    by_holes,
    constrained_info,
    constrained_warnings,
    encode_resolved,
    read_known,
    resolve,
)
from spaxel.methods.mixtures.base import Encoder, Unmixing, is_signed

FEW = 2000  # spectra up to which `auto` takes a cube for a table


@dataclass(eq=False, repr=False)
class MCR(Unmixing):
    """X ≈ abundances @ components, both non-negative (components signed where the data are); the number is found.

    Two ways, chosen by `kind`. A table (a list of spectra, or an image of at most 2,000 pixels) is factorised: few components
    per sample, count by the Marchenko-Pastur edge, annealed sparse codes (spaxel.linear.sparse). A scene has many pixels and
    nearly pure groups: group means, largest simplex, sum-to-one abundances (spaxel.linear.scene.components).

    fit takes a cube, a list of cubes on one axis (also several runs: augmented MCR), or an array (n_spectra, n_channels).
    closure, unimodal, known, loss, min_volume, robust, pedestal, and missing values, are constraints of a table of few
    components (spaxel.linear.constrained.factorise): all its spectra are then looked at, in their order, a file being a run.
    After fit: `components_` (k, channel), `n_components_`, `state_` (under constraints also `profiles`, the abundances of the
    fit, and their `runs`; with at most four components the bands of feasible solutions), `info_` (sentences, warnings).
    transform: abundances (n, k) of an array, or a result per cube, with `abundances`, `residual` and the largest as label.
    Fails, and says so, where samples hold most components at once (the rotation is not identifiable), with fewer than two
    samples per component, and in scenes without nearly pure pixels.

    >>> import spaxel
    >>> mixtures = spaxel.simulate("mixture", n_components=4, per_component=8, snr_db=30)
    >>> spaxel.MCR().fit(mixtures).n_components_
    4
    """

    method: ClassVar[str] = "mcr"

    n_components: Annotated[
        Annotated[int, Field(ge=1, le=1024)] | Literal["auto"],
        Field(description="number of components, or auto: found, with evidence"),
    ] = "auto"
    kind: Annotated[
        Literal["auto", "table", "scene"],
        Field(description="table: sparse mixtures of many components; scene: an image of few materials"),
    ] = "auto"
    signed: Annotated[
        bool | Literal["auto"],
        Field(description="whether components may be negative (derivatives); auto: if the data are"),
    ] = "auto"
    normalise: Annotated[
        Literal["auto", "raw", "unit"],
        Field(description="of a scene: raw keeps brightness, unit ignores it, auto decides by the light"),
    ] = "auto"
    closure: Annotated[bool, Field(description="of a table: abundances of a spectrum sum to 1")] = False
    unimodal: Annotated[
        bool, Field(description="of runs in order of time, one per file: each abundance profile has one maximum")
    ] = False
    known: Annotated[
        str | Path | np.ndarray | list[list[float]] | None,
        Field(description="spectra that are components already: a file, a run, or an array (m, channel)"),
    ] = None
    loss: Annotated[
        Literal["gaussian", "poisson"],
        Field(description="of a table: least squares, or Kullback-Leibler for few counts"),
    ] = "gaussian"
    min_volume: Annotated[
        float,
        Field(ge=0, description="of a table: penalty on the volume that components span; 1 weighs it by the noise"),
    ] = 0.0
    robust: Annotated[bool, Field(description="of a table: outlying spectra do not count, and are named")] = False
    pedestal: Annotated[bool, Field(description="of a table: subtract the constant on which all spectra stand")] = False
    missing: Annotated[
        Literal["drop", "weights"],
        Field(description="spectra with missing values (NaN): leave them out, or use the values they have"),
    ] = "drop"
    despike: Annotated[
        bool | Literal["auto"],
        Field(description="of a table: leave out spikes while fitting; auto: if there are many"),
    ] = "auto"
    n_sample: Annotated[int, Field(ge=10, description="spectra that the fit looks at")] = 8_000
    random_state: Annotated[int, Field(ge=0, description="seed: the same seed gives the same bits")] = 0
    memory: Annotated[int | None, Field(ge=1, description="bytes for reading; never changes the answer")] = None

    def _learn(self, sample: Sample) -> np.ndarray:
        spectra = sample.spectra.astype(np.float64)
        kind, wish = self.kind, self._wish()
        if kind == "auto":
            kind = "scene" if len(sample.pairs) and len(spectra) > FEW and not wish.any() else "table"
        if kind == "scene" and wish.any():
            raise ParameterError("closure, unimodal, known, loss, … are constraints of a table. Try kind='table'.")
        self.info_ |= {"kind": kind, "constrained": False}
        number = None if self.n_components == "auto" else self.n_components
        if kind == "scene":
            return self._learn_scene(holes_filled(spectra) if wish.missing else spectra, number)
        if wish.any() or np.isnan(spectra).any():
            signed = is_signed(spectra) if self.signed == "auto" else self.signed
            return self._learn_constrained(spectra, number, signed, wish, sample.runs)
        return self._learn_table(spectra, number, is_signed(spectra) if self.signed == "auto" else self.signed)

    def _reading(self) -> tuple[bool, bool]:
        return self.missing == "weights", self._wish().any()

    def _wish(self) -> Wish:
        return Wish(
            self.closure, self.unimodal, self.known, self.loss, float(self.min_volume), self.robust, self.pedestal,
            self.missing == "weights",
        )  # fmt: skip

    def _encoder(self) -> Encoder:
        info = self.info_
        if info["constrained"]:
            return partial(encode_resolved, self.components_, self.closure, self.loss, info["pedestal"])
        if info["kind"] == "table":
            return partial(encode_table, self.components_, *info["noise"])
        return partial(encode_scene, self.components_, info["normalisation"])

    def _learn_scene(self, spectra: np.ndarray, number: int | None) -> np.ndarray:
        found = scene_components(spectra, number, normalise=self.normalise, seed=self.random_state)
        self.info_ |= {
            "sentence": found.sentence,
            "normalisation": found.normalisation,
            "noise": [0.0, 0.0, 1.0],
            "explained": 1 - found.unexplained,
            "evidence": found.evidence,
        }
        return found.components

    def _learn_table(self, spectra: np.ndarray, number: int | None, signed: bool) -> np.ndarray:
        usable = min(spectra.shape) if number is None else min(number, *spectra.shape)
        number = None if number is None else usable
        positive = spectra if signed else np.where(spectra.max(1, keepdims=True) > 0, spectra, 0.0)
        lit = positive[positive.any(1)]
        found, spikes = factorise(lit, number, signed=signed, seed=self.random_state), 0.0
        if self.despike is True or (self.despike == "auto" and has_spikes(lit, found)):
            found, mask, far = despiked(lit, found, number, signed=signed, seed=self.random_state)
            spikes = float(mask.mean())
            self.info_["warnings"].append(
                f"{far:.0%} of the values lie far from the fit, which is too many for spikes: none was left out."
                if far > MOST
                else f"{spikes:.2%} of the values are spikes and were left out. despike=False keeps them."
            )
        power = 0.5 if np.isnan(found.weights.p) else float(found.weights.p)
        level = float(np.nanmedian(found.noise / np.linalg.norm(lit, axis=1) ** power))
        strongest = float((np.linalg.norm(lit, axis=1) / np.maximum(found.noise, 1e-300)).max())
        self.info_ |= {
            "sentence": table_sentence(found, number),
            "normalisation": "raw",
            "noise": [level, power, max(1.0, strongest / np.sqrt(63 * spectra.shape[1]))],
            "explained": found.r2,
            "evidence": {
                "edge": found.n_edge,
                "confirmed": found.n_confirmed,
                "r2": found.r2,
                "r2_expected": found.r2_expected,
                "spikes": spikes,
            },
        }
        self.info_["warnings"] += found.warnings
        self.info_["evidence"]["estimates"] = count_components(lit, slow=False).estimates
        if found.n:
            return found.components
        self.info_["warnings"].append(
            "No component stands above the noise; the mean spectrum is given as the only one."
        )
        self.info_["noise"] = [0.0, 0.0, 1.0]
        mean = lit.mean(0, keepdims=True)
        return mean / max(float(np.linalg.norm(mean)), 1e-300)

    def _learn_constrained(
        self, spectra: np.ndarray, number: int | None, signed: bool, wish: Wish, runs: np.ndarray | None
    ) -> np.ndarray:
        number = None if number is None else min(number, *spectra.shape)
        wish = wish._replace(known=read_known(self.known, self.state_["channel"], self.info_))
        found, counted, base = resolve(spectra, number, signed, wish, runs, self.random_state)
        used = found.components.any(1) & (np.nan_to_num(found.concentrations) > 0).any(0)
        fixed = 0 if wish.known is None else len(wish.known)
        used[:fixed] = True
        k, junk = int(used.sum()), np.nonzero(found.sample_weights == 0)[0].tolist()
        self.info_ |= constrained_info(found, counted, number, k) | {"pedestal": base, "known": fixed, "junk": junk}
        self.info_["warnings"] += constrained_warnings(found, k, junk, base)
        self.state_ |= {"profiles": found.concentrations[:, used]}
        if runs is not None:
            self.state_ |= {"runs": runs}
        return found.components[used]

    def _bands(self, sample: Sample, components: np.ndarray) -> Arrays:
        """Bands of feasible solutions of a table of few components; a warning where they are wide."""
        info = self.info_
        if info["kind"] != "table" or len(sample.spectra) > FEW:
            return {}
        fixed, base, level = info.get("known", 0), info.get("pedestal", 0.0), info["noise"]
        spectra = sample.spectra.astype(np.float64)
        norm = np.sqrt(np.nansum(spectra**2, axis=1))
        noise = float(np.median(level[0] * norm[norm > 0] ** level[1])) if norm.any() else 0.0
        bands, info["bands"] = bands_of(spectra, components, noise, self.closure, fixed, base)
        if info["bands"]["warning"]:
            info["warnings"].append(info["bands"]["warning"])
        return bands


def encode_scene(components: np.ndarray, normalisation: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the components; under uneven light (normalisation "unit") whatever the brightness. x may hold NaN."""
    if normalisation != "unit":
        shares = by_holes(x, components, fcls)
        return shares, shares @ components
    amounts = by_holes(x, components, nnls)
    total = amounts.sum(1, keepdims=True)
    shares = np.divide(amounts, total, out=np.full_like(amounts, np.nan), where=total > 0)
    return shares, amounts @ components


def encode_table(
    components: np.ndarray, level: float, power: float, hottest: float, x: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sparse amounts of the components, where the noise of a spectrum is level * norm**power."""
    norm = np.linalg.norm(x, axis=1)
    sigma = np.maximum(level * norm**power, 1e-9 * norm + 1e-300)
    amounts = encode(x, components, sigma, hottest=hottest) if level > 0 else nnls(x, components)
    return amounts, amounts @ components
