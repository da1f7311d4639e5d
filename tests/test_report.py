"""The report: whole in one file, safe with any text, in words where there is nothing to draw."""

import re

import numpy as np
import pytest
import xarray as xr

import spaxel.report
from spaxel.errors import CubeError, Exists
from spaxel.report import render

EVIL = "<script>alert(1)</script>&\"'$$x^2$$</script>"


def make_scene(labels, axis, units, *, levels=(), counts=100.0, seed=0, **attrs):
    """A full result for a label map: smooth spectra of its own for each component, confidence, picture, tree."""
    rng = np.random.default_rng(seed)
    n = int(labels.max()) + 1
    sizes = np.bincount(labels[labels >= 0], minlength=n)
    place = np.linspace(0, 1, len(axis))
    centers, widths = rng.uniform(0, 1, (n, 6)), rng.uniform(0.004, 0.03, (n, 6))
    peaks = np.exp(-(((place[None, None] - centers[..., None]) / widths[..., None]) ** 2) / 2)
    spectra = counts * ((peaks * rng.uniform(0.1, 1, (n, 6, 1))).sum(1) + 0.05)
    confidence = np.where(labels < 0, np.nan, rng.beta(5, 2, labels.shape)).astype(np.float32)
    rgb = rng.integers(40, 220, (n + 1, 3))[labels] + rng.normal(0, 12, (*labels.shape, 3))
    data = {
        "labels": (("y", "x"), labels.astype(np.int32)),
        "confidence": (("y", "x"), confidence),
        "component_spectra": (("component", "channel"), spectra),
        "component_spread": (("component", "channel"), np.sqrt(spectra)),
        "component_size": ("component", sizes),
        "component_color": ("component", np.arange(n)),
        "picture": (("y", "x", "rgb"), np.clip(rgb, 0, 255).astype(np.uint8), {"caption": f"red 6.4, green 8.0 {units}"}),
    }
    coords = {"channel": ("channel", axis, {"units": units, "long_name": attrs.pop("long_name", "energy")})}
    if levels:
        data |= make_tree(labels, spectra, sizes, levels, rng)
        coords |= {"level": np.asarray(levels), "criterion": ["gap", "silhouette", "broken stick"]}
        coords |= {"scaling": ["counts", "unit"]}
    settings = {"sentence": "Three criteria agree.", "n_components": n, "history": ["cropped to 1.5-18 keV"]}
    return xr.Dataset(data, coords, attrs=settings | {"source": "/data/scan_7.h5", "guesses": [], "origin": "upper"} | attrs)


