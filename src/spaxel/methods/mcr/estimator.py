"""Which pure spectra are mixed, how many, and how much of each: multivariate curve resolution.

Read: estimator, components, constraints, codes, bands.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
import xarray as xr
from pydantic import Field

from spaxel.cube.gaps import Gaps
from spaxel.cube.sampling import Sample
from spaxel.errors import ParameterError
from spaxel.linear.systematic.fitting import taken_off
from spaxel.linear.systematic.kinds import Kinds
from spaxel.methods.completing import ready
from spaxel.methods.contract import as_cubes
from spaxel.methods.mcr.bands import bands_of
from spaxel.methods.mcr.codes import encode_constrained, encode_scene, encode_table
from spaxel.methods.mcr.components import FEW, Options, components_of
from spaxel.methods.mcr.constraints import Constraints, read_known
from spaxel.methods.mcr.errors import Certain, table_errors
from spaxel.methods.mcr.evening import encode_evened
from spaxel.methods.mcr.instrument import PERFECT, Instrument, encode_without_errors
from spaxel.methods.mcr.zeros import read_zeros
from spaxel.methods.mixtures.base import Encoder, Errors, Unmixed, Unmixing
from spaxel.methods.parameters import Kind, Known, Memory, NComponents, NSample, Seed, Signed, Zeros, declared
from spaxel.methods.rare.unexplained import targets_beside, words
from spaxel.results.convention import with_names


@declared
class MCR(Unmixing):
    """X ≈ abundances @ components, both non-negative (components signed where the data are); the number is found.

    Two ways, chosen by `kind`. A table (a list of spectra, or an image of at most 2,000 pixels whose neighbours are not alike)
    is factorised: few components per sample, count by the Marchenko-Pastur edge, annealed sparse codes (spaxel.linear.sparse).
    A scene has many pixels and nearly pure groups: group means, largest simplex, abundances of sum 1
    (spaxel.linear.scene.components).

    fit takes a cube, a list of cubes on one axis (also several runs: augmented MCR), or an array (n_spectra, n_channels).
    closure, unimodal, trilinear, known, zeros, loss, min_volume, robust, pedestal, and missing values, are constraints of a
    table of few components (spaxel.linear.constrained.factorise): all its spectra are looked at, in their order, a file
    being a run. transform knows of closure and loss alone: it looks at each spectrum by itself.
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

    n_components: NComponents = "auto"
    kind: Kind = "auto"
    signed: Signed = "auto"
    normalise: Annotated[
        Literal["auto", "raw", "unit", "even"],
        Field(
            description="of a scene: raw keeps brightness, unit ignores it, even: as unit, but abundances are shares of area, "
            "which takes the light for independent of the material; auto decides by the light, and against unit where no "
            "component is much darker than others"
        ),
    ] = "auto"
    closure: Annotated[bool, Field(description="of a table: abundances of a spectrum sum to 1")] = False
    unimodal: Annotated[
        bool, Field(description="of runs in order of time, one per file: each abundance profile has one maximum")
    ] = False
    trilinear: Annotated[
        bool,
        Field(
            description="of runs of the same length, one per file: each component has the same profile in all, up to its height"
        ),
    ] = False
    known: Known = None
    zeros: Zeros = None
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
    baseline: Annotated[
        bool,
        Field(description="of a table: a smooth drift of each spectrum, which no component explains, is taken off"),
    ] = False
    msc: Annotated[
        bool, Field(description="of a table: a gain that varies smoothly along the axis (scatter, tilt) is taken off")
    ] = False
    align: Annotated[
        bool, Field(description="of a table: bands that are shifted or widened from spectrum to spectrum are put back")
    ] = False
    noise: Annotated[
        Literal["white", "coloured"],
        Field(
            description="of a table; coloured: neighbouring channels share it, it is made white before components are counted"
        ),
    ] = "white"
    missing: Annotated[
        Literal["complete", "weights", "drop"],
        Field(
            description="missing values (NaN) of spectra: complete them from the others, give them no weight, or leave such "
            "spectra out"
        ),
    ] = "complete"
    despike: Annotated[
        bool | Literal["auto"],
        Field(description="of a table: leave out spikes while fitting; auto: if there are many"),
    ] = "auto"
    add_rare: Annotated[
        bool,
        Field(
            description="of a scene: small targets (see --rare) that no mixture of the components explains become components "
            "too, at most five"
        ),
    ] = False
    n_sample: NSample = 8_000
    random_state: Seed = 0
    memory: Memory = None

    def fit(self, X: Any, y: None = None) -> Self:
        """As `Unmixing.fit`; with `add_rare`, the small targets of the image become components after that."""
        if self.add_rare:
            self._check_image(X)
        super().fit(X, y)
        return self._with_targets(X) if self.add_rare else self

    def _check_image(self, X: Any) -> None:
        """Raises ParameterError where small targets cannot be looked for, before anything is fitted."""
        cubes, kind = as_cubes(X)
        if kind == "array" or len(cubes) > 1 or self.kind == "table":
            raise ParameterError(
                "Small targets become components of one image that is unmixed as a scene. Try one cube, without add_rare else."
            )

    def _with_targets(self, X: Any) -> Self:
        cubes = as_cubes(X)[0]
        if self.info_["kind"] != "scene":
            raise ParameterError(
                "Small targets become components of an image that is unmixed as a scene, and this was taken for a table. "
                "Try kind='scene' (--kind scene), or without add_rare."
            )
        k, S = self.n_components_, self.components_
        cube = ready(cubes[0], self.info_, self.state_)
        found = targets_beside(cube, S, self.random_state, self.memory)
        new = found.spectra
        if self.info_["normalisation"] == "unit" and not self.info_["areas"]:  # for areas, they are as bright as here
            new = new / np.linalg.norm(new, axis=1, keepdims=True)
        self.state_["components"] = np.ascontiguousarray(np.vstack([S, new]))
        said = words(found.about, k)
        self.info_ |= {
            "n_components": k + len(new),
            "targets": found.about,
            "sentence": f"{self.info_['sentence']} {said}",
        }
        return self

    def _learn(self, sample: Sample) -> Unmixed:
        number = None if self.n_components == "auto" else self.n_components
        options = Options(
            number, self.kind, self.signed, self.normalise, self.despike, self.random_state, self._instrument(),
            (self.state_["channel"], self.info_["units"]),
        )  # fmt: skip
        found = components_of(sample, options, self._asked(read_known(self.known, self.state_["channel"], self.info_)))
        found = self._with_bands(found, sample) if found.info["kind"] == "table" else found
        names = read_zeros(self.zeros).names
        return found._replace(info=found.info | {"names": list(names)}) if any(names) else found

    def _result(self, cube: xr.Dataset) -> xr.Dataset:
        """The result on a prepared cube; components that the table of zeros names have their names."""
        result, names = super()._result(cube), self.info_.get("names", [])
        return with_names(result, [*names, *[""] * (self.n_components_ - len(names))])

    def _instrument(self) -> Instrument:
        return Instrument(Kinds(self.baseline, self.msc, self.align), self.noise == "coloured")

    def _gaps(self) -> Gaps:
        return "any" if self.missing == "weights" else "complete"

    def _completes(self) -> bool:
        return self.missing == "complete"

    def _ordered(self) -> bool:
        return self._asked(self.known).any()

    def _asked(self, known: Any) -> Constraints:
        return Constraints(
            self.closure, self.unimodal, known, self.loss, float(self.min_volume), self.robust, self.pedestal,
            self.missing == "weights", read_zeros(self.zeros).there, self.trilinear,
        )  # fmt: skip

    def _with_bands(self, found: Unmixed, sample: Sample) -> Unmixed:
        """With the bands of feasible solutions of a table, and a warning where they are wide.

        Zeros and runs alike rule out most solutions, and which is not worked out: nothing is said of them then.
        """
        spectra, info = sample.spectra.astype(np.float64), found.info
        if len(spectra) > FEW or self.zeros is not None or self.trilinear:
            return found
        if any(kinds := self._instrument().kinds):
            spectra = spectra - taken_off(spectra, found.components, kinds)
        base, known = info.get("pedestal", 0.0), info.get("known", 0)
        weight = found.arrays.get("channel_weight")
        if weight is not None:  # noise is even in weighed channels, and so are the bands
            spectra, base = (spectra - base) * weight, 0.0
        components = found.components if weight is None else found.components * weight
        (level, power, _), norm = info["noise"], np.sqrt(np.nansum(spectra**2, axis=1))
        noise = float(np.median(level * norm[norm > 0] ** power)) if norm.any() else 0.0
        bands = bands_of(spectra, components, noise, base, closure=self.closure, known=known)
        arrays = {name: band if weight is None else band / weight for name, band in bands.arrays.items()}
        about = {
            "ambiguity": bands.ambiguity,
            "relative": bands.relative,
            "sentence": bands.sentence,
            "warning": bands.warning,
        }
        said = [*found.warnings, *([bands.warning] if bands.warning else [])]
        return found._replace(info=info | {"bands": about}, warnings=said, arrays=found.arrays | arrays)

    def _errors(self) -> Errors | None:
        """Of a table without constraints: the standard errors of its abundances."""
        state, info = self.state_, self.info_
        if self._instrument() != PERFECT:  # what the correction of an instrument adds to them was not worked out
            return None
        if "component_error" not in state or info["noise"][0] <= 0:
            return None
        weight = state.get("channel_weight")
        components = self.components_ * (1 if weight is None else weight)
        kept = {name: value for name, value in state.items() if name in ("component_error", "rotation")}
        relative = (info.get("bands") or {}).get("relative")
        open_by = np.zeros(len(components)) if relative is None else np.asarray(relative, np.float64)
        level, power, _ = info["noise"]
        return partial(table_errors, Certain(kept, components, (level, power), open_by, weight))

    def _encoder(self) -> Encoder:
        info, weight = self.info_, self.state_.get("channel_weight")
        components, base = self.components_ * (1 if weight is None else weight), float(info.get("pedestal", 0.0))
        if info["constrained"]:
            rest = base if weight is None else 0.0
            encoder: Encoder = partial(encode_constrained, components, rest, closure=self.closure, loss=self.loss)
        elif info["kind"] == "table":
            encoder = partial(encode_table, components, *info["noise"])
        else:
            encoder = partial(encode_scene, components, info["normalisation"])
        encoder = encoder if weight is None else partial(encode_evened, encoder, weight, base)
        kinds = self._instrument().kinds
        return partial(encode_without_errors, encoder, self.components_, kinds) if any(kinds) else encoder
