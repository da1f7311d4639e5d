"""A run folder from a stranger reaches nothing outside of itself; addresses on the net are refused in words."""

import json
import shutil
from pathlib import Path

import pytest

import spaxel
from spaxel.errors import Exists, ParameterError, ReadError
from spaxel.store.here import check_local
from spaxel.store.places import is_plain, placed
from spaxel.store.run_folder import read_json, write_arrays, write_history, write_json
from spaxel.testing import tiny_cube
from spaxel.workflow.beside import folder_names
from spaxel.workflow.runs import recut, segment


def content(folder):
    """Everything in a folder: bytes of files, targets of links."""
    return {
        str(p.relative_to(folder)): p.readlink() if p.is_symlink() else p.read_bytes() if p.is_file() else None
        for p in folder.rglob("*")
    }


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A run of two cubes. Not to be changed."""
    folder = tmp_path_factory.mktemp("two")
    paths = [spaxel.write_cube(tiny_cube(12, 9, seed=n), folder / f"{name}.zarr") for n, name in enumerate("ab")]
    return segment(paths, folder / "run", parameters={"n_clusters": 3, "n_micro": 9}, method="kmeans")


@pytest.fixture
def victim(own_run):
    """A run that somebody else's run would like to change."""
    return own_run


def attacking(run, change):
    about = json.loads((run / "run.json").read_text("utf-8"))
    change(about)
    (run / "run.json").write_text(json.dumps(about), "utf-8")


OUTSIDE = [
    *("../run", "../../{test}/run", "{victim}", "a/../../run", "a/../b", "./a", "a/", "..", ".", "", "a\0b", "a\nb"),
    *("a\\..\\..\\run", "..\\run", "C:", "C:\\run", "C:run", "\\\\server\\share", "\\run", "result.zarr", "run.json"),
]
WHERE = [("inputs", name) for name in OUTSIDE] + [("reference", name) for name in OUTSIDE[:4]]


@pytest.mark.parametrize(("how", "name"), WHERE)
def test_names_that_lead_elsewhere(cli, two, scan, victim, tmp_path, name, how):
    evil = Path(shutil.copytree(two, tmp_path / "evil"))
    name = name.format(victim=victim, test=tmp_path.name)

    def change(about):
        about["inputs"] = {name: "x"} if how == "inputs" else about["inputs"]
        about["reference"] = [name] if how == "reference" else []

    attacking(evil, change)
    before = content(tmp_path)
    for verb in (["cut", evil, 2], ["report", evil], ["predict", evil, scan, "-o", tmp_path / "new"]):
        code, out, error = cli(*verb)
        assert (code, out) == (2, "")
        assert "which is no folder in the run" in error
    assert content(tmp_path) == before


@pytest.mark.parametrize("value", [["a", "b"], "ab", 3, {"a": 1, "b": 2, "../run": 3}])
def test_inputs_of_another_kind(two, tmp_path, value):
    evil = Path(shutil.copytree(two, tmp_path / "evil"))
    attacking(evil, lambda about: about.update(inputs=value))
    with pytest.raises(ReadError, match=r"Try to segment again"):
        read_json(evil)


@pytest.mark.parametrize("kind", ["absolute", "relative"])
def test_a_cube_that_is_a_link_to_another_run(cli, two, victim, tmp_path, kind):
    evil = Path(shutil.copytree(two, tmp_path / "evil"))
    shutil.rmtree(evil / "a")
    (evil / "a").symlink_to(victim if kind == "absolute" else Path("..") / victim.name)
    before = content(tmp_path)
    for verb in (["cut", evil, 2], ["report", evil]):
        assert cli(*verb)[0] == 2
    assert content(tmp_path) == before


