"""From a sample to a consensus: views of it by several scalings, their members, and how these are put together."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from spaxel.cube.sampled_windows import Windows
from spaxel.cube.sampling import Sample
from spaxel.linear.pca import fit_pca
from spaxel.methods.centers.dull import share_by_brightness
from spaxel.methods.centers.groups import Rules
from spaxel.methods.centers.projection import Folded, fold
from spaxel.methods.consensus.clearness import clearness
from spaxel.methods.consensus.members import METRICS, Member, agreement, members_of, metrics_of
from spaxel.methods.consensus.model import CONTEXT, Joint, Model, View, projected
from spaxel.methods.consensus.surroundings import FEWEST, Filter, differences, nearby, wiener, within
from spaxel.methods.consensus.ties import shared, unlike
from spaxel.pace import paced
from spaxel.preprocess.choice import Look
from spaxel.preprocess.scaling import Scaling

TRIED = ("none", "unit", "zscore"), ("counts", "hellinger")  # scalings of members, for values and for photon counts
PLACES = 20  # principal components of the labels of all members, at most
CLEAR = 3.0  # weight of the members' labels beside the scores themselves, which decide where they are divided
DIVIDES = 0.4  # clearness, below which labels are heard less
GAPS = 0.9, 0.95  # clearness, from which on brightness is no fault of labels, and from which on none at all
MOST_VALUES = 8_000_000  # of the scaled sample from which principal components are learned


class Seen(NamedTuple):
    """A sample by one scaling: scores (n, d) of spectra, of their neighbours, of windows; the filter, what varies near by.

    apart : {pixels: differences (m, d) of filtered scores of pixels so far apart}
    """

    folded: Folded
    z: np.ndarray
    around: np.ndarray
    filter: Filter
    apart: dict[int, np.ndarray]

    @property
    def filtered(self) -> np.ndarray:
        """Scores with less noise, (n, d)."""
        return self.filter(self.z, self.around)

    @property
    def metric(self) -> np.ndarray:
        """The first near-by metric, (d, d); none without neighbours."""
        far, floor = METRICS[0]
        if len(self.apart.get(far, ())) < FEWEST:
            return np.eye(self.z.shape[1])
        return nearby(within(self.apart[far]), floor)

    @property
    def near(self) -> np.ndarray:
        """Filtered scores in that metric, (n, d)."""
        return self.filtered @ self.metric


def scalings_of(chosen: str, look: Look) -> dict[str, int]:
    """Scalings of the members and how often each counts, the chosen one first."""
    copies = {chosen: 2}
    for name in (*TRIED[look.counts], "unit_bright"):
        copies[name] = copies.get(name, 0) + 1
    return copies


def seen_by(scaling: Scaling, sample: Sample, own: Sample, windows: Windows, seed: int) -> Seen:
    """A sample by one scaling. sample : with neighbours, or without where there are none"""
    channels = own.spectra.shape[1]
    some = own.spectra[:: max(1, -(-own.spectra.size // MOST_VALUES))]
    features = np.concatenate([scaling(some[i : i + 512]) for i in range(0, len(some), 512)])
    folded = fold(scaling, fit_pca(features, None, seed))
    z = projected(scaling.name, folded, own.spectra)
    none = Seen(folded, z, z, Filter(np.eye(z.shape[1]), np.zeros((z.shape[1],) * 2)), {})
    if sample is own or not len(windows.good):
        return none
    flat = windows.spectra.reshape(-1, 2 * channels)
    inside, beside = (projected(scaling.name, folded, part) for part in (flat[:, :channels], flat[:, channels:]))
    shape = (*windows.good.shape, z.shape[1])
    steps = differences(inside.reshape(shape), windows.good, 1)
    if len(steps) < FEWEST:
        return none
    around = projected(scaling.name, folded, sample.spectra[:, channels:])
    cleaner = wiener(z, around, within(steps))
    filtered = cleaner(inside, beside).reshape(shape)
    apart = {far: differences(filtered, windows.good, far) for far in sorted({far for far, _ in METRICS})}
    return Seen(folded, z, around, cleaner, apart)


class Consensus(NamedTuple):
    """model : of all members      labels, weight : of each member, on the sample      agreement : of each, by scaling.

    spaces : of each scaling, its weight and its scores in the near-by metric, (n, d)
    clear : how clearly each member divides, by scaling; of several optima, the mean by their shares
    """

    model: Model
    labels: list[np.ndarray]
    weight: np.ndarray
    agreement: dict[str, list[float]]
    spaces: list[tuple[float, np.ndarray]]
    clear: dict[str, list[float]]


class Vote(NamedTuple):
    """members : by scaling      labels, weight, mean : of each member, on the sample; mean is its agreement with the others.

    clear : how clearly each divides, by scaling
    tables : what each label of each member adds to a place      offset : what is taken off
    """

    members: dict[str, list[Member]]
    labels: list[np.ndarray]
    weight: np.ndarray
    mean: np.ndarray
    clear: dict[str, list[float]]
    tables: list[np.ndarray]
    offset: np.ndarray


def vote_of(
    seen: dict[str, Seen], members: dict[str, list[Member]], copies: dict[str, int], norm: np.ndarray, seed: int,
    clear: dict[str, list[float]] | None = None,
) -> Vote:  # fmt: skip
    """The weight of each member, by how far they agree, how clearly they divide, how little is brightness.

    norm : (n,) brightness of the spectra      clear : how clearly they divide, where that is known
    """
    counts = np.array([copies[name] * one.share for name, own in members.items() for one in own], float)
    told = {name: [member.labels(seen[name].filtered) for member in own] for name, own in members.items()}
    if clear is None:
        clear = {name: [clearness(seen[name].filtered, each, seed) for each in own] for name, own in told.items()}
    labels = [each for own in told.values() for each in own]
    weight, mean = _weights(labels, counts, np.array([one for name in members for one in clear[name]]), norm, seed)
    tables, offset = _places(labels, [one for own in members.values() for one in own], weight)
    return Vote(members, labels, weight, mean, clear, tables, offset)


def places_of(first: Seen, vote: Vote) -> np.ndarray:
    """Where a sample lies in the consensus, (n, e + d'). first : the sample by the first scaling"""
    place = sum(table[own] for table, own in zip(vote.tables, vote.labels, strict=True)) - vote.offset
    joint = _joint(first, vote.offset)
    return np.concatenate([place, first.z @ joint.own + first.around @ joint.beside - joint.shift], axis=1)


def consensus_of(seen: dict[str, Seen], copies: dict[str, int], norm: np.ndarray, k: int, rules: Rules) -> Consensus:
    """The members of all views at k components, and how they are put together. norm : (n,) brightness of the spectra"""
    n_init, seed = rules.n_init, rules.random_state
    voices = {
        name: members_of(view.filtered, view.apart, k, n_init, seed) for name, view in paced(seen.items(), "labelings")
    }
    told = unlike([one.labels(seen[name].filtered) for name, own in voices.items() for one in own], seed)
    split = {
        name: shared(view.filtered, metrics_of(view.z, view.apart), voices[name], told, seed)
        for name, view in seen.items()
    }
    voices = {name: [one for optima in each for one in optima] for name, each in split.items()}
    vote = vote_of(seen, voices, copies, norm, seed)
    views, at = [], 0
    for name, members in voices.items():
        views.append(_view(members, seen[name].filter, vote.tables[at : at + len(members)]))
        at += len(members)
    first = next(iter(seen.values()))
    context, folded = CONTEXT if first.apart else 0, tuple(view.folded for view in seen.values())
    model = Model(tuple(seen), folded, tuple(views), _joint(first, vote.offset), context)
    agreed, weights = iter(vote.mean.round(3).tolist()), iter(vote.weight.tolist())
    said = {name: [next(agreed) for _ in each] for name, each in voices.items()}
    spaces = [(sum(next(weights) for _ in each), seen[name].near) for name, each in voices.items()]
    clear = {name: _by_member(split[name], each) for name, each in vote.clear.items()}
    return Consensus(model, vote.labels, vote.weight, said, spaces, clear)


def _by_member(split: list[list[Member]], clear: list[float]) -> list[float]:
    """How clearly each member divides, where some have several optima: the mean of these, by their shares."""
    left = iter(clear)
    return [sum(one.share * next(left) for one in optima) for optima in split]


def _weights(
    labels: list[np.ndarray], copies: np.ndarray, clear: np.ndarray, norm: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """(weight (m,), mean agreement (m,)) of members: w = w_agreement (1 - b (1 - h))² min(g / 0.4, 1)².

    clear : (m,) g of `clearness`; h rises from 0 at g = 0.9 to 1 at 0.95
    norm  : (n,) brightness of spectra; b is the share of the labels that it tells
    A member that finds nothing to divide has no vote. Brightness speaks against labels without wide gaps.
    """
    weight, mean = agreement(labels, copies, seed)
    dull = np.array([share_by_brightness(own, norm) for own in labels])
    gaps = np.clip((clear - GAPS[0]) / (GAPS[1] - GAPS[0]), 0, 1)
    heard = weight * np.maximum(0.0, 1 - dull * (1 - gaps)) ** 2 * np.minimum(clear / DIVIDES, 1) ** 2
    return (heard if heard.sum() > 0 else weight), mean


def _places(labels: list[np.ndarray], members: list[Member], weight: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """What each label of each member adds to a place, [(k, e)], and what is taken off, (e,).

    Centred one-hot labels times the root of the member's weight, side by side, on their principal components; divided so that
    two components between which all members tell lie CLEAR √2 apart.
    """
    sizes = [len(member.bias) for member in members]
    root = np.repeat(np.sqrt(weight / weight.sum()), sizes) * CLEAR
    starts = np.append(0, np.cumsum(sizes))
    columns = np.concatenate([np.eye(k)[own] for k, own in zip(sizes, labels, strict=True)], axis=1)
    mean = columns.mean(0)
    centred = (columns - mean) * root
    values, vectors = np.linalg.eigh(centred.T @ centred)
    kept = vectors[:, ::-1][:, : min(PLACES, max(1, int((values > 1e-9 * values[-1]).sum())))]
    kept = kept * np.where(kept[np.abs(kept).argmax(0), np.arange(kept.shape[1])] < 0, -1.0, 1.0)
    basis = root[:, None] * kept
    return [basis[a:b] for a, b in pairwise(starts)], mean @ basis


def _view(members: list[Member], cleaner: Filter, tables: list[np.ndarray]) -> View:
    weight = np.concatenate([member.weight for member in members], axis=1)
    bias = np.concatenate([member.bias for member in members])
    starts = np.append(0, np.cumsum([len(member.bias) for member in members]))
    return View(cleaner.own @ weight, cleaner.beside @ weight, bias, starts, np.concatenate(tables))


def _joint(first: Seen, offset: np.ndarray) -> Joint:
    """The scores of the first view as they are beside the places: in its near-by metric, with variance 1 in all."""
    z, metric = first.filtered, first.metric
    size = np.sqrt(max(float((z @ metric).var(0).sum()), 1e-300))
    metric = metric / size
    return Joint(offset, first.filter.own @ metric, first.filter.beside @ metric, z.mean(0) @ metric)
