"""Every method through the command on every kind of data: run, --overwrite, --resume after a kill, predict, cut, report.

What must refuse is in `refusal`, what may be said on stderr in SAID; anything else there, and any warning of a library, fails.
Pages are written by `report` alone, and Bokeh writes their figures for one kind of data: both take half of the time.
"""

import html
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import spaxel
from spaxel.store.run_folder import read_arrays, read_json, read_result
from spaxel.training.checkpoint import Keeper

SMALL = ("--n-init", "2", "--n-micro", "8", "--max-clusters", "5")
SEGMENT = {
    "kmeans": SMALL,
    "consensus": SMALL,
    "learned": SMALL,
    "dsc": (*SMALL, "--epochs", "2", "--context", "3"),
    "dgc": ("--n-micro", "6", "--max-clusters", "4", "--epochs", "1", "--epochs-views", "1", "--tiles", "1", "--reuse", "2",
            "--width", "8", "--n-sample", "200"),
}  # fmt: skip
UNMIX = {
    "mcr": (),
    "ebgmcr": ("--epochs", "4"),
    "nmf": ("--n-components", "3"),
    "mcr-als": ("--n-components", "3", "--max-iter", "10"),
    "library": ("--background", "2", "--most", "3", "--n-sample", "60"),  # and --library, of the kind of data
}
METHODS = SEGMENT | UNMIX
TRAINED = ("dsc", "dgc")  # write a checkpoint
KINDS = ("counts", "reflectance", "flux", "raman", "eds", "table", "several", "border", "gaps")
LABELLED = ("counts", "reflectance", "flux", "several", "gaps")  # every method finds their three materials
GUESSED = ("table.csv: took the first row as axis values", "the header of table.csv has no unit; took nm")
DOUBTS = (
    r"\d+ of \d+ samples are explained much worse",
    "The components are not unique",
    r"Samples hold \d\.\d of \d+ components on average",
    r"\d+\.\d+% of the values are spikes",
    r"\d+ of \d+ components occur in a single sample",
    r"\d+ components in \d+ samples",
    r"The noise leaves the components uncertain",
    r"The last of \d+ components stands only",
    r"The edge of the noise counts \d+ components",
    r"The spectrum of component \d+ is uncertain: starts that fit as well",
)
LIBRARY = (r"In \d+ (pixels|samples)", r"\d+ of \d+ spectra")
SAID = {
    "library": LIBRARY,
    "mcr": DOUBTS,
    "ebgmcr": DOUBTS,
    "nmf": (),
    "mcr-als": ("MCR-ALS did not settle in 10 iterations",),
}

pytestmark = pytest.mark.filterwarnings("always::UserWarning")  # they are printed, and looked at there


def refusal(method, kind, step):
    """What the sentence of a cell that must refuse says; None for a cell that must run."""
    if (method, kind) == ("dgc", "table"):
        return "looks at the surroundings of pixels" if step in ("run", "resume") else "is no run"
    if step == "cut" and method in UNMIX:
        return "no merge tree"
    if step == "report" and (method in UNMIX and kind == "several"):
        return "Try one of its folders: day1, day2"
    return None


def again(method, kind):
    """Whether a cell is run twice: every third, so that each method is on three kinds and each kind by three methods."""
    return ([*METHODS].index(method) + KINDS.index(kind)) % 3 == 0


