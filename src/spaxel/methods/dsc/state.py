"""What a fitted deep spectral clustering keeps: arrays (`state_`) and plain values (`info_`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from spaxel.cube.exact import fit_grid
from spaxel.cube.mapping import Arrays
from spaxel.cube.picture import Recipe
from spaxel.cube.sampling import Sample
from spaxel.methods.centers.doubt import doubts
from spaxel.methods.dsc.decoder import decoder_state
from spaxel.methods.dsc.numpy_net import sample_latents
from spaxel.methods.dsc.start import Settings
from spaxel.methods.dsc.training import Learned
from spaxel.preprocess.choice import Choice


def fitted_state(
    state: Arrays, sample: Sample, learned: Learned, settings: Settings, recipe: Recipe
) -> tuple[Arrays, dict[str, Any]]:
    """All arrays of a model, and what its decoder is ({"kind", "photons"}, see decoding.decoder_state).

    state : `channel` and what else is kept as it is      sample : what was fitted, spectra in the units of the cube
    """
    spectra, scaling, encoder = sample.spectra[:, : len(state["channel"])], learned.scaling, learned.encoder
    net, context = settings.net, settings.context
    z, apart = sample_latents(sample, scaling, encoder, net, context)
    trained = learned.decoder if learned.report["kept"] == "deep" else {}
    arrays, decoder = decoder_state(sample.spectra, scaling, encoder, net, context, trained, settings.likelihood)
    state = state | learned.groups.arrays() | arrays
    state |= doubts(spectra, z, apart, learned.groups, scaling, settings.seed)
    state |= {f"encoder.{k}": v for k, v in encoder.items()} | {"centroids": learned.centroids}
    state |= {"scaling_center": scaling.center, "scaling_weight": scaling.weight}
    state |= {"scaling_matrix": np.zeros((0, 0)) if scaling.matrix is None else scaling.matrix}
    state |= {f"grid_{k}": v for k, v in fit_grid(spectra)._asdict().items()}
    state |= {f"picture_{k}": v for k, v in recipe._asdict().items()}
    return {k: np.ascontiguousarray(v) for k, v in state.items()}, decoder


def fitted_info(learned: Learned, settings: Settings, choice: Choice | None) -> dict[str, Any]:
    """What a fit says of itself. choice : of the scaling, None where it was asked for."""
    evidence, scaling = learned.groups.evidence, learned.scaling.name
    return {
        "method": "dsc",
        "scaling": scaling,
        "scaling_scores": choice.scores if choice else {},
        "scaling_sentence": choice.sentence if choice else f"Scaling {scaling}, as asked.",
        "likelihood": settings.likelihood,
        "n_components": int(evidence.level),
        "sentence": f"{evidence.sentence} {learned.report['sentence']}",
        "votes": evidence.votes,
        "deep": learned.report,
        "history": learned.history,
    }
