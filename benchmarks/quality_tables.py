"""The rows of quality.py as tables for people. Run alone, it writes quality.md anew from quality.json."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from common import RESULTS, table, write_page

Rows = list[dict[str, Any]]
MAIN = (
    "spaxel",
    "spaxel, linkage centroid",
    "spaxel, linkage connectivity",
    "sklearn k-means, raw",
    "sklearn k-means, unit norm",
    "sklearn k-means, z-score",
    "GMM full, 10 PCs",
)


def pick(rows: Rows, **wanted: Any) -> Rows:
    """Rows with these values."""
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def given(rows: Rows) -> list[str]:
    """The main methods that were run."""
    known = {row["method"] for row in rows}
    return [method for method in MAIN if method in known]


def pair(rows: Rows, key: str) -> str:
    """'mean / worst' of a score."""
    values = [row[key] for row in rows]
    return f"{np.mean(values):.3f} / {min(values):.3f}" if values else "–"


def by_family(rows: Rows, methods: list[str], families: list[str]) -> str:
    """A row per method: accuracy and ARI, mean / worst, for each simulated family."""
    header = ["K given", *(f"{family} {key}" for family in families for key in ("accuracy", "ARI"))]
    lines = []
    for method in methods:
        some = [pick(rows, method=method, family=family) for family in families]
        lines.append([method, *(pair(part, key) for part in some for key in ("accuracy", "ari"))])
    return table(header, lines)


def by_setting(rows: Rows, methods: list[str], key: str) -> str:
    """A row per setting, a column per method: mean / worst over the seeds, the best mean in bold."""
    settings = list(dict.fromkeys(row["setting"] for row in rows))
    lines = []
    for setting in settings:
        cells = [pick(rows, setting=setting, method=method) for method in methods]
        best = max(np.mean([row[key] for row in cell]) for cell in cells)
        marks = ["**" if np.mean([row[key] for row in cell]) > best - 5e-4 else "" for cell in cells]
        lines.append([setting, *(m + pair(cell, key) + m for m, cell in zip(marks, cells, strict=True))])
    return table([key, *methods], lines)


def automatic(rows: Rows, families: list[str]) -> str:
    """K = auto: how far the number is from the truth, and ARI at the chosen level and at the true K."""
    header = ("family", "linkage", "log2(K / true)", "absolute", "ARI chosen", "ARI true K", "ARI, K given, no linkage")
    lines = []
    for family in families:
        for linkage in ("centroid", "connectivity"):
            chosen = pick(rows, family=family, method=f"auto {linkage}, chosen level")
            at_k = pick(rows, family=family, method=f"auto {linkage}, true K")
            octaves = np.log2([row["n_components"] / row["k"] for row in chosen])
            plain = pair(pick(rows, family=family, method="spaxel"), "ari")
            numbers = f"{octaves.mean():+.2f}", f"{np.abs(octaves).mean():.2f}"
            lines.append([family, linkage, *numbers, pair(chosen, "ari"), pair(at_k, "ari"), plain])
    return table(header, lines)


def levels(rows: Rows) -> str:
    """K = auto on real scenes: the level chosen in each seed, how probable, ARI and IoU of the smallest class."""
    header = ("scene", "linkage", "true K", "chosen", "it said", "ARI chosen", "ARI true K", "ARI finest", "rare IoU: "
              "chosen", "rare IoU: finest")  # fmt: skip
    lines = []
    for setting in dict.fromkeys(row["setting"] for row in rows):
        for linkage in ("centroid", "connectivity"):
            chosen, true, finest = (
                pick(rows, setting=setting, method=f"auto {linkage}, {at}")
                for at in ("chosen level", "true K", "finest level")
            )
            found = ", ".join(str(row["n_components"]) for row in chosen)
            words = ", ".join(dict.fromkeys(str(row.get("said", row.get("word"))) for row in chosen))
            scores = [pair(part, "ari") for part in (chosen, true, finest)]
            rare = [pair(part, "rare_iou") for part in (chosen, finest)]
            lines.append([setting, linkage, str(chosen[0]["k"]), found, words, *scores, *rare])
    return table(header, lines)


def chosen_scalings(rows: Rows) -> str:
    """How often `auto` took which scaling, and what the best fixed one would have given."""
    lines = []
    for setting in dict.fromkeys((row["family"], row["setting"]) for row in rows):
        some = [row for row in rows if (row["family"], row["setting"]) == setting]
        ours = pick(some, method="spaxel")
        names, counts = np.unique([row["scaling"] for row in ours], return_counts=True)
        fixed = {row["method"]: None for row in some if row["method"].startswith("spaxel, scaling ")}
        means = {name: np.mean([row["ari"] for row in pick(some, method=name)]) for name in fixed}
        best = max(means, key=means.__getitem__)
        words = ", ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True))
        mean = np.mean([row["ari"] for row in ours])
        lines.append([": ".join(setting), words, f"{mean:.3f}", best.rsplit(" ", 1)[1], f"{means[best]:.3f}"])
    return table(("scene", "auto took", "its ARI", "best fixed scaling", "its ARI"), lines)


def cpu(rows: Rows) -> str:
    """Mean CPU seconds."""
    return f"{np.mean([row['cpu_seconds'] for row in rows]):.1f}" if rows else "–"


def seconds(rows: Rows) -> str:
    """CPU seconds per method and family, mean."""
    families = list(dict.fromkeys(row["family"] for row in rows))
    lines = [[method, *(cpu(pick(rows, family=f, method=method)) for f in families)] for method in given(rows)]
    return table(("CPU seconds", *families), lines)


def simulated(rows: Rows) -> list[str]:
    """The part on which defaults may be chosen."""
    families = list(dict.fromkeys(row["family"] for row in rows))
    fixed = [m for m in dict.fromkeys(row["method"] for row in rows) if m.startswith("spaxel, scaling ")]
    parts = ["## Simulated worlds (defaults were chosen on these)", by_family(rows, [*given(rows), *fixed], families)]
    for family in families:
        some = pick(rows, family=family)
        parts += [f"### ARI by setting: {family}", by_setting(some, given(some), "ari")]
    parts += ["### K = auto, by linkage", automatic(rows, families)]
    return [*parts, "### Scaling = auto against the best fixed scaling (chosen with the truth)", chosen_scalings(rows)]


def reported(rows: Rows) -> list[str]:
    """The real scenes."""
    fixed = [m for m in dict.fromkeys(row["method"] for row in rows) if m.startswith("spaxel, scaling ")]
    scenes = list(dict.fromkeys(row["setting"] for row in rows))
    header = ("K given", *(f"{scene} {key}" for scene in scenes for key in ("accuracy", "ARI")))
    lines = []
    for method in [*given(rows), *fixed]:
        some = [pick(rows, method=method, setting=scene) for scene in scenes]
        lines.append([method, *(pair(part, key) for part in some for key in ("accuracy", "ari"))])
    parts = ["## Real scenes (reported, nothing was chosen on them)", table(header, lines)]
    return [*parts, "### K = auto on real scenes", levels(rows), "### Scaling = auto", chosen_scalings(rows)]


def tables(rows: Rows) -> str:
    """All tables as text."""
    parts = ["Every cell: mean / worst over worlds and seeds. All pixels are clustered, labelled ones are scored."]
    real = pick(rows, family="real")
    invented = [row for row in rows if row["family"] != "real"]
    parts += simulated(invented) if invented else []
    parts += reported(real) if real else []
    return "\n\n".join([*parts, "## Cost", seconds(rows)])


def measured(about: dict[str, Any]) -> str:
    """When each part was measured: a part may be run again alone."""
    times: dict[str, list[str]] = {}
    for part, when in about["measured"].items():
        times.setdefault(when.rsplit(", ", 1)[-1], []).append(part)
    return "Measured at " + "; ".join(f"{commit}: {', '.join(parts)}" for commit, parts in times.items()) + "."


def write_tables(about: dict[str, Any], rows: Rows) -> None:
    """All tables into benchmarks/results/quality.md."""
    write_page("quality", "How well labels agree with a truth", about, [measured(about), tables(rows)])


if __name__ == "__main__":
    stored = json.loads((RESULTS / "quality.json").read_text("utf-8"))
    write_tables(stored, stored["rows"])
