import re
import subprocess
import sys
from importlib.resources import files

import pytest

import spaxel

HEAVY = ("torch", "numpy", "xarray", "sklearn", "scipy", "bokeh", "dask", "zarr", "rich")


@pytest.mark.parametrize("code", ["import spaxel; spaxel.__version__; dir(spaxel)", "import spaxel.cli"])
def test_importing_loads_nothing_heavy(code):
    program = f"import sys; {code}; print(sorted(set({HEAVY}) & set(sys.modules)), len(sys.modules))"
    heavy, count = subprocess.check_output([sys.executable, "-c", program], text=True).rsplit(" ", 1)
    assert heavy == "[]"
    assert int(count) < 700


def test_help_loads_nothing_heavy():
    program = (
        "import sys\nfrom spaxel.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print(sorted({set(HEAVY) - {'rich'}} & set(sys.modules)), file=sys.stderr)"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stderr.strip() == "[]"
    assert "segment" in found.stdout


def test_every_public_name_exists():
    program = "import spaxel; [getattr(spaxel, n) for n in spaxel.__all__]; print('torch' in __import__('sys').modules)"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "False"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Kmeans'"):
        _ = spaxel.Kmeans


def test_the_names_for_editors_are_the_public_names():
    stub = files("spaxel").joinpath("__init__.pyi").read_text("utf-8")
    told = {name: home for home, name in re.findall(r"^from (spaxel[\w.]*) import \w+ as (\w+)$", stub, re.M)}
    homes = {name: "spaxel" if name == home else f"spaxel.{home}" for name, home in spaxel._HOME.items()}
    assert told == homes  # a room that is public as it is lies in spaxel itself
    assert files("spaxel").joinpath("py.typed").is_file()


def test_python_runs_the_package_as_the_command():
    said = subprocess.check_output([sys.executable, "-m", "spaxel", "--version"], text=True)
    assert said.strip() == __import__("spaxel").__version__
