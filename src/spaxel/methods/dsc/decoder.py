"""How a fitted model decodes: the trained decoder, or the best linear one where the linear start was kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube.mapping import Arrays
from spaxel.errors import ParameterError
from spaxel.methods.dsc.numpy_net import Decoder, Model, decode, encode, in_blocks
from spaxel.preprocess.scaling import Scaling
from spaxel.results.convention import check_result

SEEN = 4096  # spectra that a linear decoder is fitted to
BITS = 20  # of a channel's range, to which decoded values are rounded before they are added


def decoder_state(
    spectra: np.ndarray, scaling: Scaling, encoder: Arrays, net: str, context: int, trained: Arrays, likelihood: str
) -> tuple[Arrays, dict[str, Any]]:
    """What a model keeps of its decoder: arrays (`decoder.…`), and {"kind", "photons"} for info_.

    spectra : (n, channel), with a context those of the neighbours beside them      trained : the decoder's arrays, empty where
    the linear start is kept: then scaled spectra are decoded by the least squares line through the latents
    """
    some = spectra[:: -(-len(spectra) // SEEN)]
    own = np.asarray(some[:, : len(scaling.center)], np.float64)
    features = in_blocks(some, scaling, context)
    z = encode(features, encoder, net)
    kind, photons = likelihood if trained and likelihood != "gaussian" else "features", 1.0
    if not trained:
        ones = np.column_stack([np.ones(len(z)), z])
        target = features[:, : features.shape[1] // (1 + (context > 0))]
        line = np.linalg.lstsq(ones, target, rcond=None)[0].astype(np.float32)
        trained = {"base": line[0], "rows": line[1:]}
    if kind == "poisson":  # brought to the size of the data, whatever was decoded in training
        photons = float(own.sum() / np.exp(decode(z, trained, net)).sum())
    arrays = {f"decoder.{name}": value for name, value in trained.items()} | {"decoder.like": own.mean(0)}
    return arrays, {"kind": kind, "photons": photons}


def model_of(state: Arrays, info: dict[str, Any], net: str, context: int) -> tuple[Model, Decoder | None]:
    """Encoder and decoder of a fitted model from its arrays; no decoder for one saved before models kept it."""
    matrix = state["scaling_matrix"] if state["scaling_matrix"].size else None
    scaling = Scaling(info["scaling"], state["scaling_center"], state["scaling_weight"], matrix)
    groups = (state[name] for name in ("centers", "tree", "levels", "component"))
    model = Model(scaling, _named(state, "encoder."), net, context, *groups)
    if "decoder" not in info:
        return model, None
    weights = _named(state, "decoder.")
    like = weights.pop("like")[None]
    found = Decoder(weights, net, info["decoder"]["kind"], info["decoder"]["photons"], scaling, like, np.ones(1))
    reach = np.abs(found(state["centers"])).max(0)
    return model, found._replace(step=np.exp2(np.ceil(np.log2(np.maximum(reach, 1e-300))) - BITS))


def _named(state: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def decoded(decoder: Decoder | None, z: np.ndarray, like: np.ndarray | None, latent: int) -> np.ndarray:
    """Spectra of latents after a check of both. Raises ParameterError."""
    if decoder is None:
        raise ParameterError("This model was saved without a decoder. Try to fit again.")
    if np.ndim(z) != 2 or np.shape(z)[1] != latent:
        raise ParameterError(f"Z has shape {np.shape(z)}, expected (n, {latent}). Try embed.")
    shapes = ((1, decoder.like.shape[1]), (len(z), decoder.like.shape[1]))
    if like is not None and np.shape(like) not in shapes:
        raise ParameterError(f"like has shape {np.shape(like)}, expected {shapes[1]}: a spectrum for each latent.")
    return decoder(z, like)


def with_decoded(result: xr.Dataset, state: Arrays, maps: Arrays, sums: Arrays, decoder: Decoder | None) -> xr.Dataset:
    """A result with what its pictures need: latents, latent_centers, micro_decoded, decoded_picture.

    What is decoded is averaged over the pixels whose latents are nearest to a part, whatever is done to labels afterwards.
    """
    if decoder is None:
        return result
    size = sums.get("decoded_size", np.zeros(result.sizes["micro"]))[:, None]
    total = sums.get("decoded", np.zeros(result["micro_spectra"].shape))
    mean = np.where(size > 0, total * decoder.step / np.maximum(size, 1), np.nan)
    shown = maps["latent"].shape[-1]
    return check_result(
        result.assign(
            latents=(("y", "x", "latent"), maps["latent"]),
            latent_centers=(("micro", "latent"), state["centers"][:, :shown].astype(np.float32)),
            micro_decoded=(("micro", "channel"), mean.astype(np.float32)),
            decoded_picture=(("y", "x", "rgb"), maps["decoded_picture"], result["picture"].attrs),
        )
    )
