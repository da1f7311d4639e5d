"""k-means on scaled principal components: the plain baseline that every later method starts from and must beat."""

from __future__ import annotations

from functools import partial
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from spaxel.linear.pca import fit_pca
from spaxel.methods.centers.base import Found, Segmenting, Task, said_of_scaling
from spaxel.methods.centers.groups import Rules, find_groups
from spaxel.methods.centers.own_levels import MOST, Labelings
from spaxel.methods.centers.projection import Folded, Projected, fold, project_blocks, windows_of
from spaxel.methods.kmeans.at_each import labelings_at
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
from spaxel.methods.state import pack, unpack
from spaxel.preprocess.choice import choose_scaling
from spaxel.preprocess.feature_noise import feature_noise
from spaxel.preprocess.scaling import Scaling, fit_scaling

MOST_VALUES = 16_000_000  # of the scaled sample from which principal components are learned


@declared
class KMeans(Segmenting):
    """Scaling → principal components → k-means++ on a sample → assignment of every pixel, tile by tile.

    Equation: labels_i = component of argmin_j ‖P(scale(x_i)) - c_j‖. With `n_clusters="auto"`, or where a linkage is asked
    for, k-means makes `n_micro` micro-clusters, a merge tree joins them, and the components are a level of that tree; every
    other level is kept in the result (spaxel.cut). Sources: Lloyd 1982; Arthur & Vassilvitskii 2007 (k-means++).

    fit, predict, fit_predict, transform (distances to the components) and score (how clearly spectra belong to theirs) take
    a cube, a list of cubes on one axis, or an array (n_spectra, n_channels).
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

    def _learn(self, task: Task) -> Found:
        sample, seed = task.sample, self.random_state
        number = None if self.n_clusters == "auto" else self.n_clusters
        choice = choose_scaling(sample, number, seed, look=task.look) if self.scaling == "auto" else None
        scaling = fit_scaling(choice.name if choice else self.scaling, sample)
        n_components = None if self.n_components == "auto" else self.n_components
        noise = None if number is None else feature_noise(scaling, sample)  # checks of the number learned without it
        folded = fold(scaling, fit_pca(_features(scaling, sample.spectra), n_components, seed, noise))
        model = Projected(scaling.name, folded)
        scores = project_blocks(sample.spectra, model)
        beside = project_blocks(sample.pairs.reshape(-1, model.channels), model)
        pairs = beside.reshape(len(sample.pairs), 2, scores.shape[1])
        rules = Rules(self.linkage, self.n_micro, self.max_clusters, self.n_init, seed)
        looks = number is None or self.linkage is not None
        windows = windows_of(model, task.cubes, seed) if looks else None
        others: Labelings = {}
        if number is None and self.linkage is None:
            compared = list(choice.scores) if choice else []
            others = labelings_at(
                range(2, min(MOST, self.max_clusters) + 1), scores, scaling.name, compared, sample, seed
            )
        groups = find_groups(scores, pairs, number, rules, windows, others)
        info = said_of_scaling(scaling.name, choice) | {"directions_by_noise": noise is not None}
        embed = partial(project_blocks, model=model)
        return Found(groups, scaling, sample.spectra, scores, pairs, pack("", folded), info, embed)

    def _model(self) -> Projected:
        return Projected(self.info_["scaling"], unpack(Folded, self.state_, ""))


def _features(scaling: Scaling, spectra: np.ndarray) -> np.ndarray:
    """Scaled spectra for the principal components: at most some 64 MiB of them, float32 where many."""
    most = max(2000, MOST_VALUES // spectra.shape[1])
    chosen = spectra[:: max(1, -(-len(spectra) // most))]
    dtype = np.float64 if chosen.size <= MOST_VALUES // 4 else np.float32
    return np.concatenate([scaling(chosen[i : i + 512]).astype(dtype) for i in range(0, len(chosen), 512)])
