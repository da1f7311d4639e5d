"""What need not be imported by a command: 2 s of a small run.

Dask and xarray look in vain for `sparse`, which brings numba, `pint`, which brings its own grammar, and `distributed`, to ask
whether a cluster is in use. scikit-learn imports all of scipy.stats, and its clustering all of its linear models, for names
that k-means never asks for.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from threading import RLock, get_ident
from types import ModuleType
from typing import Any

LOOKED_FOR = ("sparse", "pint", "distributed")  # imported by Dask and xarray where they are there; both do without them
LATE: dict[str, dict[str, str]] = {  # packages, and where the names lie that are asked of them
    "numpy.f2py": {},
    "scipy.fftpack": {},
    "scipy.io": {},
    "scipy.io.matlab": {"MatReadError": "_miobase"},
    "scipy.optimize": {"linear_sum_assignment": "_lsap", "nnls": "_nnls"},
    "scipy.spatial.transform": {},
    "scipy.stats": {},
    "sklearn.cluster": {"KMeans": "_kmeans", "kmeans_plusplus": "_kmeans"},
    "sklearn.decomposition": {"FastICA": "_fastica", "NMF": "_nmf", "PCA": "_pca"},
    "sklearn.metrics": {"adjusted_rand_score": "cluster", "mutual_info_score": "cluster"},
    "sklearn.metrics.cluster": {
        "adjusted_rand_score": "_supervised",
        "expected_mutual_information": "_expected_mutual_info_fast",
        "mutual_info_score": "_supervised",
    },
    "sklearn.neighbors": {},
    "sklearn.preprocessing": {"normalize": "_data"},
}
_lock = RLock()


def without_looked_for() -> None:
    """Have an import of what is looked for in vain fail, and wait with LATE, in this process, which is the command line.

    Who needs LOOKED_FOR shows them again (`shown`, spaxel.readers.parts.rosetta). What is loaded already stays.
    """
    for name in LOOKED_FOR:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def shown(name: str) -> None:
    """Let a package be imported after all, where `without_looked_for` hid it."""
    if sys.modules.get(name, sys) is None:
        del sys.modules[name]


class Late(ModuleType):
    """A package whose own code runs when a name is asked for that is not there and not known.

    Modules inside are imported as ever.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__all__":
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if (home := LATE[self.__name__].get(name)) is not None:
            try:
                found = getattr(import_module(f"{self.__name__}.{home}"), name)
            except (ImportError, AttributeError):  # it lies elsewhere in another version
                pass
            else:
                setattr(self, name, found)
                return found
        self._run()
        return ModuleType.__getattribute__(self, name)

    def _run(self) -> None:
        """Run the package's own code, once."""
        held = vars(self)
        with _lock:
            if type(self) is not Late or held.get("_runs") == get_ident():  # it asks for a name of its own
                return
            held["_runs"] = get_ident()
            try:
                held["__spec__"].loader.whole.exec_module(self)
                self.__class__ = ModuleType  # type: ignore[assignment]
            finally:
                held.pop("_runs", None)


class _Loader:
    """Makes a `Late` module. whole : the loader of the package, which runs its code"""

    def __init__(self, whole: Any) -> None:
        self.whole = whole

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return Late(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Not yet."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.whole, name)


class _Finder:
    """Finds LATE where they lie."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name in LATE else None
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)  # type: ignore[assignment]
        return spec
