"""What a run folder holds of a fitted model, and how it is saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spaxel.errors import all_called
from spaxel.store.run_folder import new_run, write_arrays, write_json


def describe(model: Any) -> dict[str, Any]:
    """What run.json holds of a fitted model: method, parameters (addresses without their secrets), learned values."""
    return {"method": model.method, "parameters": all_called(model.get_params()), "learned": model.info_}


def save(model: Any, path: str | Path, *, overwrite: bool = False) -> Path:
    """Save a fitted model as a run folder without a result. Raises Exists if something is there."""
    with new_run(path, overwrite=overwrite) as folder:
        write_json(folder, describe(model))
        write_arrays(folder, model.state_)
    return Path(path)