def make_tree(labels, spectra, sizes, levels, rng):
    """Two micro parts for each component, a tree over them, evidence."""
    n = len(sizes)
    half = (np.arange(labels.shape[1])[None] * 5 // labels.shape[1] % 2) + 0 * labels
    micro = np.where(labels < 0, -1, labels * 2 + half).astype(np.int32)
    m, tree, name = 2 * n, [], list(range(2 * n))
    parts = dict.fromkeys(range(m), 1)
    order = [(2 * i, 2 * i + 1) for i in range(n)]
    for step in range(m - 1):
        a, b = order[step] if step < n else (name[0], name[1])
        name = [x for x in name if x not in (a, b)] + [m + step]
        parts[m + step] = parts[a] + parts[b]
        tree.append((a, b, float(step), parts[m + step]))
    curves = rng.normal(0, 0.05, (3, len(levels))) - 0.02 * np.abs(np.asarray(levels) - n)
    votes = {"gap": n, "silhouette": n, "broken stick": levels[0]}
    return {
        "micro_labels": (("y", "x"), micro),
        "micro_spectra": (("micro", "channel"), np.repeat(spectra, 2, 0)),
        "micro_spread": (("micro", "channel"), np.sqrt(np.repeat(spectra, 2, 0))),
        "micro_size": ("micro", np.bincount(micro[micro >= 0], minlength=m)),
        "merge_tree": (("merge", "node"), np.array(tree)),
        "evidence": (("criterion", "level"), curves, {"votes": votes, "sentence": "Two of three criteria vote for it."}),
        "scaling_score": ("scaling", np.array([0.41, 0.32]), {"sentence": "Counts separate the parts better."}),
    }


def blobs(height, width, n, seed=0, no_data=False):
    """A label map of n regions around random seeds."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    seeds = rng.uniform(0, 1, (n * 3, 2)) * (height, width)
    labels = np.zeros((height, width), int)
    best = np.full((height, width), np.inf)
    for i, (a, b) in enumerate(seeds):
        far = (y - a) ** 2 + (x - b) ** 2
        labels, best = np.where(far < best, i % n, labels), np.minimum(far, best)
    order = np.argsort(-np.bincount(labels.ravel(), minlength=n), kind="stable")
    labels = np.argsort(order)[labels].astype(np.int32)
    if no_data:
        labels[(y - height) ** 2 + x**2 < (0.3 * min(height, width)) ** 2] = -1
    return labels


RUN = {
    "name": "altar, left wing",
    "method": "k-means",
    "parameters": {"n_clusters": "auto", "scaling": "counts"},
    "seed": 7,
    "command": "spaxel segment altar.h5 --method kmeans -o runs/altar",
    "versions": {"python": "3.12.1", "numpy": "2.1.0"},
    "created": "2026-11-21T05:00:00Z",
    "seconds": {"fit": 3.21, "predict": 1.0},
    "peak_memory_bytes": 412 * 2**20,
    "input": {"path": "altar.h5", "sha256": "ab12", "shape": [95, 95, 220], "dtype": "uint16", "bytes": 3971000},
    "spaxel_version": "0.1.0",
    "score": {"adjusted_rand": 0.87123, "n_components": {"found": 4, "true": 4}},
    "notes": ["The fit converged after 12 rounds."],
}


def scenes():
    """What the page is tried on: name -> (result, run)."""
    keV, nm = np.linspace(0.1, 20.5, 2048), np.linspace(400, 2500, 220)
    table_labels = (np.arange(21) * 3 // 21)[:, None]
    long = make_scene(blobs(40, 60, 6, 3), nm, "nm", long_name="wavelength", source="/a/" + "very_long_name_" * 12 + ".hdr")
    names = [f"iron oxide with a remarkably long description number {i} {EVIL}" for i in range(6)]
    return {
        "four": (make_scene(blobs(95, 95, 4, 1, True), nm, "nm", long_name="wavelength", levels=range(2, 9)), RUN),
        "counts": (make_scene(blobs(64, 64, 5, 2), keV, "keV", counts=0.02, levels=range(2, 10)), {}),
        "large": (make_scene(blobs(1000, 1000, 24, 4), keV, "keV", origin="lower", levels=range(2, 33)), RUN),
        "one": (make_scene(blobs(30, 50, 1), nm, "nm", long_name="wavelength"), RUN),
        "table": (make_scene(table_labels, np.linspace(200.0, 3400, 1000), "1/cm", long_name="wavenumber"), {}),
        "strip": (make_scene(np.repeat(np.arange(4), 100)[:, None], nm, "nm", long_name="wavelength"), {}),
        "long": (long.assign_coords(component=names), {"name": "x" * 300}),
        "wide": (make_scene(blobs(60, 400, 7, 5, True), nm, "nm", long_name="wavelength"), RUN),
        "huge": (make_scene(blobs(2100, 1300, 12, 6, True), nm, "nm", long_name="wavelength"), RUN),
        "empty": (make_scene(blobs(9, 9, 2), nm, "nm").assign(labels=(("y", "x"), np.full((9, 9), -1, np.int32))), {}),
        "bare": (xr.Dataset({"labels": (("y", "x"), blobs(13, 7, 3))}), {}),
    }