class Cell:
    """One method on one kind of data: its first run, and what must come out again."""

    def __init__(self, call, method, kind, data, folder):
        self.call = call
        self.method, self.kind, self.files, self.lit = method, kind, data.files, data.lit
        self.options = (*METHODS[method], *(("--library", data.library) if method == "library" else ()))
        self.folder, self.run = folder, folder / "run"
        self.first = self.make("run")
        self.results = [read_result(place).load() for place in self.places(self.run)] if self.first[0] == 0 else []

    def make(self, name, *more):
        """The command that makes a run of this name."""
        verb = "segment" if self.method in SEGMENT else "unmix"
        return self.call(verb, *self.files, "-o", self.folder / name, "--method", self.method, *self.options, *more)

    def places(self, run):
        """The folders of the results in a run."""
        return [run / path.stem for path in self.files] if len(self.files) > 1 else [run]

    def check(self, step, answer):
        """Whether the cell may go on after an answer: False after the refusal that is expected."""
        code, out, err = answer
        expected, lines = refusal(self.method, self.kind, step), err.splitlines()
        if expected is not None:
            assert (code, out) == (2, "")
            assert expected in lines.pop()
        else:
            assert (code, err) == (0, err)
            assert "report: " in out
        known = ["There is no .* to resume from, so the fit begins anew"] * (step == "resume")
        known += [*GUESSED * (self.kind == "table"), *SAID.get(self.method, ())]
        known += [r".*border.zarr: 33 of 132 pixels \(25%\) are no data: .*"] * (self.kind == "border")
        known += ["Negative values count as 0"] * (self.method in ("nmf", "mcr-als") and self.kind == "flux")
        assert [line for line in lines if not any(re.match(f"spaxel: {text}", line) for text in known)] == []
        return expected is None

    def same(self, name):
        """Whether a run of this name has the bits of the first one."""
        for place, result in zip(self.places(self.folder / name), self.results, strict=True):
            xr.testing.assert_identical(read_result(place).load(), result)
        arrays, first = read_arrays(self.folder / name), read_arrays(self.run)
        assert set(arrays) == set(first)
        assert [key for key in first if not np.array_equal(arrays[key], first[key], equal_nan=True)] == []
        assert read_json(self.folder / name)["learned"] == read_json(self.run)["learned"]


@pytest.fixture(scope="module", autouse=True)
def no_pages():
    """Pages are written by `report` alone."""

    def report(folder):
        (folder / "report.html").write_text("")  # its place is named in what is printed
        return folder

    with pytest.MonkeyPatch.context() as patch:
        for place in ("runs", "recut"):
            patch.setattr(f"spaxel.workflow.{place}.reporting", SimpleNamespace(report=report))
        yield


@pytest.fixture(scope="module", params=[(method, kind) for kind in KINDS for method in METHODS], ids="-".join)
def cell(request, no_pages, kinds, call, tmp_path_factory):
    """The first run of a cell, for all steps after it."""
    method, kind = request.param
    return Cell(call, method, kind, kinds[kind], tmp_path_factory.mktemp("cell"))


def test_run(cell):
    if not cell.check("run", cell.first):
        assert list(cell.folder.iterdir()) == []
        return
    assert [path.name for path in cell.folder.iterdir()] == ["run"]
    for result, lit, path in zip(cell.results, cell.lit, cell.files, strict=True):
        held = (result["labels"] >= 0).values
        assert np.array_equal(held, lit) or (
            cell.method == "library" and (held <= lit).all()
        )  # it may find nothing in one
        assert result["labels"].min() >= -1
        assert np.array_equal(np.isfinite(result["confidence"]), lit)
        sizes = np.bincount(result["labels"].values[held], minlength=result.sizes["component"])
        assert np.array_equal(result["component_size"], sizes)
        k, channels = result["component_spectra"].shape
        assert (k, channels) == (result.sizes["component"], result.sizes["channel"])
        assert np.isfinite(result["component_spectra"]).all()
        read = spaxel.open_cube(path, **({"units": "nm", "header": True} if cell.kind == "table" else {}))
        assert np.isin(result["channel"], read["channel"]).all()
        assert channels > 0.9 * read.sizes["channel"]
        assert result["channel"].attrs["units"] == read["channel"].attrs["units"]
        if cell.method in UNMIX:
            assert result["abundances"].shape == (*lit.shape, k)
            assert np.array_equal(np.isfinite(result["abundances"]).all("component"), lit)
    about = [read_json(place) for place in cell.places(cell.run)]
    assert [run["input"]["path"] for run in about] == [str(path) for path in cell.files]
    if cell.kind in LABELLED:
        assert [run["score"]["accuracy"] for run in about if run["score"]["accuracy"] <= 0.8] == []


