"""Trees of merges over micro-clusters, on plain arrays.

A tree is a table (n_micro - 1, 4) like scipy.cluster.hierarchy.linkage: left, right, height, number of micro-clusters. Rows are
merges in order, so that level K is what stands after the first n_micro - K merges, and levels are nested.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def merge_tree(distances: np.ndarray, sizes: np.ndarray, update) -> np.ndarray:
    """Agglomerate micro-clusters pair by pair, nearest first.

    distances : (m, m) symmetric, the diagonal is ignored      sizes : (m,)
    update    : (i, j) -> (m,) distances of the part that i and j became (it takes the place of i) to all places
    returns   : (m - 1, 4) tree
    """
    m = len(sizes)
    distances = distances.astype(np.float64).copy()
    np.fill_diagonal(distances, np.inf)
    name, parts = np.arange(m), np.ones(m)
    tree = np.zeros((m - 1, 4))
    for step in range(m - 1):
        i, j = sorted(np.unravel_index(np.argmin(distances), distances.shape))
        tree[step] = (name[i], name[j], distances[i, j], parts[i] + parts[j])
        name[i], parts[i] = m + step, parts[i] + parts[j]
        dead = ~np.isfinite(distances).any(1)
        row = update(i, j)
        row[dead] = np.inf
        distances[i, :] = distances[:, i] = row
        distances[j, :] = distances[:, j] = np.inf
        distances[i, i] = np.inf
    tree[:, 2] = np.maximum.accumulate(tree[:, 2])
    return tree


def centroid_tree(centers: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Merge the two parts whose centres are nearest; a merged part lies at the weighted mean.

    centers : (m, d)      sizes : (m,)      height : distance of the centres, times (2 n_a n_b / (n_a + n_b) / n)^(1/4),
    between plain centroid linkage (which keeps every outlier) and Ward's (which swallows rare parts first).
    """
    centers, sizes = centers.astype(np.float64).copy(), sizes.astype(np.float64).copy()
    total = sizes.sum()

    def distance(i: int) -> np.ndarray:
        weight = 2 * sizes[i] * sizes / (sizes[i] + sizes) / total
        return np.linalg.norm(centers - centers[i], axis=1) * weight**0.25

    def update(i: int, j: int) -> np.ndarray:
        centers[i] = (sizes[i] * centers[i] + sizes[j] * centers[j]) / (sizes[i] + sizes[j])
        sizes[i] += sizes[j]
        return distance(i)

    return merge_tree(np.stack([distance(i) for i in range(len(sizes))]), sizes, update)


def contact_tree(
    centers: np.ndarray, sizes: np.ndarray, contact: np.ndarray, among: np.ndarray | None = None
) -> np.ndarray:
    """Merge by spectra and contact in the image: what lies between two others merges first, rare distinct parts last.

    centers : (m, d)      sizes : (m,)      contact : (m, m) counts of neighbouring pixels, one in either part
    among   : (n,) the parts that are merged, in the order in which the tree numbers them; the others are only neighbours

    height : distance of the centres, times (2 n_a n_b / (n_a + n_b) / n)^(1/8), times 1 - 0.95 max(b_aj, b_ja)
    b_aj   : how far a lies between j and others: q_aj / max_j q_aj · min(1, 2 Σ_j q_aj), q_aj = p_aj Σ_k p_ak w_jk, p_aj the
             share of a's neighbours in other parts that are in j, and w_jk from 0 to 1 as the angle at a between the centres
             of j and k goes from 134 to 180 degrees. It is near 1 for the mixed pixels of a border and the materials on its
             sides, which lie on either side in the image and in spectra, and 0 for a spot in one material
    With less weight of size than `centroid_tree` a rare part stays; mixed and noisy parts, which that alone would keep too,
    merge by their betweenness. Without contact it is a centroid tree of exponent 1/8.
    """
    centers, sizes, contact = (values.astype(np.float64).copy() for values in (centers, sizes, contact))
    contact = contact + contact.T
    np.fill_diagonal(contact, 0)
    among = np.arange(len(sizes)) if among is None else among
    total, between = sizes[among].sum(), np.array([_between(centers, contact, i) for i in range(len(sizes))])

    def distance(i: int) -> np.ndarray:
        mine, others = among[i], sizes[among]
        weight = 2 * sizes[mine] * others / (sizes[mine] + others) / total
        far = np.linalg.norm(centers[among] - centers[mine], axis=1) * weight**0.125
        return far * (1 - 0.95 * np.maximum(between[mine, among], between[among, mine]))

    def update(i: int, j: int) -> np.ndarray:
        a, b = among[i], among[j]
        centers[a] = (sizes[a] * centers[a] + sizes[b] * centers[b]) / (sizes[a] + sizes[b])
        sizes[a] += sizes[b]
        contact[a] += contact[b]
        contact[b], contact[:, a], contact[:, b] = 0, contact[a], 0
        contact[a, a] = 0
        between[:, a] = np.maximum(between[:, a], between[:, b])
        between[a] = _between(centers, contact, a)
        return distance(i)

    return merge_tree(np.stack([distance(i) for i in range(len(among))]), sizes[among], update)


