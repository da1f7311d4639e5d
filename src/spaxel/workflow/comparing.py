"""Two runs of one image, side by side: how far they agree, and where not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spaxel.errors import ParameterError
from spaxel.metrics.agreement import agreement, agreement_sentence
from spaxel.reporting.comparing import Comparison, Side, write_comparison
from spaxel.results.convention import check_result, component_names
from spaxel.results.walk import bounded, walk
from spaxel.store.cuts import CUT, open_cut
from spaxel.store.here import check_local
from spaxel.store.run_folder import read_json, read_run

LIKE = 0.99  # share of the values of two pictures that must be alike, where files differ


def compare(
    a: str | Path | xr.Dataset,
    b: str | Path | xr.Dataset,
    *,
    out: str | Path | None = None,
    overwrite: bool = False,
    same_image: bool = False,
    memory: int | None = None,
) -> Comparison:
    """How far two runs of one image agree: other method, other scaling, other level. Neither is taken for the truth.

    a, b : folders of runs, of kept cuts (RUN/cuts/NAME), or results      out : a page to write, as both.html
    same_image : they are of one image, although their files differ      memory : bytes of maps that are held at once
    returns : the numbers (`agreement`), names, a plain sentence; `.values()` gives all of it as builtins
    Raises NotFound if there is no run, ParameterError if the images differ, Exists if there is a page without `overwrite`.

    >>> import spaxel
    >>> cube = spaxel.simulate("maxrf", height=24, width=24, channels=64)
    >>> result = spaxel.KMeans(4).fit(cube).predict(cube)
    >>> spaxel.compare(result, spaxel.cut(result, 3)).agreement.coarser
    1.0
    """
    sides = _opened(a, "a"), _opened(b, "b")
    if sides[0].title == sides[1].title:
        sides = sides[0]._replace(title=f"{sides[0].title} (1)"), sides[1]._replace(title=f"{sides[1].title} (2)")
    with bounded(memory):
        _check_same(*sides, same_image=same_image)
        found = compared(*sides)
        if out is not None:
            write_comparison(found, Path(out), overwrite=overwrite)
    return found


def compared(a: Side, b: Side) -> Comparison:
    """Two results of one image compared, for page and viewer. Raises CubeError where no pixel has a label in both."""
    names = component_names(a.result), component_names(b.result)
    found = agreement(a.result["labels"], b.result["labels"], (len(names[0]), len(names[1])))
    return Comparison(agreement_sentence(found, names, (a.title, b.title)), found, names, (a, b))


def _opened(given: str | Path | xr.Dataset, name: str) -> Side:
    if isinstance(given, xr.Dataset):
        return Side(str(given.attrs.get("method") or name), check_result(given), {})
    path = check_local(given)
    if (path / CUT).is_file():
        about, result = open_cut(path.parent.parent, path.name)
        return Side(f"{path.parent.parent.name} {path.name}", result, about)
    if inside := list(read_json(path).get("inputs") or {}):
        raise ParameterError(f"{path} holds several cubes. Try one of them on either side, as {path / inside[0]}.")
    about, result = read_run(path)
    return Side(path.resolve().name, result, about)


def _check_same(a: Side, b: Side, *, same_image: bool) -> None:
    """Raise ParameterError where two results are not of one image: other sizes; other files whose pictures differ."""
    shapes = [tuple(side.result["labels"].shape) for side in (a, b)]
    if shapes[0] != shapes[1]:
        sizes = " and ".join(f"{y} x {x}" for y, x in shapes)
        raise ParameterError(
            f"{a.title} and {b.title} are of different images ({sizes} pixels). Try two runs of one image."
        )
    files: list[dict[str, Any]] = [side.about.get("input") or {} for side in (a, b)]
    if same_image or (files[0].get("sha256") == files[1].get("sha256") is not None):
        return
    pictures = [side.result["picture"] for side in (a, b) if "picture" in side.result]
    alike = len(pictures) < 2 or _likeness(*pictures) >= LIKE
    if alike and not (len(pictures) < 2 and all(files)):
        return
    called = " and ".join(str(file.get("path") or side.title) for file, side in zip(files, (a, b), strict=True))
    raise ParameterError(
        f"{a.title} and {b.title} are of different images: {called}. Try two runs of one image, or --same-image "
        "(same_image=True) if these files hold the same one."
    )


def _likeness(picture: xr.DataArray, other: xr.DataArray) -> float:
    """Share of the values of two pictures (y, x, rgb) that differ by 2 at most."""
    alike = 0
    for _, _, (one, two) in walk(picture, other, scratch=20):
        alike += int((np.abs(one.astype(np.int16) - two) <= 2).sum())
    return alike / max(picture.size, 1)
