"""Mixed pixels of a border in a merge tree: parts made of them go to the material that they hold more of."""

from __future__ import annotations

import numpy as np

from spaxel.linear.silhouettes import distances
from spaxel.methods.centers.linkage import Linkage, Parts, by_centroid
from spaxel.results.trees import border_tree, contact_tree, leaves_of, regraft, tree_through

RARE = 1e-3  # of the sample: smaller parts join the nearest larger one before the tree is built

THIN = 0.5  # share of a part's contacts that lie inside it, below which it has no interior: that of a line of single pixels
TOUCH = 0.1  # least share of its other contacts that a border has on either side
ENCLOSED = 0.5  # share of the outline of a half that one part makes up, from which it encloses it
MORE = 2.0  # so many times as much contact with a half for its size as with the other one
MIX = 0.25  # least share of either material in a part that is about half of each
LIGHT = 1.5  # the shares of a mix add up to 1 within this factor, else it is a shade or a highlight


def linkage_of(name: str, contact: np.ndarray, spectra: np.ndarray | None, rare: float = RARE) -> Linkage:
    """How micro-clusters are merged: "border", "contact" or "centroid", and mixed parts of a border given to one side.

    contact : (m, m) counts of neighbouring pixels      spectra : (n, channel) of the sample, not scaled; None: nothing is moved
    """

    def build(parts: Parts) -> np.ndarray:
        tree = by_centroid(parts) if name == "centroid" else _through_large(parts, contact, name, rare)
        if spectra is None:
            return tree
        means = np.stack([spectra[parts.micro == i].sum(0, dtype=np.float64) for i in range(len(parts.centers))])
        return divide_borders(tree, means / np.maximum(parts.sizes, 1)[:, None], parts.sizes, contact)

    return Linkage(build, rare=name == "border")


def _through_large(parts: Parts, contact: np.ndarray, name: str, rare: float) -> np.ndarray:
    """A tree by contact or border; parts with a smaller share than `rare` first join the nearest larger one."""
    centers, sizes = parts.centers, parts.sizes
    large = np.flatnonzero(sizes >= rare * sizes.sum())
    if 1 < len(large) < len(centers):
        owner = distances(centers, centers[large]).argmin(1)
        return tree_through(centers, sizes, owner, contact, name == "border")
    return (contact_tree if name == "contact" else border_tree)(centers, sizes, contact)


def divide_borders(tree: np.ndarray, spectra: np.ndarray, sizes: np.ndarray, contact: np.ndarray) -> np.ndarray:
    """A tree in which every split gives thin mixed parts to the half that they hold more of.

    tree    : (m - 1, 4), see spaxel.results.trees      spectra : (m, channel) means of the parts, not scaled, linear in light
    sizes   : (m,)      contact : (m, m) counts of neighbouring pixels, one in either part

    s_i = a m_own + b m_other + r by least squares, m the mean spectra of the two halves of a split. Part i moves if it is
    mixed in spectra (a + b near 1), a border in the image (no interior, contacts with both), and clearly more of the other:
    b - a > |r| / |m_own - m_other|. It also moves if it is about half of each (a - b within that, both above a quarter) and
    encloses the other half: the rim of a spot belongs to the spot. It joins the part there whose spectrum is nearest. Coarse
    splits are looked at first.

    Why: the directions of spectra that a tree is made of put a mix of a dark and a bright material beside the bright one even
    where it holds a fifth of it. Spectra as they are add up by area.
    Fails, in the sense of moving nothing: where light differs much along a border, where one side is black, since a mix with
    black is also a shade, and where a material differs as much in itself as from the other.
    """
    for level in range(2, len(sizes)):
        if onto := _misplaced(tree, level, spectra, sizes, contact + contact.T):
            tree = regraft(tree, onto)
    return tree


def _misplaced(
    tree: np.ndarray, level: int, spectra: np.ndarray, sizes: np.ndarray, links: np.ndarray
) -> dict[int, int]:
    """The parts that move when a level comes about, each with the part that it joins."""
    halves, mass = leaves_of(tree)[tree[1 - level, :2].astype(int)], np.maximum(sizes, 1e-9)
    materials = (halves * mass) @ spectra / (halves @ mass)[:, None]
    shares = np.linalg.lstsq(materials.T, spectra.T, rcond=None)[0]
    left_over = np.linalg.norm(spectra - shares.T @ materials, axis=1)
    apart = np.linalg.norm(materials[0] - materials[1])
    clear = left_over < apart * np.abs(shares[0] - shares[1])
    inside, outside = np.diagonal(links), links.sum(1) - np.diagonal(links)
    touch = halves @ (links - np.diag(inside))
    mixed = (shares.sum(0) > 1 / LIGHT) & (shares.sum(0) < LIGHT) & (touch.min(0) >= TOUCH * outside) & (outside > 0)
    thin, even = inside < THIN * (inside + outside), ~clear & (shares.min(0) > MIX)
    goes = []
    for own in (0, 1):
        more = clear & thin & (shares[1 - own] > shares[own])
        goes.append(halves[own] & mixed & (more | (even & _enclosing(touch, outside, mass, halves, own))))
    onto = {}
    for own in (0, 1):
        stays = np.flatnonzero(halves[1 - own] & ~goes[1 - own])
        for part in np.flatnonzero(goes[own]) if len(stays) else ():
            onto[int(part)] = int(stays[np.linalg.norm(spectra[stays] - spectra[part], axis=1).argmin()])
    return onto


def _enclosing(touch: np.ndarray, outside: np.ndarray, mass: np.ndarray, halves: np.ndarray, own: int) -> np.ndarray:
    """Which parts of a half make up most of the outline of the other one, which has more contact with them for its size.

    touch : (2, m) contacts of each part with each half      outside : (m,) its contacts with other parts      mass : (m,)
    """
    here, there = halves[own], halves[1 - own]
    outline, rest = (outside - touch[1 - own])[there].sum(), np.maximum(mass[here].sum() - mass, 1e-9)
    return (touch[1 - own] > ENCLOSED * outline) & (touch[1 - own] * rest > MORE * touch[own] * mass[there].sum())
