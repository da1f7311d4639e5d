"""Options per method: help shows those of the method that is named, with their values; others are refused with the nearest."""

import subprocess
import sys
from dataclasses import fields

import pytest

from spaxel.commands.method_options import declared, named_method, table, with_values_joined
from spaxel.methods.registry import METHODS, UNMIXING, method_class


def test_the_table_is_what_the_methods_declare():
    """After a change of a parameter: python -m spaxel.commands.method_options"""
    assert table() == declared()


@pytest.mark.parametrize("method", METHODS)
def test_help_shows_the_options_of_the_method_and_no_other(cli, method):
    verb = "unmix" if method in UNMIXING else "segment"
    code, out, err = cli(verb, "--help", "--method", method)
    assert (code, err) == (0, "")
    shown = {word for line in out.splitlines() for word in line.split() if word.startswith("--")}
    own = {f"--{field.name.replace('_', '-')}" for field in fields(method_class(method))} - {"--random-state"}
    own = {f"--{method}-despike" if option == "--despike" and method == "mcr" else option for option in own}
    assert own <= shown
    every = {f"--{field.name.replace('_', '-')}" for name in METHODS for field in fields(method_class(name))}
    assert not (every - own - {"--despike"}) & shown
    assert f"Options of {method}" in out


def words(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


def test_help_shows_defaults_and_values_of_that_method(cli):
    dsc, dgc = (words(cli("segment", "--method", name, "--help")[1]) for name in ("dsc", "dgc"))
    assert "(autoencoder, vae, beta-vae, infovae, vade; default autoencoder)" in dsc
    assert "default stable)" in dgc
    assert "(0 or more; default 20)" in dsc
    assert "(1 or more; default 8)" in dgc
    assert "(above 0 to 1; default 0.001)" in dsc
    assert "(above 0 to 1; default 0.004)" in dgc
    assert "--n-micro STR micro-clusters that the tree merges (2 to 512; default 48)" in dgc
    assert "(cpu, cuda, auto; default cpu)" in dsc
    assert "--device" not in cli("segment", "--help")[1]
    assert "--closure --no-closure of a table: abundances of a spectrum sum to 1 (default off)" in words(
        cli("unmix", "--help")[1]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["segment", "x", "-o", "y", "--n-cluster", "3"],
            "consensus has no option --n-cluster. Did you mean --n-clusters?",
        ),
        (
            ["segment", "x", "-o", "y", "--epochs=3"],
            "consensus has no option --epochs. Try --method dsc or dgc",
        ),
        (["segment", "x", "-o", "y", "--method=dgc", "--batch", "2"], "dgc has no option --batch"),
        (["unmix", "x", "-o", "y", "--method", "nmf", "--no-closure"], "Try --method mcr, which has it."),
        (
            ["segment", "x", "-o", "y", "--zzzzz", "3"],
            "no option --zzzzz. Try spaxel segment --method consensus --help.",
        ),
        (
            ["segment", "x", "-o", "y", "--method", "mcr"],
            "--method mcr belongs to spaxel unmix. Known here: kmeans, consensus, learned, dsc",
        ),
        (["unmix", "x", "-o", "y", "--method", "pca", "--k", "3"], "There is no method 'pca'. Known: kmeans"),
    ],
)
def test_an_option_of_another_method_is_refused_with_the_nearest(cli, arguments, message):
    code, out, err = cli(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (["--closure"], {"closure": True}),
        (["--no-closure"], {"closure": False}),
        (["--closure", "true"], {"closure": True}),
        (["--robust=no", "--despike", "5", "--mcr-despike", "false"], {"robust": False, "despike": "false"}),
        (["--signed", "auto", "--n-components", "3"], {"signed": "auto", "n_components": "3"}),
    ],
)
def test_options_become_parameters(cli, scan, monkeypatch, words, given):
    asked = {}
    monkeypatch.setattr("spaxel.workflow.runs.segment", lambda *_, **options: asked.update(options))
    monkeypatch.setattr("spaxel.commands.summary.print_all", lambda folder: None)
    assert cli("unmix", scan, "-o", "out", *words) == (0, "", "")
    assert asked["parameters"] == given | {"random_state": 0, "memory": 2**30}
    assert asked["steps"] == ([{"name": "despike", "parameters": {"threshold": 5.0}}] if "--despike" in words else [])
    assert asked["method"] == "mcr"


def test_the_last_method_counts_and_flags_keep_what_follows():
    assert named_method(["a", "--method", "dsc", "--method=dgc"], "kmeans") == "dgc"
    assert named_method(["a", "--method"], "kmeans") == "kmeans"
    assert with_values_joined(["--stream", "true", "--x", "true"], {"--stream"}) == ["--stream=true", "--x", "true"]
    assert with_values_joined(["--stream", "file.h5"], {"--stream"}) == ["--stream", "file.h5"]


def test_help_waits_for_no_method():
    heavy = ["numpy", "sklearn", "scipy", "xarray", "pandas", "dask", "zarr", "bokeh", "torch", "tifffile", "pydantic"]
    code = (
        "import sys\nfrom spaxel.cli import main\n"
        "for words in (['--help'], ['segment', '--help'], ['unmix', '--help', '--method', 'ebgmcr'], ['info', '--help'],\n"
        "              ['cut', '--help'], ['report', '--help'], ['simulate', '--help'], ['demo', '--help'], ['--version']):\n"
        "    main(words)\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "[]"


ALWAYS = [
    "torch",
    "lightning_fabric",
    "distributed",
    "tifffile",
    "scipy.signal",
    "matplotlib",
    "astropy",
    "rasterio",
    "PIL",
]
LOOKED_FOR = ["numba", "pint", "h5py"]  # that others import where they are installed, and readers that are not called
PAGES = ["bokeh"]


VERBS = [  # what each loads is there for those after it, so that fewer names must be absent from verb to verb
    (["info", "SCAN"], ["sklearn", "scipy.stats", "scipy.optimize", "scipy.ndimage", *PAGES]),
    (["score", "OUT"], ["sklearn", "scipy.stats", "scipy.ndimage", *PAGES]),
    (["export", "OUT", "--to", "csv", "-o", "tables"], ["sklearn", "scipy.stats", "scipy.ndimage", *PAGES]),
    (["cut", "OUT", "2"], ["sklearn", "scipy.stats"]),
    (["report", "OUT"], ["sklearn", "scipy.stats"]),
    (["segment", "SCAN", "-o", "new", "--n-clusters", "2"], ["scipy.spatial.transform._rotation"]),
]


def test_a_verb_loads_what_it_uses(scan, own_run, tmp_path):
    paths = {"SCAN": str(scan), "OUT": str(own_run)}
    asked = [([paths.get(word, word) for word in words], ALWAYS + LOOKED_FOR + absent) for words, absent in VERBS]
    code = f"""
import sys
from spaxel.cli import main
for words, absent in {asked}:
    sys.argv = ["spaxel", *words]
    main()
    print("loaded by", words[0], [name for name in absent if sys.modules.get(name)])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    told = [line for line in done.stdout.splitlines() if line.startswith("loaded by")]
    assert told == [f"loaded by {words[0]} []" for words, _ in VERBS]
