"""The published encoder of Deep Global Clustering in NumPy, for maps: embeddings of an image in windows at fixed places.

What the encoder says of a pixel depends on the window that it lies in, so an image is cut into the windows of `covering`: they
have the shape of those in training, and their places follow from the sizes of the image alone. A pixel of two windows gets
what the later one says. So the bits are the same whatever the tiles.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from spaxel.cube.mapping import Arrays
from spaxel.cube.patches import covering
from spaxel.cube.tiles import CELL, Tile

WIDTH = 32  # of an embedding, as published
LAYERS = (3, 2)  # convolutions along the raster and in the image, as published


def embed_windows(scores: np.ndarray, weights: Arrays, around: Tile, image: tuple[int, int]) -> np.ndarray:
    """Embeddings (rows, columns, WIDTH) float32 of a tile; 0 where its windows are not in it as a whole.

    scores : (rows, columns, q) of the tile, 0 without data      around : its place      image : (height, width) of the whole
    weights : as torch names them under spaxel.methods.dgc.published.encoder.PublishedEncoder
    """
    weights = {name: value.astype(np.float64) for name, value in weights.items()}
    found = np.zeros((*scores.shape[:2], WIDTH), np.float32)
    for tile in covering(*image, CELL):
        if tile.y0 < around.y0 or tile.y1 > around.y1 or tile.x0 < around.x0 or tile.x1 > around.x1:
            continue
        place = slice(tile.y0 - around.y0, tile.y1 - around.y0), slice(tile.x0 - around.x0, tile.x1 - around.x0)
        found[place] = embed_window(scores[place], weights)
    return found


def embed_window(scores: np.ndarray, weights: Arrays) -> np.ndarray:
    """Embeddings (h, w, WIDTH) float32 of norm 1, or 0, of scores (h, w, q). Products are float64."""
    height, width, n = scores.shape
    x = scores.reshape(-1, n).astype(np.float64)
    for i in range(LAYERS[0]):
        kernel = weights[f"raster.{i}.weight"]
        side = kernel.shape[2]
        x = np.pad(x, ((side // 2, side // 2), (0, 0)))
        x = _convolved(sliding_window_view(x, side, axis=0), kernel)
    for i in range(LAYERS[1]):
        kernel = weights[f"image.{i}.weight"]
        side = kernel.shape[2]
        x = np.pad(x.reshape(height, width, -1), ((side // 2, side // 2), (side // 2, side // 2), (0, 0)))
        x = _convolved(sliding_window_view(x, (side, side), axis=(0, 1)), kernel)
    z = x / np.maximum(np.sqrt(np.square(x).sum(1, keepdims=True)), 1e-12)
    return z.reshape(height, width, -1).astype(np.float32)


def _convolved(windows: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """max(0, windows · kernel), (pixels, out), of windows (…, in, side…) around all pixels and a kernel (out, in, side…)."""
    flat = windows.reshape(-1, kernel[0].size)
    return np.maximum(flat @ kernel.reshape(len(kernel), -1).T, 0)
