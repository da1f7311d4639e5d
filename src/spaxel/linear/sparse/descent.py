"""Coordinate descent on a Gram matrix, for many right-hand sides at once: the inner loop of `sparse_codes.py`."""

from __future__ import annotations

import numpy as np

BLOCK = 32  # unknowns between two large products
COLUMNS = 2048  # right-hand sides at a time


def descend(
    x: np.ndarray, target: np.ndarray, gram: np.ndarray, n_sweeps: int, least: np.ndarray | float | None
) -> None:
    """Sweeps of coordinate descent on ½ xᵀ gram x - targetᵀ x, in place, each column of x (k, m) on its own.

    x_j <- cut((target_j - sum_(i≠j) g_ji x_i) / g_jj), j = 0 … k - 1 in turn
    least : None: nothing is cut      0: negative values      (k,): values up to least_j become 0
    What the unknowns of other blocks explain is taken off by one product per block. Unknowns with g_jj = 0 become 0.
    """
    m = x.shape[1]
    for start in range(0, m if n_sweeps else 0, COLUMNS):
        part = slice(start, start + COLUMNS)
        if m <= COLUMNS:
            _descend(x, target, gram, n_sweeps, least)
        else:
            block = np.ascontiguousarray(x[:, part])
            _descend(block, target[:, part], gram, n_sweeps, least)
            x[:, part] = block


def _descend(
    x: np.ndarray, target: np.ndarray, gram: np.ndarray, n_sweeps: int, least: np.ndarray | float | None
) -> None:
    k, m = x.shape
    gram = gram.astype(x.dtype, copy=False)
    diagonal = gram.diagonal()
    inverse = np.divide(1, diagonal, out=np.zeros_like(diagonal), where=diagonal > 0)[:, None]
    scaled, outside = target.astype(x.dtype, copy=False) * inverse, gram * inverse
    outside.reshape(-1)[:: k + 1] = 0
    blocks = [slice(start, start + BLOCK) for start in range(0, k, BLOCK)]
    inner = []
    for block in blocks:
        inner.append(list(outside[block, block].copy()))
        outside[block, block] = 0
    cut = isinstance(least, np.ndarray)
    lowest = np.asarray(least, x.dtype) if cut else np.zeros(k, x.dtype)
    explained, above, zero = np.empty(m, x.dtype), np.empty(m, bool), np.zeros(m, x.dtype)
    subtract, greater, multiply, maximum = np.subtract, np.greater, np.multiply, np.maximum
    for _ in range(n_sweeps):
        for block, rows in zip(blocks, inner, strict=True):
            own = x[block]
            rest = scaled[block] - outside[block] @ x
            for row, free, new, low in zip(rows, rest, own, lowest[block], strict=True):
                row.dot(own, explained)
                if cut:
                    subtract(free, explained, explained)
                    greater(explained, low, above)
                    multiply(explained, above, new)
                else:
                    subtract(free, explained, new)
                    if least is not None:
                        maximum(new, zero, out=new)