def test_overwrite(cell):
    """Refused unless it is said. What is trained is overwritten in the next test."""
    if cell.first[0]:
        assert not cell.check("run", cell.make("run", "--overwrite"))
        return
    before = (cell.run / "run.json").read_bytes()
    code, out, err = cell.make("run")
    assert (code, out) == (2, "")
    assert "run exists already. Try another name, or overwrite." in err
    assert (cell.run / "run.json").read_bytes() == before
    if cell.method not in TRAINED and again(cell.method, cell.kind):
        assert cell.check("overwrite", cell.make("run", "--overwrite"))
        cell.same("run")


def test_resume(cell, monkeypatch):
    """Killed after the first epoch, the old run is as it was; resumed, the new one has the same bits."""
    if cell.method not in TRAINED:
        pytest.skip("goes on after the fit only: tests/workflow/test_resuming.py")
    if cell.first[0]:
        assert not cell.check("resume", cell.make("new", "--resume"))
        return
    write = Keeper.write

    def last(keeper, epoch):
        write(keeper, epoch)
        raise KeyboardInterrupt

    before = (cell.run / "run.json").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(Keeper, "write", last)
        assert cell.make("run", "--overwrite")[0] == 130
    cell.same("run")
    assert (cell.run / "run.json").read_bytes() == before
    assert cell.check("resume", cell.make("run", "--overwrite", "--resume"))
    cell.same("run")
    assert (cell.run / "run.json").read_bytes() != before
    assert [path.name for path in cell.folder.iterdir()] == ["run"]


def test_predict(cell, call, tmp_path):
    """On the last of its own cubes, the same maps."""
    if not cell.check("predict", call("predict", cell.run, cell.files[-1], "-o", tmp_path / "again")):
        return
    again, result = read_result(tmp_path / "again").load(), cell.results[-1]
    assert set(again.variables) == set(result.variables)
    for name in result.variables:
        xr.testing.assert_equal(again[name], result[name])


def test_through_the_interface(cell):
    """What was found through the command, from Python: the model of the run, on a cube that is opened here."""
    if cell.method != "library":
        pytest.skip("the others: tests of each method")
    cube = spaxel.open_cube(cell.files[-1], **({"units": "nm", "header": True} if cell.kind == "table" else {}))
    again = spaxel.load(cell.run).transform(cube)
    for name in ("labels", "abundances", "presence", "abundance_error", "confidence"):
        np.testing.assert_array_equal(again[name], cell.results[-1][name])


def test_cut(cell, call, tmp_path):
    run = tmp_path / "run"
    if cell.first[0] == 0:
        shutil.copytree(cell.run, run)
    if cell.check("cut", call("cut", run, 2)):
        for place, result, lit in zip(cell.places(run), cell.results, cell.lit, strict=True):
            now = read_result(place).load()
            xr.testing.assert_equal(now["labels"], spaxel.cut(result, 2)["labels"])
            assert now.sizes["component"] == 2
            assert np.array_equal(now["labels"] >= 0, lit)
            assert now["component_size"].sum() == lit.sum()
    elif cell.method in UNMIX:
        for place, result in zip(cell.places(run), cell.results, strict=True):
            xr.testing.assert_identical(read_result(place).load(), result)
        assert call("cut", run, "--name", "0=water")[0] == 0
        assert [str(read_result(place)["component"].values[0]) for place in cell.places(run)] == ["water"] * len(
            cell.lit
        )


def test_report(cell, call, monkeypatch):
    if cell.kind != "counts" and (cell.method, cell.kind) != ("kmeans", "several"):
        monkeypatch.setattr("spaxel.reporting.page.embedded", lambda figures: ("", [""] * len(figures)))
    if cell.check("report", call("report", cell.run)):
        assert cell.files[-1].stem in read_page(cell.run)
    if not cell.results:
        return
    place, result, lit = cell.places(cell.run)[-1], cell.results[-1], cell.lit[-1]
    if len(cell.files) > 1:
        assert call("report", place) == (0, f"report: {place / 'report.html'}\n", "")
    text = read_page(place)
    assert result.attrs["sentence"] in text
    assert (f"{(~lit).sum()} of {lit.size} pixels hold no data" in text) == (not lit.all())
    assert ("truth" in text.lower()) == ("truth_labels" in result)


def read_page(place):
    """The page of a run as text, whole."""
    text = (place / "report.html").read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert text.rstrip().endswith("</html>")
    assert "<!--figure" not in text
    return html.unescape(text)
