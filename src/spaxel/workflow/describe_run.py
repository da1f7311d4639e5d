"""What a run holds, in words and numbers for a person, without reading its maps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spaxel.results.convention import given_names
from spaxel.store.addresses import address_of, said
from spaxel.store.cuts import list_cuts, read_cut
from spaxel.store.here import check_local
from spaxel.store.run_folder import read_json, read_result


def describe_run(run: str | Path) -> dict[str, Any]:
    """Method, components and their names, levels that can be cut, cubes, and the cuts that are kept beside it.

    Raises NotFound if there is no run, ReadError if it or one of its cuts is damaged.
    """
    given, run = run, check_local(run)
    about = read_json(run)
    inside = list(about.get("inputs") or {})
    result = read_result(run / inside[0] if inside else run)
    found: dict[str, Any] = {
        "run": str(given) if address_of(given) is None else said(given),
        "name": about.get("name") or run.name,
        "method": about.get("method", ""),
    }
    found["components"] = result.sizes.get("component", 0)
    if names := [f"{k} {name}" for k, name in enumerate(given_names(result)) if name]:
        found["names"] = ", ".join(names)
    if "level" in result.coords and "merge_tree" in result:
        found["levels"] = f"1 to {result.sizes['micro']}"
    if inside:
        found["cubes"] = ", ".join(inside)
    for name in list_cuts(run):
        kept = read_cut(run, name)
        found[f"cut {name}"] = f"{len(kept['made']['names'])} components: {kept['command']}"
    return found | {"made": about.get("created", ""), "command": str(about.get("command", "")).split("\n")[0]}
