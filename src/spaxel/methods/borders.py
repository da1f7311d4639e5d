"""Mixed pixels of a border in a merge tree: parts made of them go to the material that they hold more of."""

from __future__ import annotations

import numpy as np

from spaxel.trees import leaves_of, regraft

THIN = 0.5  # share of a part's contacts that lie inside it, below which it has no interior: that of a line of single pixels
TOUCH = 0.1  # least share of its other contacts that a border has on either side
LIGHT = 1.5  # the shares of a mix add up to 1 within this factor, else it is a shade or a highlight


def divide_borders(tree: np.ndarray, spectra: np.ndarray, sizes: np.ndarray, contact: np.ndarray) -> np.ndarray:
    """A tree in which every split gives thin mixed parts to the half that they hold more of.

    tree    : (m - 1, 4), see spaxel.trees      spectra : (m, channel) means of the parts, not scaled, linear in light
    sizes   : (m,)      contact : (m, m) counts of neighbouring pixels, one in either part

    s_i = a m_own + b m_other + r by least squares, m the mean spectra of the two halves of a split. Part i moves if it is
    mixed in spectra (a + b near 1), a border in the image (no interior, contacts with both), and clearly more of the other:
    b - a > |r| / |m_own - m_other|. It joins the part there whose spectrum is nearest. Coarse splits are looked at first.

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
    inside = np.diagonal(links)
    outside = links.sum(1) - inside
    touch = halves @ (links - np.diag(inside)) / np.maximum(outside, 1)
    mixed = (shares.sum(0) > 1 / LIGHT) & (shares.sum(0) < LIGHT)
    mixed &= (inside < THIN * (inside + outside)) & (touch.min(0) >= TOUCH)
    goes = [halves[own] & mixed & ((shares[1 - own] - shares[own]) * apart > left_over) for own in (0, 1)]
    onto = {}
    for own in (0, 1):
        stays = np.flatnonzero(halves[1 - own] & ~goes[1 - own])
        for part in np.flatnonzero(goes[own]) if len(stays) else ():
            onto[int(part)] = int(stays[np.linalg.norm(spectra[stays] - spectra[part], axis=1).argmin()])
    return onto
