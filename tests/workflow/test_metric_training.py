"""`spaxel train-metric`: a file of weights that `--method learned` takes; the same seed, the same bits, also after a kill."""

import numpy as np
import pytest

import spaxel
from spaxel.cli import main
from spaxel.errors import Exists, NotFound, ParameterError
from spaxel.methods.learned import galaxies, learning
from spaxel.methods.learned.fields import IFU, MAXRF
from spaxel.methods.learned.weights import read_weights
from spaxel.methods.learned.worlds import draw_worlds
from spaxel.training.checkpoint import Keeper
from spaxel.workflow.foreseen import foresee
from spaxel.workflow.metric_training import train_metric
from spaxel.workflow.plan import RunPlan
from spaxel.workflow.resuming import key_of_run

pytest.importorskip("torch")
SMALL = {"worlds": 8, "epochs": 2}


@pytest.fixture(scope="module")
def eight():
    return draw_worlds(MAXRF, 8, 0)


@pytest.fixture(autouse=True)
def short(monkeypatch, eight):
    from spaxel.methods.learned.net import training

    monkeypatch.setattr(training, "STEPS", 5)
    monkeypatch.setattr(learning, "draw_worlds", lambda field, n, seed: {(8, 0): eight, (8, 1): eight}[n, seed])


def test_worlds_are_drawn_one_by_one(eight):
    """More of them begin with the same ones, so that a longer training sees what a shorter one saw."""
    few = draw_worlds(MAXRF, 2, 0)
    for name in ("own", "around", "labels"):
        assert np.array_equal(getattr(few, name), getattr(eight, name)[:2])
    assert few.own.shape[2] == len(MAXRF.edges) - 1
    assert not np.array_equal(few.own[:1], draw_worlds(MAXRF, 1, 4).own)
    assert np.abs(np.linalg.norm(eight.means, axis=1) - 1).max() < 1e-9
    assert [len(np.unique(one)) >= 2 for one in eight.labels] == [True] * 8


def test_the_command_and_what_it_is_for(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["spaxel", "train-metric", "maxrf", "-o", "a.safetensors", "--worlds", "8",
                                     "--epochs", "1", "--quiet"])  # fmt: skip
    main()
    assert "--method learned --weights a.safetensors" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.safetensors"]
    about = read_weights("a.safetensors")[1]
    assert (about["field"], about["worlds"], about["seed"]) == ("maxrf", 8, 0)
    cube = spaxel.simulate("maxrf", height=20, width=20, channels=200).load()
    model = spaxel.LearnedMetric(n_clusters=3, weights="a.safetensors", n_init=1).fit(cube)
    assert model.info_["field"] == "maxrf"
    model.save("model")
    (tmp_path / "a.safetensors").unlink()  # the model has its own
    assert np.array_equal(spaxel.load("model").predict(cube)["labels"], model.predict(cube)["labels"])


def test_a_training_that_was_killed_goes_on_with_the_same_bits(tmp_path, monkeypatch):
    train_metric("maxrf", tmp_path / "whole.safetensors", **SMALL)
    write, calls = Keeper.write, []

    def killed(self, epoch):
        write(self, epoch)
        calls.append(epoch)
        if len(calls) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(Keeper, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        train_metric("maxrf", tmp_path / "a.safetensors", **SMALL)
    assert (tmp_path / "a.safetensors.checkpoint").exists()
    with pytest.raises(Exists, match="--resume"):
        train_metric("maxrf", tmp_path / "a.safetensors", **SMALL)
    with pytest.raises(ParameterError, match="seed"):
        train_metric("maxrf", tmp_path / "a.safetensors", **SMALL, seed=1, resume=True)
    train_metric("maxrf", tmp_path / "a.safetensors", **SMALL, resume=True)
    one, other = (read_weights(tmp_path / f"{name}.safetensors")[0] for name in ("whole", "a"))
    for a, b in zip(one, other, strict=True):
        assert np.array_equal(a, b)
    assert not (tmp_path / "a.safetensors.checkpoint").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"field": "tea"}, "no field 'tea'"),
        ({"worlds": 3}, "worlds"),
        ({"epochs": 0}, "epochs"),
        ({"out": "a.bin"}, r"ends with .safetensors"),
        ({"device": "gpu"}, "expected one of cpu"),
    ],
)
def test_what_cannot_be(tmp_path, monkeypatch, options, message):
    monkeypatch.setattr(learning, "draw_worlds", None)  # before anything is made
    given = {"field": "maxrf", "out": "a.safetensors"} | options
    with pytest.raises(ParameterError, match=message):
        train_metric(given.pop("field"), tmp_path / given.pop("out"), **given)
    assert not list(tmp_path.iterdir())


def test_nothing_is_replaced_unasked(tmp_path, monkeypatch):
    monkeypatch.setattr(learning, "draw_worlds", None)
    (tmp_path / "a.safetensors").write_bytes(b"mine")
    with pytest.raises(Exists, match="--overwrite"):
        train_metric("maxrf", tmp_path / "a.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == b"mine"


@pytest.mark.parametrize("out", ["none/a.safetensors", "memory://a.safetensors"])
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_made(tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(learning, "draw_worlds", None)
    with pytest.raises((NotFound, ParameterError), match=r"no folder none|an address"):
        train_metric("maxrf", out)
    assert not list(tmp_path.iterdir())


def test_weights_that_are_replaced_are_other_weights(tmp_path, monkeypatch):
    """A run that was interrupted does not go on with a model of older weights under the name of the new ones."""
    plan, place = RunPlan(paths=[], out=tmp_path / "run"), tmp_path / "a.safetensors"
    keys = []
    for content in (b"one", b"two"):
        place.write_bytes(content)
        keys.append(key_of_run(plan, spaxel.LearnedMetric(weights=str(place)), []))
    assert keys[0] != keys[1]


def test_a_dry_run_sees_a_file_of_weights_that_is_not_there(tmp_path):
    spaxel.write_cube(spaxel.simulate("maxrf", height=16, width=16, channels=64), tmp_path / "c.zarr")
    plan = RunPlan(
        paths=[tmp_path / "c.zarr"], out=tmp_path / "run", method="learned", parameters={"weights": "none.safetensors"}
    )
    with pytest.raises(NotFound, match=r"no file of weights none.safetensors"):
        foresee(plan)


def test_galaxies_are_learned_from_too(tmp_path, monkeypatch):
    drawn = draw_small_galaxies(monkeypatch)
    monkeypatch.setattr(learning, "draw_worlds", lambda field, n, seed: drawn)
    for name in ("a", "b"):
        train_metric("ifu", tmp_path / f"{name}.safetensors", **SMALL)
    one, other = (read_weights(tmp_path / f"{name}.safetensors") for name in ("a", "b"))
    assert one[1]["field"] == "ifu"
    assert one[0].first.shape[0] == len(IFU.edges) + 1
    for a, b in zip(one[0], other[0], strict=True):
        assert np.array_equal(a, b)
    assert 0.01 < one[0].limit[0] < 1


def draw_small_galaxies(monkeypatch):
    monkeypatch.setattr(galaxies, "SIDES", (26, 27))
    drawn = draw_worlds(IFU, 8, 0)
    few = draw_worlds(IFU, 1, 0)
    assert np.array_equal(few.own, drawn.own[:1])
    assert drawn.covered.shape == (8, len(IFU.edges) - 1)
    assert not drawn.own[~np.broadcast_to(drawn.covered[:, None], drawn.own.shape)].any()
    assert np.isfinite(drawn.own).all()
    assert drawn.means.shape == (40, len(IFU.edges) - 1)
    return drawn
