"""Deep spectral clustering: an autoencoder that starts as scaled principal components, and is kept only where it helps."""

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

from spaxel.cube.exact import Grid
from spaxel.cube.mapping import Progress
from spaxel.cube.picture import Recipe, picture_recipe
from spaxel.cube.sampling import Sample, sample_cubes
from spaxel.errors import ParameterError
from spaxel.methods.centers.assign import Familiar
from spaxel.methods.centers.groups import Rules
from spaxel.methods.centers.result import nearest_result
from spaxel.methods.contract import as_cubes, check_parameters, check_range, checked, gather, prepare
from spaxel.methods.dsc.choice import choose_start
from spaxel.methods.dsc.decoder import decoded, model_of, with_decoded
from spaxel.methods.dsc.numpy_net import Decoder, Model, latents, map_latent
from spaxel.methods.dsc.smoothing import smoothed
from spaxel.methods.dsc.start import COUNTED, Settings
from spaxel.methods.dsc.state import fitted_info, fitted_state
from spaxel.methods.dsc.training import learn
from spaxel.preprocess.choice import choose_scaling, look_at
from spaxel.preprocess.scaling import SCALINGS, ScalingName, fit_scaling
from spaxel.results.convention import relabel
from spaxel.training.identity import trained_from

UNSEEN = ("epochs", "checkpoint", "memory")  # parameters that may change when a training goes on
Range = Annotated[str, Field(pattern=r"^\d+:\d+$")]


