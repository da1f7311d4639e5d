"""From a sample to its components: as a table, a table under constraints, or a scene. EnergyMCR starts from the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np

from spaxel.cube.sampling import Sample
from spaxel.errors import ParameterError
from spaxel.linear.constrained.missing import holes_filled
from spaxel.linear.count.rank import count_components
from spaxel.linear.scene.components import bright_words, scene_components, uncertain_words
from spaxel.linear.sparse.factorise import factorise
from spaxel.linear.sparse.report import Factors, table_sentence
from spaxel.linear.sparse.spikes import MOST, despiked, has_spikes
from spaxel.methods.mcr.alike import alike_sentences
from spaxel.methods.mcr.constraints import NONE, Constraints, How, constrained_table
from spaxel.methods.mcr.dense import apart_words, settled
from spaxel.methods.mcr.errors import kept_for_errors
from spaxel.methods.mcr.evening import Even, evening, evening_counts, evens, order_back, turned_back
from spaxel.methods.mcr.instrument import PERFECT, Instrument, corrected, doubted, sentence_beside
from spaxel.methods.mcr.neighbours import neighbours_alike
from spaxel.methods.mixtures.base import Unmixed, is_signed

USED_FOR = ["the weights of channels", "the number of components", "abundances"]  # what a known noise is
FEW = 2000  # pixels up to which `auto` asks whether an image is one, or a table


class Options(NamedTuple):
    """How a sample is unmixed, by the parameters of MCR. number : of components, None = found      axis : values, units."""

    number: int | None = None
    kind: str = "auto"
    signed: bool | Literal["auto"] = "auto"
    normalise: Literal["auto", "raw", "unit", "even"] = "auto"
    despike: bool | Literal["auto"] = "auto"
    seed: int = 0
    instrument: Instrument = PERFECT
    axis: tuple[np.ndarray, str] | None = None


def components_of(sample: Sample, options: Options, asked: Constraints = NONE) -> Unmixed:
    """The components of a sample, their number, and what is to be said of them.

    `info` holds, besides what Unmixed says: constrained, normalisation (of a scene: raw or unit), and noise: (level, power,
    hottest) of `encode_table`. Raises ParameterError for constraints of a scene, and what the solvers raise.
    """
    spectra = sample.spectra.astype(np.float64)
    kind = options.kind
    if kind == "auto":
        kind = "scene" if len(sample.pairs) and not asked.any() and _is_scene(sample, options) else "table"
    if kind == "scene" and asked.any():
        raise ParameterError("closure, unimodal, known, loss, … are constraints of a table. Try kind='table'.")
    if kind == "scene" and options.instrument != PERFECT:
        raise ParameterError("baseline, msc, align and noise are of a table. Try kind='table', or --step.")
    even = evening(spectra, sample.noise)
    if kind == "scene":
        return _scene(holes_filled(spectra) if asked.missing else spectra, options, even)
    signed = is_signed(spectra) if options.signed == "auto" else options.signed
    about: dict[str, Any] = {}
    if options.instrument != PERFECT:
        before = corrected(spectra, options.number, options.instrument)
        spectra, about, options = before.table, before.about, options._replace(number=before.number)
    plain = not (about or asked.any() or np.isnan(spectra).any())
    counted = evening_counts(spectra) if even is None and plain else None
    if counted is not None and options.despike == "auto":  # a single photon where few are is no spike
        options = options._replace(despike=False)
    found = _found(spectra, sample, asked, options._replace(signed=signed), even or counted)
    if counted is not None:  # no variance was used
        found = found._replace(info={name: value for name, value in found.info.items() if name != "noise_for"})
    if not about:
        return found
    said = sentence_beside(len(found.components), found.info["explained"], about["instrument"])
    return found._replace(info=found.info | about | {"sentence": said})


def _is_scene(sample: Sample, options: Options) -> bool:
    """Whether an image is one of few materials: a large one is; a small one where neighbours are alike, if nothing was asked
    that is of tables alone.

    As a table, small images of 2 to 6 materials had 7 to 23 components, as scenes 2 to 6 (`docs/notes/mcr.md`).
    """
    if len(sample.spectra) > FEW:
        return True
    signed = is_signed(sample.spectra.astype(np.float64)) if options.signed == "auto" else options.signed
    return not signed and options.instrument == PERFECT and neighbours_alike(sample, options.seed)


def _found(spectra: np.ndarray, sample: Sample, asked: Constraints, options: Options, even: Even | None) -> Unmixed:
    """The components of a table from which errors were taken off."""
    if asked.any() or np.isnan(spectra).any():
        how = How(sample.runs, even, bool(options.signed), options.seed)
        return constrained_table(spectra, options.number, asked, how)
    return _table(spectra, options, even)


def _scene(spectra: np.ndarray, options: Options, even: Even | None) -> Unmixed:
    spectra = spectra if even is None else spectra * even.channel
    view = "unit" if options.normalise == "even" else options.normalise
    scales: dict[str, Literal["auto", "even", "unit"]] = {"even": "even", "unit": "unit"}
    scale = scales.get(options.normalise, "auto")
    found = scene_components(spectra, options.number, normalise=view, scale=scale, seed=options.seed)
    info = {
        "kind": "scene",
        "constrained": False,
        "sentence": found.sentence,
        "normalisation": found.normalisation,
        "areas": found.areas,
        "noise": [0.0, 0.0, 1.0],
        "explained": 1 - found.unexplained,
        "evidence": found.evidence,
    }
    said = uncertain_words(found.evidence["apart"])
    if found.normalisation == "unit" and not found.areas:
        said += bright_words(spectra, found.components)
    if even is None:
        return Unmixed(found.components, info, said, {})
    components = found.components / even.channel
    if found.normalisation == "unit" and not found.areas:
        components /= np.linalg.norm(components, axis=1, keepdims=True)
    return Unmixed(components, info | {"noise_for": USED_FOR}, said, {"channel_weight": even.channel})


def _table(spectra: np.ndarray, options: Options, even: Even | None) -> Unmixed:
    signed, number = bool(options.signed), options.number
    number = None if number is None else min(number, *spectra.shape)
    positive = spectra if signed else np.where(spectra.max(1, keepdims=True) > 0, spectra, 0.0)
    held = np.asarray(positive.any(1))
    lit = positive[held]
    even = None if even is None else even._replace(row=even.row[held])
    even = even if even is not None and evens(lit, even) else None
    lit = lit if even is None else lit * even.channel
    by_row = lit if even is None else lit * even.row[:, None]
    found, spikes, said = _factorised(by_row, number, options)
    found, apart = (found, None) if spikes else settled(by_row, found, signed=signed)
    if apart is not None and even is not None and found.n:  # as they will be ordered
        apart = [apart[i] for i in order_back(found, even)]
    arrays = {} if even is None else {"channel_weight": even.channel}
    evidence = {
        "edge": found.n_edge,
        "confirmed": found.n_confirmed,
        "r2": found.r2,
        "r2_expected": found.r2_expected,
        "spikes": spikes,
        "estimates": count_components(by_row).estimates,
    } | ({} if apart is None else {"apart": apart})
    info = {
        "kind": "table",
        "constrained": False,
        "sentence": table_sentence(found, options.number),
        "normalisation": "raw",
        "noise": _noise_law(lit, found if even is None else replace(found, noise=found.noise / even.row)),
        "explained": found.r2,
        "evidence": evidence,
    } | ({} if even is None else {"noise_for": USED_FOR})
    doubt = doubted(by_row, found) if number is None and not spikes else {}
    info |= doubt
    told = doubt or (options.instrument != PERFECT and found.knee is None)  # the edge alone knows no errors
    said += [sentence for sentence in found.warnings if not told or sentence not in found.doubts]
    said += ([doubt["sentence"]] if doubt else []) + apart_words(apart)
    if found.n:
        found = found if even is None else turned_back(found, even)
        arrays |= kept_for_errors(found, None if even is None else even.channel)
        said += alike_sentences(found.components, found.errors, *options.axis) if options.axis else []
        return Unmixed(found.components, info, said, arrays)
    said.append("No component stands above the noise; the mean spectrum is given as the only one.")
    mean = positive[held].mean(0, keepdims=True)
    return Unmixed(mean / max(float(np.linalg.norm(mean)), 1e-300), info | {"noise": [0.0, 0.0, 1.0]}, said, {})


def _factorised(lit: np.ndarray, number: int | None, options: Options) -> tuple[Factors, float, list[str]]:
    """The factorisation of spectra that are not zero, without spikes if these are many; their share, and a sentence."""
    signed, seed = bool(options.signed), options.seed
    found = factorise(lit, number, signed=signed, seed=seed)
    if not (options.despike is True or (options.despike == "auto" and has_spikes(lit, found))):
        return found, 0.0, []
    found, mask, far = despiked(lit, found, number, signed=signed, seed=seed)
    share = float(mask.mean())
    if far > MOST:
        return (
            found,
            share,
            [f"{far:.0%} of the values lie far from the fit, which is too many for spikes: none was left out."],
        )
    return found, share, [f"{share:.2%} of the values are spikes and were left out. despike=False keeps them."]


def _noise_law(lit: np.ndarray, found: Factors) -> list[float]:
    """[level, power, hottest]: the noise of a spectrum x is level |x|**power, the strongest stands `hottest` times above it."""
    norm = np.linalg.norm(lit, axis=1)
    power = 0.5 if np.isnan(found.weights.p) else float(found.weights.p)
    level = float(np.nanmedian(found.noise / norm**power))
    strongest = float((norm / np.maximum(found.noise, 1e-300)).max())
    return [level, power, max(1.0, strongest / np.sqrt(63 * lit.shape[1]))]
