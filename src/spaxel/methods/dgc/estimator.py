"""Deep global clustering: one set of clusters from small windows of many cubes, in memory that does not grow with them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from spaxel.errors import CubeError, ParameterError
from spaxel.methods.centers.base import Found, Segmenting, Task
from spaxel.methods.centers.groups import Rules
from spaxel.methods.contract import SINGLE, Cubes
from spaxel.methods.dgc.axes import learn_axes
from spaxel.methods.dgc.encoder import Model, in_double
from spaxel.methods.dgc.settings import SIZES, Settings
from spaxel.methods.dgc.training import learn
from spaxel.methods.parameters import (
    Checkpoint,
    Device,
    MaxClusters,
    Memory,
    NClusters,
    Precision,
    Seed,
    Width,
    declared,
)
from spaxel.methods.state import pack, unpack
from spaxel.preprocess.scaling import Scaling
from spaxel.training.identity import trained_from

N_LOOK = 8000  # spectra from which axes, picture and grid are learned
UNSEEN = ("checkpoint", "memory")  # that may change when a training goes on; not epochs, over which rates fall


@declared
class DeepGlobalClustering(Segmenting):
    """Global clusters of many images from small overlapping windows, after Chang et al. 2025, arXiv:2512.24172, made stable.

    Equation: labels_i = component of argmax_k <z_i, c_k>, z the latents (norm 1) of a pixel and its surroundings
    (spaxel.methods.dgc.net.encoder). Learned in two phases: the encoder learns to see through the noise of windows
    (net.denoising); k-means in which dense regions count less makes `n_micro` micro-clusters of its latents; then two
    overlapping windows, under other light and noise, must agree on the pixels that they share (net.agreement). The
    best state on tiles held out is kept, the start of this phase among them. A merge tree by borders and spectra
    joins the clusters; the components are a level of it, and every other level is kept (spaxel.cut).
    objective "paper" trains the published loss instead, "paper-corrected" that with its signs put right, both from random
    centres (spaxel.methods.dgc.published.training): to compare with, not to use, since they may collapse into one cluster. With
    encoder "paper" the network is the published one too; it sees windows of 64 x 64 pixels and not a pixel's surroundings.

    fit, predict, fit_predict, transform (distances to the components) and score (how clearly pixels belong to theirs) take
    a cube or a list of cubes on one axis; not a table, since surroundings are looked at.
    After fit: `state_` (arrays), `info_` (plain values, `history` of the training), `n_features_in_`.
    An interrupted fit with a `checkpoint` goes on with the same bits, in either phase.
    Raises CubeError for a table, an image one pixel wide, or one with hardly any neighbouring pixels; MissingExtra without
    PyTorch (predict needs none); ParameterError if a checkpoint is of another fit.
    Fails where what matters is thinner than a pixel or two: surroundings blur it. What it reaches: docs/methods/dgc.md.

    >>> import spaxel
    >>> days = [spaxel.simulate("maxrf", height=32, width=32, channels=64, seed=day) for day in (1, 2)]
    >>> model = spaxel.DeepGlobalClustering(n_clusters=4, epochs=1, epochs_views=1, tiles=2, reuse=2).fit(days)
    >>> model.predict(days[1])["labels"].shape
    (32, 32)
    """

    method: ClassVar[str] = "dgc"
    uses_noise: ClassVar[bool] = False  # it whitens by what neighbours differ by: that this is worse was not shown
    libraries: ClassVar[tuple[str, ...]] = ("torch", "lightning-fabric")  # that its fit works with
    limits: ClassVar[tuple[float, float]] = SINGLE

    n_clusters: NClusters = "auto"
    n_micro: Annotated[int, Field(ge=2, le=512, description="micro-clusters that the tree merges")] = 48
    linkage: Annotated[
        Literal["border", "contact", "centroid"],
        Field(
            description="how micro-clusters are merged: by shared borders and spectra, by what lies between, by spectra"
        ),
    ] = "border"
    max_clusters: MaxClusters = 24
    epochs: Annotated[int, Field(ge=1, description="epochs in which it learns to see through noise")] = 8
    epochs_views: Annotated[
        int, Field(ge=0, description="at most this many epochs in which two views learn to agree")
    ] = 4
    tiles: Annotated[int, Field(ge=1, description="tiles of 128 x 128 pixels that are read in an epoch")] = 8
    reuse: Annotated[int, Field(ge=1, description="pairs of windows that are drawn in a tile")] = 10
    width: Width = 64
    vary: Annotated[float, Field(ge=0, le=10, description="how much light and camera vary between views")] = 1.0
    rate: Annotated[float, Field(gt=0, le=1, description="learning rate of Adam at the start")] = 4e-3
    n_sample: Annotated[int, Field(ge=100, description="latents from which the micro-clusters are made")] = 20_000
    device: Device = "cpu"
    precision: Precision = "32-true"
    checkpoint: Checkpoint = None
    random_state: Seed = 0
    memory: Memory = None
    objective: Annotated[
        Literal["stable", "paper", "paper-corrected"],
        Field(
            description="stable: two phases, as above; paper: the published loss; paper-corrected: that with its signs put "
            "right. Both start from n_micro random centres, do without epochs_views and vary, and are there to compare"
        ),
    ] = "stable"
    encoder: Annotated[
        Literal["ours", "paper"],
        Field(description="paper: the published encoder, to compare; it goes with objective paper or paper-corrected"),
    ] = "ours"

    def _learn(self, task: Task) -> Found:
        sample, seed = task.sample, self.random_state
        number = None if self.n_clusters == "auto" else self.n_clusters
        rules = Rules(self.linkage, self.n_micro, self.max_clusters, random_state=seed)
        shapes = np.array([(cube.sizes["y"], cube.sizes["x"]) for cube in task.cubes])
        about = trained_from(self, UNSEEN, sample.spectra, sample.pairs, task.axis, shapes)
        axes = learn_axes(sample, seed)
        learned = learn(task.cubes, axes, number, rules, Settings.of(self, about=about))
        looked, groups = learned.sample, learned.groups
        arrays = {"project": axes.project, "scaling_center": axes.scaling.center, "scaling_weight": axes.scaling.weight}
        info = {
            "scaling_scores": {},
            "scaling_sentence": "Directions of noise-whitened spectra, of each pixel and its surroundings.",
            "sentence": f"{groups.evidence.sentence} {learned.report['sentence']}",
            "deep": learned.report,
            "history": learned.history,
        }
        arrays |= pack("encoder.", learned.weights)
        return Found(groups, axes.scaling, looked.spectra, looked.z, looked.pairs, arrays, info)

    def _model(self) -> Model:
        state = self.state_
        scaling = Scaling("mnf", state["scaling_center"], state["scaling_weight"])
        return in_double(Model(scaling, state["project"], SIZES, unpack(dict, state, "encoder."), self.encoder))

    def _reading(self) -> tuple[int, int]:
        return N_LOOK, 0

    def _check(self) -> None:
        from spaxel.training import check_extra

        check_extra("DeepGlobalClustering")
        if self.encoder == "paper" and self.objective == "stable":
            raise ParameterError(
                "encoder is 'paper', which objective 'stable' cannot train. Try objective='paper' with it."
            )

    def _check_cubes(self, cubes: Cubes, kind: str) -> None:
        for cube in cubes:
            height, width = cube.sizes["y"], cube.sizes["x"]
            if min(height, width) > 1:
                continue
            what = f"{cube.attrs.get('source') or 'the cube'} is {height} x {width} pixels, a line that has none"
            raise CubeError(
                "DeepGlobalClustering looks at the surroundings of pixels, and "
                f"{what if kind != 'array' else 'this is a table of spectra'}. Try KMeans, or DeepSpectralClustering "
                "with context=0."
            )
