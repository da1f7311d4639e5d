"""Deep spectral clustering: an autoencoder that starts as scaled principal components, and is kept only where it helps."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import xarray as xr
from pydantic import Field
from sklearn.utils.validation import check_is_fitted

from spaxel.cube.exact import Grid
from spaxel.cube.sampling import sample_cubes
from spaxel.errors import ParameterError
from spaxel.methods.centers.base import Found, Segmenting, Task
from spaxel.methods.centers.groups import Rules
from spaxel.methods.centers.maps import Centers, More
from spaxel.methods.centers.result import nearest_result
from spaxel.methods.contract import SINGLE, Cubes
from spaxel.methods.dsc.choice import choose_start
from spaxel.methods.dsc.decoder import decoded, decoder_of, decoding, scaling_of, with_decoded
from spaxel.methods.dsc.numpy_net import Model, in_double, latents
from spaxel.methods.dsc.settings import Settings
from spaxel.methods.dsc.smoothing import Odds, smoothed
from spaxel.methods.dsc.state import found_of
from spaxel.methods.dsc.training import learn
from spaxel.methods.parameters import (
    Checkpoint,
    Device,
    Linkage,
    MaxClusters,
    Memory,
    NInit,
    NMicro,
    NSample,
    Number,
    Precision,
    ScalingOrAuto,
    Seed,
    Width,
    declared,
)
from spaxel.methods.state import unpack
from spaxel.preprocess.choice import choose_scaling
from spaxel.preprocess.known_noise import of_noise
from spaxel.preprocess.scaling import fit_scaling
from spaxel.training.identity import trained_from

UNSEEN = ("epochs", "checkpoint", "memory")  # parameters that may change when a training goes on
Range = Annotated[str, Field(pattern=r"^\d+:\d+$")]


@declared
class DeepSpectralClustering(Segmenting):
    """Autoencoder whose latent space is clustered, after Bombini et al. 2024, arXiv:2401.17695, with a gradient in every loss.

    Equation: labels_i = component of argmin_j ‖E(x_i) - c_j‖, E(x) = P(scale(x)) + net(P'(scale(x))), net = 0 at the start. It
    minimises reconstruction + β prior + γ clustering (spaxel.methods.dsc.net.objective). Before training, E is the scaled
    principal components of KMeans; after each epoch a label-free criterion is computed, and the best state is kept,
    which may be the start: so the answer is never worse than the linear one by that criterion (truth may differ). With
    keep="trained" it is the net as it is when the training ends, also where the criterion refuses it. The criterion is the
    agreement between neighbouring pixels (how much a label tells about the one beside it); for tables, the variance of
    the start that the labels explain.

    fit, predict, fit_predict, transform (distances to the components) and score (how clearly spectra belong to theirs) take
    a cube, a list of cubes on one axis, or an array (n_spectra, n_channels).
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
    limits: ClassVar[tuple[float, float]] = SINGLE
    sees_third: ClassVar[bool] = True

    n_clusters: Annotated[
        Number | Literal["auto"] | Range,
        Field(
            description="number of components; auto: found by five checks, all levels kept; LOW:HIGH: best silhouette"
        ),
    ] = "auto"
    scaling: ScalingOrAuto = "auto"
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
    width: Width = 64
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
    linkage: Linkage = None
    n_micro: NMicro = 40
    max_clusters: MaxClusters = 24
    n_sample: NSample = 20_000
    stream: Annotated[bool, Field(description="read another sample in each epoch")] = False
    n_init: NInit = 10
    device: Device = "cpu"
    precision: Precision = "32-true"
    checkpoint: Checkpoint = None
    random_state: Seed = 0
    memory: Memory = None

    def embed(self, X: np.ndarray) -> np.ndarray:
        """Latents (n, d) of spectra (n, channel); with a context (n, 2 channel), those of the neighbours' mean beside them."""
        check_is_fitted(self, "state_")
        model = self._model()
        return latents(np.asarray(X), model.scaling, model.weights, model.net, model.context).astype(np.float32)

    def decode(self, Z: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
        """Spectra (n, channel), in the units of the cube, of latents (n, d) as `embed` gives them; expected counts for counts.

        like : (n, channel) spectra whose brightness these get (default: the mean spectrum of the fit); latents of most
        scalings do not know how bright a spectrum is. Where the linear start was kept, the decoder is linear too.
        Raises ParameterError for another number of latents, or for a model that was saved without a decoder.
        """
        check_is_fitted(self, "state_")
        return decoded(decoder_of(self.state_, self.info_, self.net), Z, like, len(self.state_["encoder.mean.bias"]))

    def _learn(self, task: Task) -> Found:
        number = self.n_clusters if isinstance(self.n_clusters, int) else None
        seed, own = self.random_state, task.own
        choice = choose_scaling(own, number, seed, look=task.look) if self.scaling == "auto" else None
        settings = Settings.of(self, counts=task.look.counts, negative=bool((own.spectra < 0).any()))
        settings = settings._replace(about=trained_from(self, UNSEEN, task.sample.spectra, *of_noise(task.sample)))
        scaling = fit_scaling(choice.name if choice else self.scaling, own)
        chosen = choose_start(task.sample, scaling, settings, number, seed, free=choice is not None)
        rules = Rules(self.linkage, self.n_micro, self.max_clusters, self.n_init, seed)
        fresh = self._fresh(task.cubes) if self.stream else None
        learned = learn(task.sample, chosen.start, settings, self._wanted(), rules, fresh)
        return found_of(task, learned, settings, chosen, choice)

    def _model(self) -> Model:
        weights = in_double(unpack(dict, self.state_, "encoder."))
        return Model(scaling_of(self.state_, self.info_), weights, self.net, self.context)

    def _reading(self) -> tuple[int, int]:
        return self.n_sample, self.context

    def _check(self) -> None:
        from spaxel.training import check_extra

        check_extra("DeepSpectralClustering")
        if (self.context and self.context % 2 == 0) or self.context == 1:
            raise ParameterError(f"context is {self.context}, expected 0 or an odd number from 3 to 15.")

    def _result(self, cube: xr.Dataset) -> xr.Dataset:
        state, decoder = self.state_, None if self.lean else decoder_of(self.state_, self.info_, self.net)
        more: list[More] = [decoding(decoder, state)] if decoder else []
        if not self.smoothing:
            maps, sums = self._map(cube, more)
        else:
            groups, grid = unpack(Centers, state, ""), unpack(Grid, state, "grid_")
            maps, sums = self._map(cube, [*more, Odds(groups, state["noise"])])
            maps, sums = smoothed(cube, maps, sums, groups.component, grid, self.smoothing)
        return with_decoded(nearest_result(cube, state, self.info_, maps, sums), state, maps, sums, decoder)

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

    def _fresh(self, cubes: Cubes) -> Any:
        """epoch -> spectra of another sample of the same cubes."""

        def draw(epoch: int) -> np.ndarray:
            seed = self.random_state + 7919 * epoch
            return sample_cubes(cubes, self.n_sample, seed, self.memory, context=self.context).spectra

        return draw
