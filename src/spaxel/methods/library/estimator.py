"""Which of many known spectra are in each spectrum, with a probability, and how much, with a standard error."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import xarray as xr
from pydantic import BeforeValidator, Field

from spaxel.cube import note
from spaxel.cube.gaps import Gaps
from spaxel.cube.mapping import Arrays, map_tiles
from spaxel.cube.picture import Recipe, blank_pictures
from spaxel.cube.sampling import Sample
from spaxel.errors import CubeError
from spaxel.methods.completing import kept_completion
from spaxel.methods.library.candidates import Learned, View, learn, make_view
from spaxel.methods.library.codes import Coder, block
from spaxel.methods.library.entries import read_library
from spaxel.methods.library.words import doubts_of, names_of, sentence_of
from spaxel.methods.mixtures.base import Encoder, Unmixed, Unmixing
from spaxel.methods.mixtures.result import mixture_result
from spaxel.methods.parameters import Memory, NSample, Seed, declared
from spaxel.methods.state import pack, unpack
from spaxel.preprocess.choice import look_at
from spaxel.results.convention import with_names

EMPTY = 1e-3  # of its norm, that an entry must keep beside the background


@declared
class LibraryUnmixing(Unmixing):
    """x ≈ Σ a_k s_k, a >= 0, of few entries s of a library of hundreds: which are in x, how probable, how much.

    Sets of entries are compared by their energy (spaxel.linear.supports.energies: the fit, with the level of the noise unknown,
    and a price for each entry), in a walk from the best to the next best. An entry is present with the share of exp(-energy)
    of the sets that hold it. These shares are then made right on mixtures that are simulated from this library at this noise.
    Entries that cannot be told apart here are one component, named "one or other".

    fit takes a cube, a list of cubes, or an array (n_spectra, n_channels); library: a file, or an array on the same axis.
    After fit: `components_` (k, channel), those that are more likely present than not in at least one spectrum of the sample;
    `info_` (names, sentence, warnings, simulated). transform: abundances (n, k) of an array, in units of the library's spectra,
    0 where presence is less likely than not; or a result per cube, with `presence` and `abundance_error` beside.
    Raises AxisError, CubeError, ParameterError. Fails, and says so, where the library lacks what is there or was measured
    otherwise, where mixing is not linear, and where entries are so alike that many sets explain a spectrum as well.

    >>> import spaxel
    >>> mixtures = spaxel.simulate("mixture", n_components=12, per_component=2, n_channels=100, spectra="peaks", snr_db=30)
    >>> model = spaxel.LibraryUnmixing(mixtures["truth_spectra"].values).fit(mixtures)
    >>> model.n_components_
    12
    """

    method: ClassVar[str] = "library"

    library: Annotated[
        str | Path | np.ndarray | list[list[float]] | None,
        Field(description="the known spectra: a file (ENVI .sli, CSV, JCAMP-DX …), or an array (m, channel)"),
    ] = None
    names: Annotated[
        list[str] | None,
        Field(description="what they are called, where the library does not say it: separated by commas"),
        BeforeValidator(lambda given: [name.strip() for name in given.split(",")] if isinstance(given, str) else given),
    ] = None
    most: Annotated[int, Field(ge=1, le=20, description="entries that one spectrum may hold at most")] = 8
    background: Annotated[
        int, Field(ge=0, le=8, description="terms of a smooth background that is left out: 1 a constant, 2 a line …")
    ] = 0
    n_sample: NSample = 2_000
    random_state: Seed = 0
    memory: Memory = None

    def _learn(self, sample: Sample) -> Unmixed:
        library = read_library(self.library, self.names, self.state_["channel"], self.info_)
        spectra = sample.spectra.astype(np.float64)
        spectra = spectra[spectra.any(1)]
        if not len(spectra):
            raise CubeError("All spectra are zero: there is nothing to unmix.")
        variance = None if sample.noise is None else sample.noise.channel
        view = make_view(spectra, variance, self.background, counts=look_at(sample).counts)
        bare = np.linalg.norm(view.of(library.spectra), axis=1)
        good = bare > EMPTY * np.linalg.norm(library.spectra * view.weight, axis=1)
        if not good.any():
            raise CubeError("Nothing of the library is left beside the background. Try a smaller --background.")
        entries, names = library.spectra[good], [library.names[i] for i in np.flatnonzero(good)]
        found = learn(entries, spectra, view, self.most, self.random_state)
        used = np.array([one.mean for one in found.seen]).sum(0)
        members = [_members(found, group, used) for group in found.kept]
        components = np.stack([_mean(entries[of], used[of]) for of in members])
        named = [names_of(names, of) for of in members]
        info = {
            "kind": "library", "sentence": sentence_of(found, len(entries)), "names": named, "entries": len(entries),
            "alike": [[names[i] for i in of] for of in members if len(of) > 1],
            "explained": _explained(entries, spectra, view, found),
            "simulated": {name: _or_none(getattr(found.trust, name).item()) for name in ("found", "right")},
            "noise_for": [] if variance is None else ["weights"],
        }  # fmt: skip
        arrays = {"library": entries, "kept": found.kept, "group_of": found.groups.of, "unit": found.groups.unit}
        doubts = doubts_of(found, self.most, library.coarse)
        return Unmixed(components, info, doubts, arrays | pack("view_", view) | pack("trust_", found.trust))

    def _encoder(self) -> Encoder:
        return Coder(self.state_, self.most)

    def _map(self, cube: Any) -> tuple[Arrays, Arrays]:
        recipe, model = unpack(Recipe, self.state_, "picture_"), kept_completion(self.state_)
        nothing = np.float32(np.nan)
        each = np.full(self.n_components_, nothing)
        fill = {"abundances": each, "presence": each, "abundance_error": each, "residual": nothing}
        function = partial(block, Coder(self.state_, self.most), recipe, model)
        gaps: Gaps = "complete" if model is None else "keep"  # residuals are of what was measured
        return map_tiles(function, cube, fill | blank_pictures(recipe), memory=self.memory, gaps=gaps)

    def _result(self, cube: xr.Dataset) -> xr.Dataset:
        """The result on a prepared cube, components by their names in the library."""
        maps, sums = self._map(cube)
        if missed := int(sums["elsewhere"][0]):
            said = (
                f"In {missed} pixels an entry of the library is more likely present than not that is in no spectrum of the "
                "sample, and so has no map; their residual is of all entries. Try a larger n_sample."
            )
            warnings.warn(said, UserWarning, stacklevel=3)
            cube = note(cube, said)
        return with_names(mixture_result(cube, self.state_, self.info_, maps, sums), self.info_["names"])


def _members(found: Learned, group: int, used: np.ndarray) -> np.ndarray:
    """Rows of the library in a group, most of it first."""
    rows = np.flatnonzero(found.groups.of == group)
    return rows[np.argsort(-used[rows], kind="stable")]


def _mean(spectra: np.ndarray, used: np.ndarray) -> np.ndarray:
    """The spectrum of a group, each entry by how much of it there is."""
    weight = used if used.sum() > 0 else np.ones(len(used))
    return weight @ spectra / weight.sum()


def _explained(entries: np.ndarray, spectra: np.ndarray, view: View, found: Learned) -> float:
    """Share of the variance of a sample."""
    x = view.of(spectra)
    fit = np.array([one.mean * found.groups.unit for one in found.seen]) @ view.of(entries)
    return float(1 - ((x - fit) ** 2).sum() / max(((x - x.mean(0)) ** 2).sum(), 1e-300))


def _or_none(value: float) -> float | None:
    """None for nan, which plain text does not know."""
    return None if np.isnan(value) else value