@dataclass(eq=False, repr=False)
class DeepSpectralClustering(ClusterMixin, BaseEstimator):
    """Autoencoder whose latent space is clustered, after Bombini et al. 2024, arXiv:2401.17695, with a gradient in every loss.

    Equation: labels_i = component of argmin_j ‖E(x_i) - c_j‖, E(x) = P(scale(x)) + net(P'(scale(x))), net = 0 at the start. It
    minimises reconstruction + β prior + γ clustering (spaxel.methods.dsc.net.objective). Before training, E is the scaled
    principal components of KMeans; after each epoch a label-free criterion is computed, and the best state is kept,
    which may be the start: so the answer is never worse than the linear one by that criterion (truth may differ). With
    keep="trained" it is the net as it is when the training ends, also where the criterion refuses it. The criterion is the
    agreement between neighbouring pixels (how much a label tells about the one beside it); for tables, the variance of
    the start that the labels explain.

    fit, predict and fit_predict take a cube, a list of cubes on one axis, or an array (n_spectra, n_channels).
    After fit: `state_` (arrays), `info_` (plain values, `history` of the training, what the deep part changed),
    `n_features_in_`, `labels_` (arrays only). Raises MissingExtra without PyTorch.
    Fails, by keeping the linear start, where that is all there is to see. What it reaches: docs/methods/dsc.md.

    >>> import spaxel
    >>> cube = spaxel.simulate("maxrf", height=24, width=24, channels=64)
    >>> model = spaxel.DeepSpectralClustering(n_clusters=4, context=3, epochs=1).fit(cube)
    >>> model.predict(cube)["labels"].shape
    (24, 24)
    """

    method: ClassVar[str] = "dsc"
    libraries: ClassVar[tuple[str, ...]] = ("torch", "lightning-fabric")  # that its fit works with

    n_clusters: Annotated[
        Annotated[int, Field(ge=1, le=512)] | Literal["auto"] | Range,
        Field(
            description="number of components; auto: found by five checks, all levels kept; LOW:HIGH: best silhouette"
        ),
    ] = "auto"
    scaling: Annotated[
        ScalingName | Literal["auto"], Field(description=f"how spectra are scaled: auto, {', '.join(SCALINGS)}")
    ] = "auto"
    likelihood: Annotated[
        Literal["auto", "multinomial", "poisson", "gaussian"],
        Field(description="by which decoded spectra are judged; auto: multinomial for counts, else gaussian"),
    ] = "auto"
    objective: Annotated[
        Literal["autoencoder", "vae", "beta-vae", "infovae", "vade"],
        Field(description="how the latents are regularised"),
    ] = "autoencoder"
    clustering: Annotated[
        Literal["silhouette", "simplified", "dec", "dcn", "none"], Field(description="the clustering loss")
    ] = "simplified"
    gamma: Annotated[float, Field(ge=0, description="weight of the clustering loss")] = 0.1
    gamma_ramp: Annotated[int, Field(ge=0, description="epochs over which gamma rises from 0")] = 5
    beta: Annotated[float, Field(ge=0, description="weight of the regularisation")] = 1.0
    beta_ramp: Annotated[int, Field(ge=0, description="epochs over which beta rises from 0")] = 5
    form: Annotated[Literal["sum", "product"], Field(description="how the losses are combined")] = "sum"
    net: Annotated[
        Literal["plain", "snn", "conv"],
        Field(description="plain: GELU and LayerNorm; snn: self-normalising; conv: convolutional"),
    ] = "plain"
    n_latent: Annotated[
        Annotated[int, Field(ge=1, le=256)] | Literal["auto"],
        Field(description="number of latents; auto: as many as principal components above the noise, at most 10"),
    ] = "auto"
    width: Annotated[int, Field(ge=1, le=4096, description="units of each hidden layer")] = 64
    depth: Annotated[int, Field(ge=1, le=16, description="number of hidden layers")] = 2
    dropout: Annotated[float, Field(ge=0, lt=1, description="share of hidden units that are dropped in training")] = 0.0
    context: Annotated[
        int,
        Field(
            ge=0, le=15, description="side of the window (odd) whose mean the encoder also sees; 0: each pixel alone"
        ),
    ] = 0
    metric: Annotated[
        Literal["auto", "nearby", "plain"],
        Field(
            description="distances: nearby counts least what varies between neighbouring pixels, plain counts all alike"
        ),
    ] = "auto"
    margin: Annotated[
        float,
        Field(ge=0, le=10, description="share by which the trained network must be better than the start to be kept"),
    ] = 0.0
    keep: Annotated[
        Literal["best", "trained"],
        Field(description="best: what the criterion prefers, the linear start included; trained: the net, always"),
    ] = "best"
    smoothing: Annotated[
        float,
        Field(
            ge=0,
            le=3,
            description="weight of neighbours that share a label, where noise leaves it open; 0.6 is moderate",
        ),
    ] = 0.0
    denoise: Annotated[bool, Field(description="decode the spectrum with other noise than the encoder saw")] = True
    epochs: Annotated[int, Field(ge=0, description="epochs of training, at most; 0 keeps the linear start")] = 20
    patience: Annotated[
        int, Field(ge=1, description="stop after this many epochs without a better held-out reconstruction")
    ] = 5
    batch: Annotated[int, Field(ge=1, description="spectra per step")] = 512
    rate: Annotated[float, Field(gt=0, le=1, description="learning rate of Adam")] = 1e-3
    linkage: Annotated[
        Literal["centroid", "connectivity"] | None,
        Field(description="how micro-clusters are merged; none, with a number given: plain k-means"),
    ] = None
    n_micro: Annotated[
        int, Field(ge=2, le=512, description="micro-clusters that are merged (auto, or with a linkage)")
    ] = 40
    max_clusters: Annotated[int, Field(ge=2, le=64, description="largest number that auto considers")] = 24
    n_sample: Annotated[int, Field(ge=10, description="spectra that the fit looks at")] = 20_000
    stream: Annotated[bool, Field(description="read another sample in each epoch")] = False
    n_init: Annotated[int, Field(ge=1, description="restarts of k-means++")] = 10
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

    def fit(self, X: Any, y: None = None, *, progress: Progress | None = None) -> DeepSpectralClustering:
        """Learn scaling, encoder and centroids from a sample. y is ignored, progress told (epochs done, in all). Returns self.

        Under torchrun each process fits to the same data: together they train, and all come to the same state.
        """
        from spaxel.training import check_extra

        check_extra("DeepSpectralClustering")
        check_parameters(self)
        if (self.context and self.context % 2 == 0) or self.context == 1:
            raise ParameterError(f"context is {self.context}, expected 0 or an odd number from 3 to 15.")
        X = checked(self, X, reset=True)
        sample, axis, self.info_ = gather(self, X, self.n_sample, context=self.context)
        self.state_: dict[str, np.ndarray] = {"channel": axis}
        with threadpool_limits(1):
            self._learn(sample, X, progress)
        self.n_features_in_ = len(axis)
        if isinstance(X, np.ndarray):
            self.labels_ = self.predict(X)
        return self

    def predict(self, X: Any, *, progress: Progress | None = None) -> Any:
        """Labels of new spectra: a result per cube (spaxel.results.convention), or (n,) int32 for an array. Changes nothing.

        The steps that the fitted cubes had been through are repeated on a cube that has not. Needs no torch.
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
            _, decoder = self._model()
            maps, sums = self._map(ready, progress, decoder, self.smoothing)
            result = nearest_result(ready, self.state_, self.info_, maps, sums)
            results.append(with_decoded(result, self.state_, maps, sums, decoder))
        return results[0] if kind == "cube" else results

    def embed(self, X: np.ndarray) -> np.ndarray:
        """Latents (n, d) of spectra (n, channel); with a context (n, 2 channel), those of the neighbours' mean beside them."""
        check_is_fitted(self, "state_")
        model, _ = self._model()
        return latents(np.asarray(X), model.scaling, model.weights, model.net, model.context).astype(np.float32)

    def decode(self, Z: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
        """Spectra (n, channel), in the units of the cube, of latents (n, d) as `embed` gives them; expected counts for counts.

        like : (n, channel) spectra whose brightness these get (default: the mean spectrum of the fit); latents of most
        scalings do not know how bright a spectrum is. Where the linear start was kept, the decoder is linear too.
        Raises ParameterError for another number of latents, or for a model that was saved without a decoder.
        """
        check_is_fitted(self, "state_")
        return decoded(self._model()[1], Z, like, len(self.state_["encoder.mean.bias"]))

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Save as a folder of plain text and arrays; spaxel.load brings it back. Raises Exists if something is there."""
        from spaxel.methods.saving import save

        check_is_fitted(self, "state_")
        return save(self, path, overwrite=overwrite)

    def _model(self) -> tuple[Model, Decoder | None]:
        return model_of(self.state_, self.info_, self.net, self.context)

    def _map(
        self, cube: xr.Dataset, progress: Progress | None, decoder: Decoder | None = None, smoothing: float = 0.0
    ) -> tuple[dict, dict]:
        grid = Grid(*(self.state_[f"grid_{name}"] for name in Grid._fields))
        recipe = Recipe(*(self.state_[f"picture_{name}"] for name in Recipe._fields))
        familiar = Familiar(*(self.state_[f"familiar_{name}"] for name in Familiar._fields))
        model = self._model()[0]
        model = model._replace(noise=self.state_["noise"]) if smoothing else model
        maps, sums = map_latent(model, grid, recipe, cube, self.memory, progress, familiar, decoder)
        return smoothed(cube, maps, sums, model.component, grid, smoothing) if smoothing else (maps, sums)

    def _learn(self, sample: Sample, data: Any, progress: Progress | None) -> None:
        """Fill state_ and info_ from a sample."""
        channels = len(self.state_["channel"])
        spectra = sample.spectra[:, :channels]
        check_range(spectra)
        own = Sample(spectra, sample.pairs[:, :2, :channels], sample.valid_share)
        number = self.n_clusters if isinstance(self.n_clusters, int) else None
        choice = choose_scaling(own, number, self.random_state) if self.scaling == "auto" else None
        look = look_at(own)
        settings = self._settings(look.counts, bool((spectra < 0).any()))
        settings = settings._replace(about=trained_from(self, UNSEEN, sample.spectra))
        scaling = fit_scaling(choice.name if choice else self.scaling, own)
        chosen = choose_start(sample, scaling, settings, number, self.random_state, free=choice is not None)
        rules = Rules(self.linkage, self.n_micro, self.max_clusters, self.n_init, self.random_state)
        fresh = self._fresh(data) if self.stream else None
        learned = learn(sample, chosen.start, settings, self._wanted(), rules, fresh, progress)
        recipe = picture_recipe(spectra, self.state_["channel"], self.info_["units"], look.counts)
        self.state_, decoder = fitted_state(self.state_, sample, learned, settings, recipe)
        self.state_["noise"] = chosen.start.latent_noise(learned.encoder)
        choice = choice._replace(sentence=chosen.sentence) if choice and chosen.sentence else choice
        learned = learned._replace(report=learned.report | {"starts": chosen.told})
        self.info_ |= fitted_info(learned, settings, choice) | {
            "decoder": decoder,
            "counts": look.counts,
            "valid_share": sample.valid_share,
        }
        if chosen.sentence and not choice:
            self.info_["scaling_sentence"] += f" {chosen.sentence}"

    def _wanted(self) -> int | tuple[int, int] | None:
        """A number, a range, or None to find it."""
        if not isinstance(self.n_clusters, str):
            return int(self.n_clusters)
        if self.n_clusters == "auto":
            return None
        low, high = (int(part) for part in self.n_clusters.split(":"))
        if not 2 <= low <= high <= 64:
            raise ParameterError(f"n_clusters is {self.n_clusters!r}, expected LOW:HIGH with 2 <= LOW <= HIGH <= 64.")
        return low, high

    def _settings(self, counts: bool, negative: bool) -> Settings:
        likelihood = ("multinomial" if counts else "gaussian") if self.likelihood == "auto" else self.likelihood
        if likelihood in COUNTED and negative:
            raise ParameterError(f"likelihood is {likelihood!r}, but the spectra hold negative values. Try gaussian.")
        names = set(Settings._fields) - {"likelihood", "n_latent", "denoise", "k", "seed", "about"}
        given = {name: getattr(self, name) for name in names}
        return Settings(
            likelihood=likelihood,
            n_latent=None if self.n_latent == "auto" else self.n_latent,
            denoise=self.denoise and (counts or likelihood == "gaussian"),
            k=self.n_clusters if isinstance(self.n_clusters, int) else 0,
            seed=self.random_state,
            **given,
        )

    def _fresh(self, data: Any) -> Any:
        """epoch -> spectra of another sample of the same cubes."""
        cubes = [prepare(cube, self.info_, self.state_["channel"]) for cube in as_cubes(data)[0]]

        def draw(epoch: int) -> np.ndarray:
            seed = self.random_state + 7919 * epoch
            return sample_cubes(cubes, self.n_sample, seed, self.memory, context=self.context).spectra

        return draw
