"""A series of small cubes: whole cubes are mapped at a time, each by one worker, where one cube has too few tiles for all."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import xarray as xr
from threadpoolctl import threadpool_limits

from spaxel.cube.executing import executing, workers_now
from spaxel.cube.mapping import DEFAULT_MEMORY, MOST_PIXELS
from spaxel.errors import naming
from spaxel.methods.registry import apply
from spaxel.workflow.lines import with_lines
from spaxel.workflow.plan import Opened, RunPlan
from spaxel.workflow.rare import with_rare

Named = tuple[str, Opened]


def small(files: Sequence[Named], memory: int | None) -> list[Named]:
    """Those of a series that are mapped whole by one worker: of one tile, if there are several and several workers."""
    workers = workers_now()
    most = (memory or DEFAULT_MEMORY) // workers.sharing
    found = [(name, file) for name, file in files if _pixels(file) <= MOST_PIXELS and 5 * _bytes(file) <= most]
    return found if workers.n > 1 and len(found) > 1 else []


def mapped_together(
    model: Any, plan: RunPlan, files: Sequence[Named]
) -> Generator[tuple[str, Opened, xr.Dataset], None, None]:
    """Results of a model on cubes, with line maps and small targets, as they are done. An error names its file and ends it."""
    workers, plan = workers_now(), replace(plan, paths=(), reference=())
    work = _Whole(model, plan, workers.apart)
    held = dict(files)
    with threadpool_limits(1), closing(workers.each(work, files)) as answers:
        for (name, _), (result, said) in answers:
            for kind, sentence in said:
                warnings.warn(sentence, kind, stacklevel=2)
            yield name, held[name], result


@dataclass(frozen=True)
class _Whole:
    """What is done with each cube. apart : in another process, which prints no warnings but sends them."""

    model: Any
    plan: RunPlan
    apart: bool

    def __call__(self, named: Named) -> tuple[xr.Dataset, list[tuple[type[Warning], str]]]:
        if not self.apart:  # what is caught is caught in all threads
            return self._result(named[1]), []
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            result = self._result(named[1])
        return result, [(one.category, str(one.message)) for one in caught if issubclass(one.category, UserWarning)]

    def _result(self, file: Opened) -> xr.Dataset:
        with executing("synchronous"), naming(file.path):
            result = apply(self.model, file.cube)
            if self.plan.rare:
                result = with_rare(self.model, file.cube, result)
            return with_lines(self.plan, file.raw, file.cube.attrs.get("steps", []), result)


def _pixels(file: Opened) -> int:
    return file.cube.sizes["y"] * file.cube.sizes["x"]


def _bytes(file: Opened) -> int:
    return _pixels(file) * file.cube.sizes["channel"] * file.cube["spectra"].dtype.itemsize
