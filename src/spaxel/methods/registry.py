"""Methods: scikit-learn estimators over cubes. METHODS names what the command line offers."""

from __future__ import annotations

import warnings
from copy import copy
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from spaxel.cube import make_cube
from spaxel.cube.executing import executing
from spaxel.errors import ParameterError, ReadError, SpaxelError
from spaxel.methods.contract import parse_parameters
from spaxel.methods.state import SegmentingInfo, UnmixingInfo, read_info
from spaxel.store.guarded import DAMAGE
from spaxel.store.run_folder import read_arrays, read_json

METHODS = {  # name -> module:class
    "kmeans": "kmeans.estimator:KMeans",
    "consensus": "consensus.estimator:Segment",
    "learned": "learned.estimator:LearnedMetric",
    "dsc": "dsc.estimator:DeepSpectralClustering",
    "dgc": "dgc.estimator:DeepGlobalClustering",
    "mcr": "mcr.estimator:MCR",
    "ebgmcr": "ebgmcr.estimator:EnergyMCR",
    "library": "library.estimator:LibraryUnmixing",
    "nmf": "mixtures.baselines:NMF",
    "mcr-als": "mixtures.baselines:MCRALS",
}
UNMIXING = (
    "mcr",
    "ebgmcr",
    "library",
    "nmf",
    "mcr-als",
)  # give abundances, by `transform`; the others give labels, by `predict`


def method_class(name: str) -> type:
    """The class of a method by its name. Raises ParameterError that lists the methods."""
    if name not in METHODS:
        raise ParameterError(f"There is no method {name!r}. Known: {', '.join(METHODS)}.")
    module, attribute = METHODS[name].split(":")
    return getattr(import_module(f"spaxel.methods.{module}"), attribute)


def with_few_maps(model: Any) -> Any:
    """A fitted model that gives of all maps labels and confidence only; the model itself where it gives abundances."""
    found = copy(model) if hasattr(model, "lean") else model
    if found is not model:
        found.lean = True
    return found


def apply(model: Any, cube: Any) -> Any:
    """The result of a fitted model on a cube: labels, or abundances."""
    give = model.transform if model.method in UNMIXING else model.predict
    return give(cube)


def load(path: str | Path) -> Any:
    """The fitted model of a run folder, ready for `predict`.

    Raises NotFound if there is none (a run made by `predict` names the run that has it), ReadError if it is damaged.

    >>> import spaxel
    >>> cube = spaxel.simulate("maxrf", height=24, width=24, channels=64)
    >>> folder = spaxel.KMeans(n_clusters=4).fit(cube).save("runs/model")
    >>> spaxel.load("runs/model").predict(cube)["labels"].shape
    (24, 24)
    """
    run = read_json(path)
    arrays = read_arrays(path)
    try:
        method = method_class(run["method"])
        model = method(**parse_parameters(method, run["parameters"]))
        model.info_ = read_info(UnmixingInfo if run["method"] in UNMIXING else SegmentingInfo, run["learned"])
        model.state_ = arrays
        model.n_features_in_ = len(arrays["channel"])
    except KeyError as error:
        raise ReadError(f"{path} lacks {error}, so it is no complete model. Try to fit again.") from error
    _try_out(model, path)
    return model


def _try_out(model: Any, path: str | Path) -> None:
    """Apply a loaded model to four spectra. Raises ReadError if its parts do not fit together."""
    axis = model.state_["channel"]
    try:
        with warnings.catch_warnings(), executing("synchronous"):
            warnings.simplefilter("ignore")
            spectra = np.tile(np.linspace(1.0, 2.0, len(axis), dtype=np.float32), (2, 2, 1))
            model._result(make_cube(spectra, axis, model.info_["units"]))
    except SpaxelError:
        pass  # of these spectra, not of the model
    except DAMAGE as error:
        said = f"lacks {error}" if isinstance(error, KeyError) else f"does not fit together ({error})"
        raise ReadError(f"{path}: the model {said}, so it is damaged. Try to fit again.") from error
