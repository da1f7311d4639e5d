"""Deep global clustering: one set of clusters from small windows of many cubes, in memory that does not grow with them."""

from __future__ import annotations

from dataclasses import dataclass
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
from spaxel.errors import CubeError, ParameterError
from spaxel.methods.centers.assign import Familiar
from spaxel.methods.centers.doubt import doubts
from spaxel.methods.centers.groups import Rules
from spaxel.methods.centers.result import nearest_result
from spaxel.methods.contract import as_cubes, check_parameters, check_range, gather, prepare
from spaxel.methods.dgc.axes import learn_axes
from spaxel.methods.dgc.encoder import Model, map_surroundings
from spaxel.methods.dgc.training import Settings, learn
from spaxel.preprocess.choice import look_at
from spaxel.preprocess.scaling import Scaling
from spaxel.training.identity import trained_from

N_LOOK = 8000  # spectra from which axes, picture and grid are learned
SINGLE = (1e-30, 1e30)  # of the largest value, since tiles are read in single precision
UNSEEN = ("checkpoint", "memory")  # that may change when a training goes on; not epochs, over which rates fall


@dataclass(eq=False, repr=False)
class DeepGlobalClustering(ClusterMixin, BaseEstimator):
    """Global clusters of many images from small overlapping windows, after Chang et al. 2025, arXiv:2512.24172, made stable.

    Equation: labels_i = component of argmax_k <z_i, c_k>, z the latents (norm 1) of a pixel and its surroundings
    (spaxel.methods.dgc.net.encoder). Learned in two phases: the encoder learns to see through the noise of windows
    (net.denoising); k-means in which dense regions count less makes `n_micro` micro-clusters of its latents; then two
    overlapping windows, under other light and noise, must agree on the pixels that they share (net.agreement). The
    best state on held-out tiles is kept, which may be the start of this phase. A merge tree by borders and spectra
    joins the micro-clusters; the components are a level of it, and every other level is kept (spaxel.cut).
    objective "paper" trains the published loss instead, "paper-corrected" that with its signs put right, both from random
    centres (spaxel.methods.dgc.published.training): to compare with, not to use, since they may collapse into one cluster. With
    encoder "paper" the network is the published one too; it sees windows of 64 x 64 pixels and not a pixel's surroundings.

    fit, predict and fit_predict take a cube or a list of cubes on one axis; not a table, since surroundings are looked at.
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
    libraries: ClassVar[tuple[str, ...]] = ("torch", "lightning-fabric")  # that its fit works with

    n_clusters: Annotated[
        Annotated[int, Field(ge=1, le=512)] | Literal["auto"],
        Field(description="number of components, or auto: found by five checks, all levels kept"),
    ] = "auto"
    n_micro: Annotated[int, Field(ge=2, le=512, description="micro-clusters that the tree merges")] = 48
    linkage: Annotated[
        Literal["border", "contact", "centroid"],
        Field(
            description="how micro-clusters are merged: by shared borders and spectra, by what lies between, by spectra"
        ),
    ] = "border"
    max_clusters: Annotated[int, Field(ge=2, le=64, description="largest number that auto considers")] = 24
    epochs: Annotated[int, Field(ge=1, description="epochs in which it learns to see through noise")] = 8
    epochs_views: Annotated[
        int, Field(ge=0, description="at most this many epochs in which two views learn to agree")
    ] = 4
    tiles: Annotated[int, Field(ge=1, description="tiles of 128 x 128 pixels that are read in an epoch")] = 8
    reuse: Annotated[int, Field(ge=1, description="pairs of windows that are drawn in a tile")] = 10
    width: Annotated[int, Field(ge=1, le=4096, description="units of each hidden layer")] = 64
    vary: Annotated[float, Field(ge=0, le=10, description="how much light and camera vary between views")] = 1.0
    rate: Annotated[float, Field(gt=0, le=1, description="learning rate of Adam at the start")] = 4e-3
    n_sample: Annotated[int, Field(ge=100, description="latents from which the micro-clusters are made")] = 20_000
    device: Annotated[Literal["cpu", "cuda", "auto"], Field(description="where it is trained")] = "cpu"
    precision: Annotated[
        Literal["32-true", "bf16-mixed", "16-mixed"],
        Field(description="number format, as Lightning Fabric names it"),
    ] = "32-true"
    checkpoint: Annotated[
        str | None,
        Field(description="file written after each epoch; an interrupted fit goes on from it, with the same bits"),
    ] = None
    random_state: Annotated[int, Field(ge=0, description="seed: the same seed gives the same bits")] = 0
    memory: Annotated[int | None, Field(ge=1, description="bytes for reading; never changes the answer")] = None
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

    def fit(self, X: Any, y: None = None, *, progress: Progress | None = None) -> DeepGlobalClustering:
        """Learn axes, encoder and micro-clusters. y is ignored, progress told (epochs done, in all) per phase. Returns self."""
        from spaxel.training import check_extra

        check_extra("DeepGlobalClustering")
        check_parameters(self)
        if self.encoder == "paper" and self.objective == "stable":
            raise ParameterError(
                "encoder is 'paper', which objective 'stable' cannot train. Try objective='paper' with it."
            )
        cubes = self._images(X)
        sample, axis, self.info_ = gather(self, cubes, N_LOOK)
        check_range(sample.spectra, *SINGLE)
        cubes = [prepare(cube, self.info_, axis) for cube in cubes]
        number = None if self.n_clusters == "auto" else self.n_clusters
        rules = Rules(self.linkage, self.n_micro, self.max_clusters, random_state=self.random_state)
        shapes = np.array([(cube.sizes["y"], cube.sizes["x"]) for cube in cubes])
        about = trained_from(self, UNSEEN, sample.spectra, sample.pairs, axis, shapes)
        with threadpool_limits(1):
            axes = learn_axes(sample, self.random_state)
            learned = learn(cubes, axes, number, rules, self._settings()._replace(about=about), progress)
            looked, groups = learned.sample, learned.groups
            state = {"channel": axis, "project": axes.project, **groups.arrays()}
            state |= {"scaling_center": axes.scaling.center, "scaling_weight": axes.scaling.weight}
            state |= {f"encoder.{k}": v for k, v in learned.weights.items()}
            state |= doubts(looked.spectra, looked.z, looked.pairs, groups, axes.scaling, self.random_state)
        counts = look_at(sample).counts
        recipe = picture_recipe(sample.spectra, axis, self.info_["units"], counts)
        state |= {f"grid_{k}": v for k, v in fit_grid(sample.spectra)._asdict().items()}
        state |= {f"picture_{k}": v for k, v in recipe._asdict().items()}
        self.state_ = {k: np.ascontiguousarray(v) for k, v in state.items()}
        self.n_features_in_ = len(axis)
        self.info_ |= {
            "method": "dgc",
            "scaling": "mnf",
            "scaling_scores": {},
            "scaling_sentence": "Directions of noise-whitened spectra, of each pixel and its surroundings.",
            "n_components": int(groups.evidence.level),
            "sentence": f"{groups.evidence.sentence} {learned.report['sentence']}",
            "votes": groups.evidence.votes,
            "counts": counts,
            "valid_share": sample.valid_share,
            "deep": learned.report,
            "history": learned.history,
        }
        return self

    def predict(self, X: Any, *, progress: Progress | None = None) -> Any:
        """A result per cube (see spaxel.results.convention). Changes nothing, needs no torch.

        Tiles are read with a halo of the receptive radius, so that the labels are those of the image in one piece.
        Raises CubeError if the axis is another one; the message says what differs.
        """
        check_is_fitted(self, "state_")
        results = []
        for cube in self._images(X):
            ready = prepare(cube, self.info_, self.state_["channel"])
            maps, sums = self._map(ready, progress)
            results.append(nearest_result(ready, self.state_, self.info_, maps, sums))
        return results[0] if isinstance(X, xr.Dataset) else results

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Save as a folder of plain text and arrays; spaxel.load brings it back. Raises Exists if something is there."""
        from spaxel.methods.saving import save

        check_is_fitted(self, "state_")
        return save(self, path, overwrite=overwrite)

    def _images(self, data: Any) -> list[xr.Dataset]:
        cubes, kind = as_cubes(data)
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
        return cubes

    def _settings(self) -> Settings:
        shared = set(Settings._fields) & set(self.get_params())
        return Settings(seed=self.random_state, **{name: getattr(self, name) for name in shared})

    def _model(self) -> Model:
        state = self.state_
        scaling = Scaling("mnf", state["scaling_center"], state["scaling_weight"])
        weights = {name.removeprefix("encoder."): v for name, v in state.items() if name.startswith("encoder.")}
        groups = (state[name] for name in ("centers", "tree", "levels", "component"))
        return Model(scaling, state["project"], Settings().sizes, weights, *groups, self.encoder)

    def _map(self, cube: xr.Dataset, progress: Progress | None) -> tuple[dict, dict]:
        grid = Grid(*(self.state_[f"grid_{name}"] for name in Grid._fields))
        recipe = Recipe(*(self.state_[f"picture_{name}"] for name in Recipe._fields))
        familiar = Familiar(*(self.state_[f"familiar_{name}"] for name in Familiar._fields))
        return map_surroundings(self._model(), grid, recipe, cube, self.memory, progress, familiar)
