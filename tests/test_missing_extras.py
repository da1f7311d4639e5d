"""What is not installed is named, with a command that installs it and exists."""

import re
import sys
from importlib.metadata import metadata

import numpy as np
import pytest

import spaxel
from spaxel.errors import MissingExtra
from spaxel.methods.mixtures.baselines import MCRALS
from spaxel.readers.parts import rosetta
from spaxel.testing import tiny_cube

EXTRAS = metadata("spaxel").get_all("Provides-Extra")


def fits(folder):
    (folder / "a.fits").write_bytes(b"SIMPLE  =                    T".ljust(80) + b" " * 2800)
    spaxel.open_cube(folder / "a.fits")


def wdf(folder):
    (folder / "a.wdf").write_bytes(b"WDF1\0\0\0\0" + (16).to_bytes(8, "little"))
    spaxel.open_cube(folder / "a.wdf")


def imzml(folder):
    (folder / "a.imzML").write_text('<?xml version="1.0"?><mzML xmlns="imagingMS"/>')
    (folder / "a.ibd").write_bytes(b"\0" * 16)
    spaxel.open_cube(folder / "a.imzML")


def als(folder):
    MCRALS(n_components=2).fit(np.random.default_rng(0).random((30, 9)))


CALLS = {
    "astropy": ("fits", fits),
    "rsciio.renishaw": ("vendors", wdf),
    "pyimzml.ImzMLParser": ("formats", imzml),
    "prosail": ("leaf", lambda folder: spaxel.simulate("leaf", height=8, width=8)["spectra"].values),
    "pymcr.mcr": ("als", als),
    "torch": ("deep", lambda folder: spaxel.DeepSpectralClustering().fit(tiny_cube())),
    "torch ": ("deep", lambda folder: spaxel.DeepGlobalClustering().fit(tiny_cube())),
    "torch  ": ("deep", lambda folder: spaxel.EnergyMCR(epochs=1).fit(tiny_cube())),
    "lightning_fabric": ("deep", lambda folder: spaxel.DeepSpectralClustering().fit(tiny_cube())),
}


@pytest.mark.parametrize(("module", "call"), CALLS.items(), ids=[f"{m.strip()}-{n}" for n, m in enumerate(CALLS)])
def test_every_extra(tmp_path, monkeypatch, module, call):
    extra, use = call
    name = module.strip()
    for loaded in [name, *(other for other in sys.modules if other.startswith(f"{name}."))]:
        monkeypatch.setitem(sys.modules, loaded, None)  # parts of it that an earlier test has loaded too
    with pytest.raises(MissingExtra) as said:
        use(tmp_path)
    assert f"pip install 'spaxel[{extra}]'" in str(said.value)
    assert extra in EXTRAS
    assert "None" not in str(said.value)


ERRORS = [
    (ImportError("The 'sparse' library was not found. 'sparse' must be installed."), "sparse", "'spaxel[vendors]'"),
    (ModuleNotFoundError("No module named 'sparse'", name="sparse"), "sparse", "'spaxel[vendors]'"),
    (ModuleNotFoundError("No module named 'mrcz'", name="mrcz"), "mrcz", "mrcz"),
    (ImportError("The `imagecodecs` package is required"), "imagecodecs", "'spaxel[vendors]'"),
    (ImportError("something is missing"), "another library (something is missing)", "'spaxel[vendors]'"),
]


@pytest.mark.parametrize(("error", "library", "install"), ERRORS, ids=str)
def test_what_rosettasciio_lacks_is_named(tmp_path, monkeypatch, error, library, install):
    def refuse(*_):
        raise error

    monkeypatch.setattr(rosetta, "read_with", refuse)
    with pytest.raises(MissingExtra) as said:
        wdf(tmp_path)
    assert f"Reading a.wdf needs {library}, which is not installed. Try: pip install {install}" in str(said.value)
    assert not re.search(r"\bNone\b", str(said.value))
