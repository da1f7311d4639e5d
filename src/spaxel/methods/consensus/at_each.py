"""The consensus at other numbers than the one that was found, on part of the sample: for levels that `spaxel cut` goes to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spaxel.linear.silhouettes import distances, silhouettes
from spaxel.methods.centers.groups import Rules
from spaxel.methods.centers.own_levels import Labelings, looked_at
from spaxel.methods.consensus.learning import Seen, places_of, scalings_of, vote_of
from spaxel.methods.consensus.members import Member, members_at_each
from spaxel.methods.consensus.settling import settled
from spaxel.pace import paced
from spaxel.preprocess.choice import Look, candidates

STARTS = 2  # of the places by k-means++, beside the members
COMPARED = 2000  # spectra on which scalings are compared
Voices = dict[str, dict[int, list[Member]]]  # {scaling: {number: members}}


def labelings_at(
    numbers: Sequence[int], seen: dict[str, Seen], copies: dict[str, int], clear: dict[str, list[float]] | None,
    look: Look | None, known: dict[int, str], norm: np.ndarray, odd: np.ndarray, rules: Rules,
) -> Labelings:  # fmt: skip
    """The labels that the consensus would have, told each number. seen : the sample by all scalings that may be asked

    copies : how often members of each count      clear : how clearly they divide, as at the number that was found
    look : if the scaling is chosen at each number; None: it stays the first      known : {number: the scaling chosen there}
    odd : (n,) spectra that hardly any other is like, which are left out: of few spectra, one would always be a component
    """
    rows, seed = looked_at(len(norm), rules.random_state), rules.random_state
    rows = rows[~odd[rows]]
    some = {name: view._replace(z=view.z[rows], around=view.around[rows]) for name, view in seen.items()}
    voices: Voices = {
        name: members_at_each(view.filtered, view.apart, max(numbers, default=1), seed, rows)
        for name, view in paced(list(seen.items()), "labelings")
    }
    numbers = [k for k in numbers if all(k in each for each in voices.values())]
    if not numbers:  # of a few spectra, or of one
        return {}
    chosen = _chosen(numbers, some, voices, look) | known if look else {}
    found = {}
    for k in paced(numbers, "numbers of components"):
        counted = scalings_of(chosen[k], look) if look else copies
        here = {name: some[name] for name in counted if name in some}
        vote = vote_of(here, {name: voices[name][k] for name in here}, counted, norm[rows], seed, clear)
        places = places_of(next(iter(here.values())), vote)
        middles = settled(places, vote.labels, vote.weight, k, STARTS, seed)
        labels = distances(places, middles).argmin(1)
        if len(np.unique(labels)) == k:
            found[k] = rows, labels
    return found


def _chosen(numbers: Sequence[int], seen: dict[str, Seen], voices: Voices, look: Look) -> dict[int, str]:
    """The scaling whose k-means has the highest silhouette at each number, of those `choose_scaling` tries that are there."""
    scores = {}
    for name in candidates(look, sees_noise=True):
        if name in seen:
            view = seen[name]
            labels = [voices[name][k][0].labels(view.filtered)[:COMPARED] for k in numbers]
            found = silhouettes(view.z[:COMPARED], [np.unique(own, return_inverse=True)[1] for own in labels])
            scores[name] = np.where(np.isfinite(found), found, -1.0)
    return {k: max(scores, key=lambda name: scores[name][i]) for i, k in enumerate(numbers)}
