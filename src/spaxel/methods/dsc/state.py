"""What a fitted deep spectral clustering keeps: arrays (`state_`) and plain values (`info_`)."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from spaxel.methods.centers.base import Found, Task, said_of_scaling
from spaxel.methods.dsc.choice import Chosen
from spaxel.methods.dsc.decoder import decoder_state
from spaxel.methods.dsc.numpy_net import latents, sample_latents
from spaxel.methods.dsc.settings import Settings
from spaxel.methods.dsc.training import Learned
from spaxel.methods.state import pack
from spaxel.preprocess.choice import Choice


def found_of(task: Task, learned: Learned, settings: Settings, chosen: Chosen, choice: Choice | None) -> Found:
    """What was found, for `state_` and `info_`. chosen : the start      choice : of the scaling, None if asked for."""
    scaling, encoder, net, context = learned.scaling, learned.encoder, settings.net, settings.context
    z, apart = sample_latents(task.sample, scaling, encoder, net, context)
    trained = learned.decoder if learned.report["kept"] == "deep" else {}
    arrays, decoder = decoder_state(task.sample.spectra, scaling, encoder, net, context, trained, settings.likelihood)
    matrix = np.zeros((0, 0)) if scaling.matrix is None else scaling.matrix
    arrays |= {"scaling_center": scaling.center, "scaling_weight": scaling.weight, "scaling_matrix": matrix}
    arrays |= {"centroids": learned.centroids, "noise": chosen.start.latent_noise(encoder)}
    info = _of_scaling(scaling.name, chosen.sentence, choice) | {
        "likelihood": settings.likelihood,
        "sentence": f"{learned.groups.evidence.sentence} {learned.report['sentence']}",
        "deep": learned.report | {"starts": chosen.told},
        "history": learned.history,
        "decoder": decoder,
    }
    embed = partial(latents, scaling=scaling, weights=encoder, net=net, context=context)
    return Found(learned.groups, scaling, task.own.spectra, z, apart, arrays | pack("encoder.", encoder), info, embed)


def _of_scaling(name: str, sentence: str, choice: Choice | None) -> dict[str, Any]:
    """What `info_` says of the scaling; a sentence about the start says more than the choice, which it may have overruled."""
    if choice and sentence:
        choice = choice._replace(sentence=sentence)
    said = said_of_scaling(name, choice)
    if sentence and not choice:
        said["scaling_sentence"] += f" {sentence}"
    return said
