"""How far parts keep their component where another number is right: a fit that looked for the number has maps of the others.

Four components are seldom five of which two were joined. What another number would give to another component is as doubtful
as the number is.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from spaxel.methods.centers.linkage import Parts
from spaxel.methods.centers.number import Number
from spaxel.methods.centers.own_levels import Labelings

FEW = 2  # spectra by which a part is pulled towards the mean of its component


def kept_share(parts: Parts, component: np.ndarray, labelings: Labelings, number: Number | None) -> np.ndarray | None:
    """How probable it is that the right number leaves each part in its component, (m,); None where that is not known.

    component : (m,) of the result      labelings : at other numbers, see `level_table`      number : how probable each is
    Equation: s_a = Σ_k P(k) h_a(k), h_a(k) the share of spectra of part a whose label, in the map of k components, is the one
    matched with the component of the part: one to one, so that most spectra agree. h is 1 at the number of the result; at 1
    it is 1 for the largest component and 0 for the others. A number without a map lends P(k) to the nearest that has one.
    """
    own = int(component.max()) + 1
    if not labelings or number is None or own == 1:
        return None
    largest = np.bincount(component, weights=parts.sizes).argmax()
    shares = {1: (component == largest).astype(float), own: np.ones(len(component))}
    shares |= {k: matched(parts.micro[rows], component, labels) for k, (rows, labels) in labelings.items() if k != own}
    several = np.array(sorted(shares.keys() - {1}))
    total = number.of(1) * shares[1]
    for k, probable in enumerate(number.probability[1:], 2):
        total = total + probable * shares[int(several[np.abs(several - k).argmin()])]
    return np.asarray(total)


def matched(place: np.ndarray, component: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The share of spectra of each part (m,) whose label is matched with its component. place, labels : (n,) part and label"""
    m, k, own = len(component), int(component.max()) + 1, component[place]
    table = np.zeros((k, int(labels.max()) + 1))
    np.add.at(table, (own, labels), 1)
    of = np.full(table.shape[1], -1)
    rows, columns = linear_sum_assignment(-table)
    of[columns] = rows
    right = (of[labels] == own).astype(float)
    mean = np.bincount(own, right, k) / np.maximum(np.bincount(own, minlength=k), 1)
    return np.asarray((np.bincount(place, right, m) + FEW * mean[component]) / (np.bincount(place, minlength=m) + FEW))
