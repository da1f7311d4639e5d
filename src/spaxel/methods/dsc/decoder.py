"""How a fitted model decodes: the trained decoder, or the best linear one where the linear start was kept."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube.mapping import Arrays
from spaxel.cube.picture import Recipe, paint
from spaxel.errors import ParameterError
from spaxel.methods.centers.maps import Block
from spaxel.methods.dsc.numpy_net import Decoder, decode, encode, in_blocks, in_double
from spaxel.methods.state import SegmentingInfo, pack, unpack
from spaxel.preprocess.scaling import Scaling
from spaxel.results.convention import check_result

SEEN = 4096  # spectra that a linear decoder is fitted to
MOST_LATENTS = 16  # that a result keeps a map of
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
    arrays = pack("decoder.", trained) | {"decoder.like": own.mean(0)}
    return arrays, {"kind": kind, "photons": photons}


class Decoding(NamedTuple):
    """Maps of what is decoded: latents, colours; sums by micro-cluster. shown : latents with a map      n_micro : of them"""

    decoder: Decoder
    recipe: Recipe
    shown: int
    n_micro: int

    def blank(self) -> dict[str, Any]:
        """Of pixels without data."""
        return {"latent": np.full(self.shown, np.nan, np.float32), "decoded_picture": np.full(3, 255, np.uint8)}

    def __call__(self, block: Block, pixels: Arrays, sums: Arrays) -> tuple[Arrays, Arrays]:
        """Of a block."""
        found = self.decoder(block.scores, block.spectra)
        maps = {
            "latent": block.scores[:, : self.shown].astype(np.float32),
            "decoded_picture": paint(found, self.recipe),
        }
        total = self.decoder.sums(found[: block.n], pixels["micro"][: block.n], self.n_micro)
        return maps, {"decoded": total, "decoded_size": sums["size"]}


def decoding(decoder: Decoder, state: Arrays) -> Decoding:
    """Maps of what a fitted model decodes."""
    shown = min(len(state["encoder.mean.bias"]), MOST_LATENTS)
    return Decoding(decoder, unpack(Recipe, state, "picture_"), shown, len(state["centers"]))


def scaling_of(state: Arrays, info: SegmentingInfo) -> Scaling:
    """The scaling of a fitted model."""
    matrix = state["scaling_matrix"] if state["scaling_matrix"].size else None
    return Scaling(info["scaling"], state["scaling_center"], state["scaling_weight"], matrix)


def decoder_of(state: Arrays, info: SegmentingInfo, net: str) -> Decoder | None:
    """The decoder of a fitted model; None for one saved before models kept it."""
    if "decoder" not in info:
        return None
    weights = in_double(unpack(dict, state, "decoder."))
    like, kind = weights.pop("like")[None], info["decoder"]
    found = Decoder(weights, net, kind["kind"], kind["photons"], scaling_of(state, info), like, np.ones(1))
    reach = np.abs(found(state["centers"])).max(0)
    return found._replace(step=np.exp2(np.ceil(np.log2(np.maximum(reach, 1e-300))) - BITS))


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