def test_a_run_that_is_reached_by_a_link_is_a_run(two, tmp_path):
    run = Path(shutil.copytree(two, tmp_path / "real"))
    (tmp_path / "link").symlink_to(run)
    recut(tmp_path / "link", 2)
    assert (tmp_path / "link").is_symlink()
    assert read_json(run)["level"] == 2


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize(
    ("name", "verbs"),
    [
        ("report.html", ["report", "cut"]), ("run.json", ["redshift", "cut"]), ("activation.csv", ["cut"]),
    ],
)  # fmt: skip
def test_nothing_is_written_through_a_link(cli, own_run, tmp_path, name, verbs, there):
    target = tmp_path / "target"
    if there or name != "report.html":  # a page may also be a link to nothing yet
        shutil.copy(own_run / name, target)
    (own_run / name).unlink()
    (own_run / name).symlink_to(target)
    before = content(tmp_path)
    for verb in verbs:
        commands = {
            "report": ["report", own_run], "redshift": ["report", own_run, "--redshift", 0.1], "cut": ["cut", own_run, 2]
        }  # fmt: skip
        code, _, error = cli(*commands[verb])
        assert code == 2
        assert "nothing in a run is written through a link" in error
    assert content(tmp_path) == before


@pytest.mark.parametrize("name", ["a/report.html", "a/run.json", "b/activation.csv", "activation.csv", "report.html"])
def test_nor_through_one_in_a_cube_of_a_run(cli, two, tmp_path, name):
    run = Path(shutil.copytree(two, tmp_path / "run"))
    shutil.copy(run / name, tmp_path / "target")
    (run / name).unlink()
    (run / name).symlink_to(tmp_path / "target")
    before = content(tmp_path)
    assert cli("cut", run, 2)[0] == 2
    assert content(tmp_path) == before


def test_a_result_that_is_a_link_is_replaced_and_not_followed(own_run, tmp_path):
    shutil.move(own_run / "result.zarr", tmp_path / "elsewhere")
    (own_run / "result.zarr").symlink_to(tmp_path / "elsewhere")
    before = content(tmp_path / "elsewhere")
    recut(own_run, 2)
    assert content(tmp_path / "elsewhere") == before
    assert not (own_run / "result.zarr").is_symlink()


@pytest.mark.parametrize("write", [write_json, write_arrays, write_history])
def test_whatever_writes_a_file_of_a_run_asks(tmp_path, write):
    (tmp_path / "target").write_text("mine")
    for name in ("run.json", "arrays.safetensors", "history.jsonl"):
        (tmp_path / name).symlink_to(tmp_path / "target")
    with pytest.raises(Exists, match="is a link"):
        write(tmp_path, [] if write is write_history else {})
    assert (tmp_path / "target").read_text() == "mine"


def test_a_file_of_a_run_is_the_old_one_or_the_new_one(tmp_path):
    (tmp_path / "a.csv").write_text("old")

    def fail():
        with placed(tmp_path, "a.csv") as beside:
            beside.write_text("half")
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        fail()
    assert (tmp_path / "a.csv").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_names_of_cubes_are_such_that_the_run_can_be_read(tmp_path):
    awkward = ["a\\b.npy", "C:x.npy", "run.json.npy", "result.zarr.zarr", "x\ny.npy", "12:30.npy", "ä b.npy", "a-b.npy"]
    names = folder_names(awkward)
    assert len(set(names)) == len(awkward)
    assert all(is_plain(name) for name in names)
    assert names[5:7] == ["12:30", "ä b"]


def test_what_to_try_is_said():
    with pytest.raises(ParameterError, match="the path alone, without file://"):
        check_local("file:///tmp/a")


@pytest.mark.parametrize("path", ["C:/data/a.npy", "C:\\data", "a.npy", "/a/b", "12:30/a", "a:b", "a b://c"])
def test_paths_of_this_computer_are_no_addresses(path):
    for write in (True, False):
        check_local(path, write=write)


def test_a_folder_that_looks_like_an_address_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("s3:/bucket").mkdir(parents=True)
    assert check_local("s3://bucket") == Path("s3:/bucket")
