"""The slider of the page: everything that a browser needs to show any level of the merge tree, as one block of JSON."""

from __future__ import annotations

import base64
import json
import math
import shlex
import zlib
from typing import Any

import numpy as np
from markupsafe import Markup

from spaxel.figures.levels import Levels, State, level_maps, own_parts, part_labels
from spaxel.figures.reduce import small_map, step_for
from spaxel.reporting.html import fill, show
from spaxel.reporting.page import Page
from spaxel.reporting.strips import is_strip
from spaxel.results.convention import is_background, sentences, shares
from spaxel.results.said import plain_sentence

CONFIDENCE_SIDE = 340  # most pixels of a map of confidence of another level
MOST_POINTS = 3_000_000  # of all these maps together


def slider(page: Page) -> Markup:
    """The slider and what it moves; nothing where there is one level only."""
    levels = page.levels
    if len(levels.states) < 2:
        return Markup("")
    return fill("slider", least=levels.states[0].level, most=levels.states[-1].level, own=levels.own.level,
                number=len(levels.own.nodes), by_hand=bool(sentences(page.result.attrs, "by_hand")))  # fmt: skip


def told(page: Page) -> Markup:
    """The block of JSON that levels.js reads."""
    levels, result = page.levels, page.result
    nodes = [
        {"color": color, "members": np.flatnonzero(member).tolist()}
        for color, member in zip(levels.colors, levels.member, strict=True)
    ]
    same = any(set(levels.own.nodes) == set(state.nodes) for state in levels.states)
    values = {
        "parts": levels.member.shape[1], "nodes": nodes, "own": _state(page, levels.own, own=True), "same": same,
        "states": [_state(page, state, own=False) for state in levels.states],
        "maps": _maps(page, levels), "wide": _wide(page), "cut": _command(page.run),
    }  # fmt: skip
    if is_strip(result["labels"].shape):
        values["strip"] = part_labels(result, 2048).ravel().tolist()
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(f'<script type="application/json" id="told">{text.replace("<", chr(92) + "u003c")}</script>')


def node_shares(page: Page) -> list[float]:
    """The share of each node: as `shares` says of those of the result, else its pixels among those that are no background."""
    levels, result = page.levels, page.result
    grey = is_background(result)
    background = levels.member[levels.own.nodes][grey].any(0) if grey.any() else np.zeros(levels.member.shape[1], bool)
    whole = max(int(levels.sizes[levels.own.nodes][~grey].sum()), 1)
    found = np.where((levels.member & ~background).any(1), levels.sizes / whole, np.nan)
    found[levels.own.nodes] = shares(result)
    return [float(v) for v in found]


def _state(page: Page, state: State, *, own: bool) -> dict[str, Any]:
    component = None if own else page.levels.table(state)
    sure = [None if math.isnan(value) else round(value, 4) for value in state.confidence]
    return {"level": state.level, "nodes": state.nodes, "names": [show(name) for name in state.names], "sure": sure,
            "say": plain_sentence(page.result, component)}  # fmt: skip


def _maps(page: Page, levels: Levels) -> dict[str, Any] | None:
    """Confidence of all levels, each as what it differs by from the level before: they are much alike, so that packs well."""
    result = page.result
    if len(levels.states) < 2 or "level_confidence" not in result or is_strip(result["labels"].shape):
        return None
    most = int(
        math.sqrt(MOST_POINTS / result.sizes["level"] * max(result["labels"].shape) / min(result["labels"].shape))
    )
    side = min(CONFIDENCE_SIDE, page.picture_side, most)
    maps = level_maps(result, side)
    apart = np.concatenate([maps[:1], np.diff(maps, axis=0)])  # modulo 256
    shape = result["labels"].shape
    return {"data": _packed(apart), "shape": list(maps.shape[1:]), "step": step_for(shape, side),
            "levels": [int(k) for k in result["level"].values]}  # fmt: skip


def _wide(page: Page) -> dict[str, Any] | None:
    """The picture in which nothing burns out, where the result has one."""
    if "picture_wide" not in page.result or is_strip(page.result["labels"].shape):
        return None
    wide, side = page.result["picture_wide"], page.picture_side
    image = small_map(page.result, "picture_wide", side).round().astype(np.uint8)
    return {"data": _packed(image), "shape": list(image.shape[:2]), "step": step_for(wide.shape, side),
            "top": [float(v) for v in wide.attrs["top"]], "soft": float(wide.attrs["soft"])}  # fmt: skip


def _packed(values: np.ndarray) -> str:
    return base64.b64encode(zlib.compress(np.ascontiguousarray(values).tobytes(), 9)).decode()


def _command(run: dict[str, Any]) -> str:
    """`spaxel cut` and the folder of this run, as far as its command says where that is."""
    try:
        typed = shlex.split(str(run.get("command") or "").split("\n")[0])
    except ValueError:
        typed = []
    for i, word in enumerate(typed[:-1]):
        if word in ("-o", "--out"):
            return f"spaxel cut {shlex.quote(typed[i + 1])}"
    return "spaxel cut RUN"


def parts_of_list(page: Page) -> list[int]:
    """The part of each spectrum of a list, -1 without data."""
    return part_labels(page.result, page.result["labels"].size).ravel().tolist()


def has_levels(page: Page) -> bool:
    """Whether there is more than one level to look at."""
    return len(page.levels.states) > 1 and len(own_parts(page.result)) > 1
