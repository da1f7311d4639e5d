"""Small cubes and shipped promises: what an author of a reader or a method tests against."""

from __future__ import annotations

import copy
import inspect
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from spaxel.cube import check_cube, make_cube
from spaxel.errors import GuessWarning, ParameterError
from spaxel.methods.registry import load
from spaxel.results.convention import check_result

if TYPE_CHECKING:
    from spaxel.readers.parts.reader import Reader


def tiny_cube(
    height: int = 13, width: int = 7, channels: int = 11, *, seed: int = 0, counts: bool = True
) -> xr.Dataset:
    """A cube of three regions with unequal prime sides, so that a swapped axis cannot hide. Truth included.

    counts : Poisson counts (uint16) on an energy axis in keV, else reflectance (float32) on a wavelength axis in nm
    """
    rng = np.random.default_rng(seed)
    labels = np.minimum(np.arange(height)[:, None] * 3 // height + np.zeros((1, width), int), 2).astype(np.int32)
    means = 1 + 40 * np.exp(-(((np.arange(channels) / max(1, channels - 1))[None] - [[0.2], [0.5], [0.8]]) ** 2) / 0.02)
    clean = means[labels]
    if counts:
        return make_cube(
            rng.poisson(clean).astype(np.uint16),
            1 + 0.5 * np.arange(channels),
            "keV",
            truth_labels=labels,
            source="tiny",
        )
    noisy = (clean / 50 + rng.normal(0, 0.01, clean.shape)).astype(np.float32)
    return make_cube(noisy, 400.0 + 10 * np.arange(channels), "nm", truth_labels=labels, source="tiny")


def check_reader(reader: Reader, path: str | Path, **options: Any) -> xr.Dataset:
    """Hold a reader to its promises with a small file of its format; returns the cube for further checks.

    reader : what the entry point offers     path, options : given to its `open`
    It sniffs content and not names; takes keyword-only options that its docstring names, and refuses others; gives a
    checked cube, the same one each time; leaves the file alone. Raises AssertionError that names the promise.
    """
    path = Path(path)
    _check_sniff(reader, path)
    parameters = list(inspect.signature(reader.open).parameters.values())[1:]
    for parameter in parameters:
        _promise(parameter.kind is parameter.KEYWORD_ONLY, f"the option {parameter.name} is keyword-only")
        _promise(parameter.name in (reader.open.__doc__ or ""), f"the docstring of open names {parameter.name}")
    before, names = _content(path), sorted(path.parent.iterdir())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GuessWarning)
        cube, again = reader.open(path, **options), reader.open(path, **options)
        try:
            reader.open(path, **options, no_such_option=1)
        except TypeError:
            refused = True
        else:
            refused = False
    _promise(refused, "an option that does not exist is refused with TypeError")
    check_cube(cube)
    xr.testing.assert_identical(cube.compute(), again.compute())
    _promise(_content(path) == before and sorted(path.parent.iterdir()) == names, "reading leaves the file as it was")
    _promise(all(isinstance(sentence, str) for sentence in cube.attrs["guesses"]), "guesses are sentences")
    return cube


def _check_sniff(reader: Reader, path: Path) -> None:
    head = b"" if path.is_dir() else path.read_bytes()[:2880]
    _promise(reader.sniff(path, head) is True, f"sniff knows {path.name} by its content")
    with tempfile.TemporaryDirectory() as folder:
        _promise(reader.sniff(Path(folder), b"") is False, "sniff is False for an empty folder")
        junk = bytes(np.random.default_rng(0).integers(0, 256, 4000, dtype=np.uint8))
        for suffix in reader.suffixes:
            for content, word in ((b"", "an empty file"), (junk, "random bytes"), (b"Dear reader,\nno.\n", "a letter")):
                other = Path(folder) / f"other{suffix}"
                other.write_bytes(content)
                _promise(reader.sniff(other, content[:2880]) is False, f"sniff is False for {word} named {other.name}")


def _content(path: Path) -> dict[str, bytes]:
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return {str(file): file.read_bytes() for file in files if file.is_file()}


def _promise(kept: bool, promise: str) -> None:
    if not kept:
        raise AssertionError(f"Promise not kept: {promise}.")


def check_method(model: Any) -> None:
    """What every method promises, checked on small cubes; for the author of a method, in a test of one line.

    `fit` returns the model and changes no parameter; `predict` changes nothing and gives a checked result; the same seed
    gives the same bits; a saved and loaded model gives the same answer; a wrong parameter is refused by its name.
    Raises AssertionError that says which promise is broken.
    """
    cube = tiny_cube(30, 19)
    before = copy.deepcopy(model.get_params())
    held = cube.copy(deep=True)
    _promise(model.fit(cube) is model, "fit returns the model")
    _promise(model.get_params() == before, "fit changes no parameter")
    state = {name: array.copy() for name, array in model.state_.items()}
    info = copy.deepcopy(model.info_)
    result = check_result(model.predict(cube))
    _promise(cube.identical(held), "the cube is left as it was")
    _promise(all(np.array_equal(state[k], model.state_[k], equal_nan=True) for k in state), "predict changes no state")
    _promise(info == model.info_, "predict changes no info")
    _promise(result["labels"].dtype == np.int32, "labels are int32")
    sizes = np.bincount(result["labels"].values[result["labels"].values >= 0], minlength=result.sizes["component"])
    _promise(np.array_equal(sizes, result["component_size"]), "component_size counts the labels")
    _promise(bool(((result["confidence"] >= 0) & (result["confidence"] <= 1)).all()), "confidence lies in 0..1")
    again = type(model)(**before).fit(cube).predict(cube)
    _promise(again.identical(result), "the same seed gives the same bits")
    with tempfile.TemporaryDirectory() as folder:
        loaded = load(model.save(Path(folder) / "model"))
    _promise(loaded.get_params() == before, "parameters survive saving")
    _promise(loaded.predict(cube).identical(result), "a loaded model gives the same answer")
    for name in before:
        wrong = type(model)(**{**before, name: object()})
        try:
            wrong.fit(cube)
        except ParameterError as error:
            _promise(name in str(error), f"the error names the parameter {name}")
        else:
            _promise(False, f"a wrong {name} is refused")
