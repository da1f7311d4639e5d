"""spaxel: spectral datacubes to maps that people can read, without labels.

Public names are loaded on first use, so that `import spaxel` costs next to nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {  # public name -> module that defines it
    "open_cube": "readers",
    "make_cube": "cube",
    "check_cube": "cube",
    "convert": "readers.native",
    "write_cube": "readers.native",
    "crop": "preprocess",
    "rebin": "preprocess",
    "mask_channels": "preprocess",
    "mask_pixels": "preprocess",
    "despike": "preprocess",
    "destripe": "preprocess",
    "voronoi": "preprocess",
    "baseline": "preprocess",
    "continuum_removal": "preprocess",
    "absorbance": "preprocess",
    "normalise": "preprocess",
    "msc": "preprocess",
    "emsc": "preprocess",
    "align": "preprocess",
    "smooth": "preprocess",
    "derivative": "preprocess",
    "scale": "preprocess",
    "KMeans": "methods.kmeans.estimator",
    "Segment": "methods.consensus.estimator",
    "LearnedMetric": "methods.learned.estimator",
    "DeepGlobalClustering": "methods.dgc.estimator",
    "DeepSpectralClustering": "methods.dsc.estimator",
    "MCR": "methods.mcr.estimator",
    "EnergyMCR": "methods.ebgmcr.estimator",
    "LibraryUnmixing": "methods.library.estimator",
    "load": "methods.registry",
    "calibrate": "results.calibration",
    "find_rare": "methods.rare.find",
    "cut": "results.cut",
    "compare": "workflow.comparing",
    "match": "workflow.matching",
    "score": "metrics",
    "interpret": "results.interpretation",
    "line_maps": "results.line_maps",
    "report": "reporting",
    "progress": "pace",
    "executing": "cube.executing",
    "figure": "plot",
    "plot": "plot",  # a room that is public as it is
    "view": "viewer.shown",
    "export": "exporting",
    "from_hyperspy": "partners.hyperspy",
    "to_hyperspy": "partners.hyperspy",
    "simulate": "synth",
    "SpaxelError": "errors",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'spaxel' has no attribute {name!r}")
    room = import_module(f"spaxel.{_HOME[name]}")
    if "xarray" in sys.modules:
        import_module("spaxel.plot.accessor")  # result.spaxel
    return room if _HOME[name] == name else getattr(room, name)


def __dir__() -> list[str]:
    return sorted(__all__)


def _html(data: Any) -> str:
    return import_module("spaxel.plot.notebook").html(data)


def _show_results(ipython: Any) -> None:
    """Let a notebook show results as pictures; xarray need not be loaded for that."""
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None:
        shell.display_formatter.formatters["text/html"].for_type_by_name("xarray.core.dataset", "Dataset", _html)


_show_results(sys.modules.get("IPython"))