def _between(centers: np.ndarray, contact: np.ndarray, a: int) -> np.ndarray:
    """b_aj of contact_tree: how far part a lies between each part j and others, (m,)."""
    near = np.flatnonzero(contact[a])
    share = contact[a, near] / max(contact[a].sum(), 1)
    away = centers[near] - centers[a]
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-300)
    opposite = np.clip((-(away @ away.T) - 0.7) / 0.3, 0, 1)
    found, sides = np.zeros(len(centers)), share * (opposite @ share)
    found[near] = min(1.0, 2 * sides.sum()) * sides / max(sides.max(initial=0), 1e-300)
    return found


def tree_through(
    centers: np.ndarray, sizes: np.ndarray, component: np.ndarray, contact: np.ndarray | None = None,
    border: bool = False,
) -> np.ndarray:  # fmt: skip
    """A tree one level of which is a given grouping: first merges inside its components, then of components.

    centers : (m, d)      sizes : (m,)      component : (m,) int 0..k-1, none empty      returns : (m - 1, 4)
    contact : (m, m), then both halves are contact trees, else centroid trees      border : the upper half is a border tree
    """
    m, groups = len(sizes), [np.flatnonzero(component == k) for k in range(component.max() + 1)]
    middles = np.stack([np.average(centers[g], axis=0, weights=np.maximum(sizes[g], 1e-9)) for g in groups])
    totals = np.array([sizes[g].sum() for g in groups])
    if contact is None:
        inside = [(g, row) for g in groups for row in centroid_tree(centers[g], sizes[g])]
        above = centroid_tree(middles, totals)
    else:
        member = (component == np.arange(len(groups))[:, None]).astype(np.float64)
        inside = [(g, row) for g in groups for row in contact_tree(centers, sizes, contact, g)]
        above = (border_tree if border else contact_tree)(middles, totals, member @ contact @ member.T)
    tree, whole = np.zeros((m - 1, 4)), np.arange(m)  # whole: the node that a micro-cluster belongs to so far
    parts = {id(g): [np.array([i]) for i in g] for g in groups}
    for step, (g, row) in enumerate(sorted(inside, key=lambda pair: pair[1][2])):
        members = parts[id(g)]
        left, right = (members[int(node)] for node in row[:2])
        tree[step] = (whole[left[0]], whole[right[0]], row[2], len(left) + len(right))
        members.append(np.concatenate([left, right]))
        whole[members[-1]] = m + step
    joined = list(groups)
    for step, row in enumerate(above, len(inside)):
        left, right = (joined[int(node)] for node in row[:2])
        tree[step] = (whole[left[0]], whole[right[0]], row[2], len(left) + len(right))
        joined.append(np.concatenate([left, right]))
        whole[joined[-1]] = m + step
    tree[:, 2] = np.maximum.accumulate(tree[:, 2])
    return tree


