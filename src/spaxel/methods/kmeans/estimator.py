"""k-means on scaled principal components: the plain baseline that every later method starts from and must beat."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import xarray as xr
from pydantic import Field
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from spaxel.cube.exact import Grid, fit_grid
from spaxel.cube.mapping import Progress
from spaxel.cube.picture import Recipe, picture_recipe
from spaxel.cube.sampling import Sample
from spaxel.linear.pca import fit_pca
from spaxel.methods.centers.assign import Familiar, Nearest, fold, map_nearest, project_blocks
from spaxel.methods.centers.doubt import doubts
from spaxel.methods.centers.groups import Rules, find_groups
from spaxel.methods.centers.result import nearest_result
from spaxel.methods.contract import as_cubes, check_parameters, check_range, checked, gather, prepare
from spaxel.methods.parameters import (
    LinkageByContact,
    MaxClusters,
    Memory,
    NClusters,
    NInit,
    NMicro,
    NSample,
    ScalingOrAuto,
    Seed,
    declared,
)
from spaxel.preprocess.choice import choose_scaling, look_at
from spaxel.preprocess.scaling import fit_scaling
from spaxel.results.convention import relabel

MOST_VALUES = 16_000_000  # of the scaled sample from which principal components are learned
PER_MICRO = 20  # spectra of the sample that each micro-cluster should have at least


@declared
class KMeans(ClusterMixin, BaseEstimator):
    """Scaling → principal components → k-means++ on a sample → assignment of every pixel, tile by tile.

    Equation: labels_i = component of argmin_j ‖P(scale(x_i)) - c_j‖. With `n_clusters="auto"`, or where a linkage is asked
    for, k-means makes `n_micro` micro-clusters, a merge tree joins them, and the components are a level of that tree; every
    other level is kept in the result (spaxel.cut). Sources: Lloyd 1982; Arthur & Vassilvitskii 2007 (k-means++).

    fit, predict and fit_predict take a cube, a list of cubes on one axis, or an array (n_spectra, n_channels).
    After fit: `state_` (arrays), `info_` (plain values: scaling, sentences), `n_features_in_`, `labels_` (arrays only).
    Fails where components are mixtures rather than groups (unmix instead), differ in shape of their clouds (long and
    thin ones are cut), or are rarer than about one pixel in a thousand.

    >>> import spaxel
    >>> cube = spaxel.simulate("maxrf", height=24, width=24, channels=64)
    >>> spaxel.KMeans(n_clusters=4).fit(cube).predict(cube)["component_spectra"].dims
    ('component', 'channel')
    """

    method: ClassVar[str] = "kmeans"

    n_clusters: NClusters = "auto"
    scaling: ScalingOrAuto = "auto"
    linkage: LinkageByContact = None
    n_micro: NMicro = 40
    max_clusters: MaxClusters = 24
    n_components: Annotated[
        Annotated[int, Field(ge=1, le=256)] | Literal["auto"],
        Field(description="principal components; auto keeps those above the noise, at most 10"),
    ] = "auto"
    n_sample: NSample = 20_000
    n_init: NInit = 10
    random_state: Seed = 0
    memory: Memory = None

    def fit(self, X: Any, y: None = None) -> KMeans:
        """Learn scaling, components and centres from a sample. y is ignored. Returns self."""
        check_parameters(self)
        X = checked(self, X, reset=True)
        sample, axis, self.info_ = gather(self, X, self.n_sample)
        self.state_: dict[str, np.ndarray] = {"channel": axis}
        with threadpool_limits(1):
            self._learn(sample)
        self.n_features_in_ = len(axis)
        if isinstance(X, np.ndarray):
            self.labels_ = self.predict(X)
        return self

    def predict(self, X: Any, *, progress: Progress | None = None) -> Any:
        """Labels of new spectra: a result per cube (spaxel.results.convention), or (n,) int32 for an array. Changes nothing.

        The steps that the fitted cubes had been through are repeated on a cube that has not.
        Raises CubeError if the axis is another one; the message says what differs.
        """
        check_is_fitted(self, "state_")
        cubes, kind = as_cubes(checked(self, X, reset=False))
        if kind == "array":
            maps, _ = self._map(cubes[0], None)
            return relabel(maps["micro"].ravel(), self.state_["component"])
        results = []
        for cube in cubes:
            ready = prepare(cube, self.info_, self.state_["channel"])
            maps, sums = self._map(ready, progress)
            results.append(nearest_result(ready, self.state_, self.info_, maps, sums))
        return results[0] if kind == "cube" else results

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Save as a folder of plain text and arrays; spaxel.load brings it back. Raises Exists if something is there."""
        from spaxel.methods.saving import save

        check_is_fitted(self, "state_")
        return save(self, path, overwrite=overwrite)

    def _map(self, cube: xr.Dataset, progress: Progress | None) -> tuple[dict, dict]:
        state = self.state_
        model = Nearest(self.info_["scaling"], *(state[name] for name in Nearest._fields[1:]))
        grid = Grid(*(state[f"grid_{name}"] for name in Grid._fields))
        recipe = Recipe(*(state[f"picture_{name}"] for name in Recipe._fields))
        familiar = Familiar(*(state[f"familiar_{name}"] for name in Familiar._fields))
        return map_nearest(model, grid, recipe, cube, self.memory, progress, familiar)

    def _learn(self, sample: Sample) -> None:
        """Fill state_ and info_ from a sample."""
        spectra, seed = sample.spectra, self.random_state
        check_range(spectra)
        number = None if self.n_clusters == "auto" else self.n_clusters
        choice = choose_scaling(sample, number, seed) if self.scaling == "auto" else None
        name = choice.name if choice else self.scaling
        scaling = fit_scaling(name, sample)
        n_components = None if self.n_components == "auto" else self.n_components
        projection = fit_pca(_features(scaling, spectra), n_components, seed)
        state = self.state_ | fold(scaling, projection)
        empty = np.zeros((1, projection.basis.shape[1]))
        model = Nearest(name, *(state[f] for f in Nearest._fields[1:6]), empty, empty, empty, empty)
        scores = project_blocks(spectra, model)
        pairs = _scores_of_pairs(sample.pairs, model)
        rules = Rules(self.linkage, self.n_micro, self.max_clusters, self.n_init, seed)
        groups = find_groups(scores, pairs, number, rules)
        evidence = groups.evidence
        state |= groups.arrays()
        state |= doubts(spectra, scores, pairs, groups, model, seed)
        counts = look_at(sample).counts
        recipe = picture_recipe(spectra, state["channel"], self.info_["units"], counts)
        state |= {f"grid_{k}": v for k, v in fit_grid(spectra)._asdict().items()}
        state |= {f"picture_{k}": v for k, v in recipe._asdict().items()}
        self.state_ = {k: np.ascontiguousarray(v) for k, v in state.items()}
        self.info_ |= {
            "method": "kmeans",
            "scaling": name,
            "scaling_scores": choice.scores if choice else {},
            "scaling_sentence": choice.sentence if choice else f"Scaling {name}, as asked.",
            "n_components": int(evidence.level),
            "sentence": evidence.sentence,
            "votes": evidence.votes,
            "counts": counts,
            "valid_share": sample.valid_share,
        }


def _scores_of_pairs(pairs: np.ndarray, model: Nearest) -> np.ndarray:
    """Scores of neighbouring pixels: (m, 2, channel) -> (m, 2, d)."""
    if len(pairs) == 0:
        return np.zeros((0, 2, model.project.shape[1]))
    return project_blocks(pairs.reshape(-1, pairs.shape[2]), model).reshape(len(pairs), 2, -1)


def _features(scaling: Any, spectra: np.ndarray) -> np.ndarray:
    """Scaled spectra for the principal components: at most some 64 MiB of them, float32 where many."""
    most = max(2000, MOST_VALUES // spectra.shape[1])
    chosen = spectra[:: max(1, -(-len(spectra) // most))]
    dtype = np.float64 if chosen.size <= MOST_VALUES // 4 else np.float32
    return np.concatenate([scaling(chosen[i : i + 512]).astype(dtype) for i in range(0, len(chosen), 512)])
