"""The groups that a table gives its spectra, beside the components that were found: which group is where."""

from __future__ import annotations

import numpy as np

from spaxel.figures.maps import component_names
from spaxel.reporting.html import Markup, fill
from spaxel.reporting.page import Page
from spaxel.results.convention import spectra_names

MOST_GROUPS, MOST_COMPONENTS = 40, 16  # rows and columns of the table


def groups(page: Page) -> Markup:
    """Spectra of each group, counted by their component; nothing without groups, or where each spectrum is its own."""
    result = page.result
    named = spectra_names(result).get("group")
    if named is None or not page.n_data:
        return Markup("")
    labels = result["labels"].values[:, 0]
    kinds, of = np.unique(np.array(named[1]), return_inverse=True)
    if not 1 < len(kinds) < len(labels):
        return Markup("")
    names = component_names(result)
    counts = np.zeros((len(kinds), len(names)), np.int64)
    np.add.at(counts, (of[labels >= 0], labels[labels >= 0]), 1)
    rows = [[str(kind), *row[:MOST_COMPONENTS]] for kind, row in zip(kinds, counts.tolist(), strict=True)]
    return fill(
        "groups",
        header=["group", *names[:MOST_COMPONENTS]],
        rows=rows[:MOST_GROUPS],
        numeric=tuple(range(1, len(names) + 1)),
        more=max(len(kinds) - MOST_GROUPS, 0),
        unmixed="abundances" in result,
    )