def border_tree(centers: np.ndarray, sizes: np.ndarray, contact: np.ndarray) -> np.ndarray:
    """Merge parts that share most of their border first, and of these the ones with the most alike spectra.

    centers : (m, d)      sizes : (m,)      contact : (m, m) counts of neighbouring pixels, one in either part
    height  : |c_a - c_b|^0.3 · log(1 + min(q_a, q_b) / (q_ab + 1/2))^0.7 · (2 n_a n_b / (n_a + n_b) / n)^(1/20)
    q_ab the contacts of a and b, q_a all of a, those inside it too: parts that pass into one another, as light changes over one
    material, have more border for their area than a spot and what it lies in. Exponents were chosen on simulated leaves
    (runs 1 and 2 of benchmarks/leaf.py). Fails where parts are noisy, since these touch everything; a border that mixes a dark
    and a bright material joins the bright one if centres are directions, see spaxel.methods.dgc.borders.
    """
    links, centers, sizes = (
        contact.astype(np.float64),
        centers.astype(np.float64).copy(),
        sizes.astype(np.float64).copy(),
    )
    links = links + links.T
    inside, total = links.sum(1) + 1, sizes.sum()
    np.fill_diagonal(links, 0)

    def distance(i: int) -> np.ndarray:
        apart = np.linalg.norm(centers - centers[i], axis=1)
        free = np.log1p(np.minimum(inside, inside[i]) / (links[i] + 0.5))
        weight = 2 * sizes[i] * sizes / (sizes[i] + sizes) / total
        return apart**0.3 * free**0.7 * weight**0.05

    def update(i: int, j: int) -> np.ndarray:
        centers[i] = (sizes[i] * centers[i] + sizes[j] * centers[j]) / (sizes[i] + sizes[j])
        inside[i] += inside[j]
        sizes[i] += sizes[j]
        links[i] += links[j]
        links[:, i] = links[i]
        links[i, i] = 0
        return distance(i)

    return merge_tree(np.stack([distance(i) for i in range(len(sizes))]), sizes, update)


def connectivity_tree(links: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Merge the two parts that share most nearest-neighbour links, relative to what their sizes would let expect.

    links  : (m, m) counts of points of one part whose nearest neighbours lie in the other
    height : -log(links_ab / sqrt(n_a n_b)), shifted to start at 0
    """
    links = (links + links.T).astype(np.float64)
    np.fill_diagonal(links, 0)
    sizes = sizes.astype(np.float64).copy()

    def distance(i: int) -> np.ndarray:
        return -np.log((links[i] + 1e-3) / (sizes[i] * sizes))

    def update(i: int, j: int) -> np.ndarray:
        links[i] += links[j]
        links[:, i] = links[i]
        sizes[i] += sizes[j]
        links[i, i] = 0
        return distance(i)

    tree = merge_tree(np.stack([distance(i) for i in range(len(sizes))]), sizes, update)
    tree[:, 2] -= tree[0, 2] if len(tree) else 0.0
    return tree


def leaves_of(tree: np.ndarray) -> np.ndarray:
    """Which micro-clusters each node of a tree holds, (2 n_micro - 1, n_micro) bool: the parts themselves, then the merges."""
    held = list(np.eye(len(tree) + 1, dtype=bool))
    for left, right in tree[:, :2].astype(int):
        held.append(held[left] | held[right])
    return np.stack(held)


def regraft(tree: np.ndarray, onto: Mapping[int, int]) -> np.ndarray:
    """The tree with some micro-clusters moved; all other merges stay as they are, in their order.

    onto : {part: the part that it joins instead, first of all and at height 0}, none of these moved itself
    A level at which a moved part was not a component of its own keeps its components, but for the part that moved.
    """
    m, stays = len(tree) + 1, ~np.isin(np.arange(len(tree) + 1), list(onto))
    merges = [(part, other, 0.0) for part, other in onto.items()]
    held = leaves_of(tree) & stays
    for left, right, height in zip(*tree[:, :2].T.astype(int), tree[:, 2], strict=True):
        if held[left].any() and held[right].any():
            merges.append((held[left].argmax(), held[right].argmax(), height))
    moved, whole = np.zeros((m - 1, 4)), np.arange(m)  # whole: the node that a micro-cluster belongs to so far
    for step, (left, right, height) in enumerate(merges):
        both = (whole == whole[left]) | (whole == whole[right])
        moved[step] = (whole[left], whole[right], height, both.sum())
        whole[both] = m + step
    return moved


def cut_tree(tree: np.ndarray, level: int) -> np.ndarray:
    """Which component each micro-cluster belongs to when the tree has `level` components: (n_micro,) int, any order."""
    n_micro = len(tree) + 1
    owner = np.arange(n_micro)
    for step in range(n_micro - level):
        left, right = tree[step, :2]
        owner[(owner == left) | (owner == right)] = n_micro + step
    return np.unique(owner, return_inverse=True)[1]
