"""A cube with every spectrum scaled, to look at or before a method of one's own."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from spaxel.cube import check_cube, note
from spaxel.cube.completion import fit_completion
from spaxel.cube.gaps import LEAST, PARTLY, filled_in, judge
from spaxel.cube.noise import without_variance
from spaxel.cube.sampling import sample_spectra
from spaxel.cube.whole import completed_sample, whole_numbers
from spaxel.errors import ParameterError
from spaxel.preprocess.choice import choose_scaling, look_at
from spaxel.preprocess.scaling import ScalingName, fit_scaling


def scale(
    cube: xr.Dataset, name: ScalingName | Literal["auto"] = "auto", *, seed: int = 0, n: int = 5000
) -> xr.Dataset:
    """The cube with every spectrum scaled (see the table in spaxel.preprocess.scaling), lazily.

    name : a scaling, or `auto`: the candidates are tried on a sample, see spaxel.preprocess.choice
    n, seed : the sample it is learned from
    A model scales by itself (its parameter `scaling`); use this to look at scaled spectra, or before your own method.
    Missing values are completed first, as models do (spaxel.cube.gaps); a spectrum with less than half of its values is NaN.
    What was learned belongs to this cube, so `predict` does not repeat it: give models unscaled cubes.
    Raises ParameterError (unknown name; mnf for a table; unit_bright, which is no cube: it adds a feature).

    >>> import numpy as np
    >>> import spaxel
    >>> cube = spaxel.make_cube(np.random.default_rng(0).random((4, 4, 50)))
    >>> bool(abs((spaxel.scale(cube, "unit")["spectra"] ** 2).sum("channel") - 1).max() < 1e-5)
    True
    """
    check_cube(cube)
    if name == "unit_bright":
        raise ParameterError(
            "unit_bright adds a feature, so it makes no cube. Try unit, or scaling='unit_bright' in a model."
        )
    sample = sample_spectra(cube, n, seed, gaps="keep")
    gaps = fit_completion(sample.spectra)
    sample = completed_sample(sample, gaps)
    look = look_at(whole_numbers(sample, gaps))
    choice = choose_scaling(sample, seed=seed, look=look) if name == "auto" else None
    scaling = fit_scaling(choice.name if choice else name, sample)

    def apply(spectra: np.ndarray) -> np.ndarray:
        if (lacking := judge(spectra, least=LEAST) == PARTLY).any():
            spectra = filled_in(spectra, lacking, gaps)
        return scaling(spectra.reshape(-1, spectra.shape[-1])).reshape(spectra.shape)

    old = cube["spectra"].chunk(channel=-1) if cube["spectra"].chunks else cube["spectra"]
    new = xr.apply_ufunc(
        apply, old, input_core_dims=[["channel"]], output_core_dims=[["channel"]], dask="parallelized",
        output_dtypes=[np.float64],
    )  # fmt: skip
    scaled = note(
        without_variance(cube, "it is of values before the scaling").assign(spectra=new), f"scale: {scaling.name}"
    )
    return note(scaled, choice.sentence) if choice else scaled
