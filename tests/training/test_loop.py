import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from spaxel.errors import MissingExtra, ParameterError, SpaxelError
from spaxel.pace import progress
from spaxel.training import check_extra
from spaxel.training.loop import train
from spaxel.training.plan import Loss, Plan


class Line(nn.Module):
    """y = a x + b with noise drawn from the step's generator: enough of an objective."""

    def __init__(self, noise=0.1):
        super().__init__()
        self.a, self.b, self.noise = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1)), noise

    def forward(self, batch, step):
        x, y = batch
        shaken = y + self.noise * torch.randn(y.shape, generator=step.generator)
        square = ((self.a * x + self.b - shaken) ** 2).mean()
        return Loss(square, {"square": square})

    def state(self):
        return self.a.item(), self.b.item()


def batches(epoch):
    rng = np.random.default_rng(epoch)
    for _ in range(3):
        x = torch.tensor(rng.normal(size=8), dtype=torch.float32)
        yield x, 2 * x + 1


def test_it_learns_and_tells():
    line = Line()
    trained = train(line, batches, Plan(200, rate=0.05))
    assert line.state() == pytest.approx((2, 1), abs=0.1)
    assert len(trained.history) == 200
    assert trained.history[-1]["square"] < trained.history[0]["square"] / 100
    assert set(trained.history[0]) == {"epoch", "total", "square", "score"}


def test_same_seed_same_bits_and_nothing_global_is_touched():
    torch.manual_seed(3)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(2)
    first, again, other = Line(), Line(), Line()
    for line, seed in ((first, 1), (again, 1), (other, 2)):
        train(line, batches, Plan(5, seed=seed))
    assert first.state() == again.state() != other.state()
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_num_threads() == 2
    torch.set_num_threads(threads)


def test_the_best_state_is_kept():
    line, scores = Line(), iter([5.0, 3.0, 1.0, 2.0, 4.0])
    kept = {}
    trained = train(line, batches, Plan(4), score=lambda: kept.setdefault(line.state(), next(scores)))
    assert trained.best == 2
    assert kept[line.state()] == 1.0
    worse = Line()
    assert train(worse, batches, Plan(3), score=iter([1.0, 2.0, 2.0, 2.0]).__next__).best == 0
    assert worse.state() == (0, 0)


@pytest.mark.parametrize("cut", [1, 3])
def test_resuming_gives_the_same_bits(tmp_path, cut):
    whole, parts = Line(), Line()
    score = lambda line: lambda: (line.a.item() - 2) ** 2  # noqa: E731
    expected = train(whole, batches, Plan(6, rate=0.1), score=score(whole))
    train(parts, batches, Plan(cut, rate=0.1, checkpoint=tmp_path / "c"), score=score(parts))
    fresh = Line()
    resumed = train(fresh, batches, Plan(6, rate=0.1, checkpoint=tmp_path / "c"), score=score(fresh))
    assert fresh.state() == whole.state()
    assert resumed == expected
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


def steps_of(line, epochs, **options):
    """How far each epoch of a training on one line without noise moves it at rate 0.01."""
    seen = [line.state()]
    train(line, lambda _: [(torch.ones(8), torch.full((8,), 100.0))], Plan(epochs, rate=0.01, **options),
          score=lambda: seen.append(line.state()) or 0.0)  # fmt: skip
    return np.diff([a for a, _ in seen[1:]])


def test_rates_fall_as_half_a_wave_where_asked_for():
    """Far from its goal Adam moves by the rate in every step."""
    expected = 0.01 * (0.5 + 0.5 * np.cos(np.pi * np.arange(8) / 8))
    assert np.allclose(steps_of(Line(0.0), 8, decay=True), expected, rtol=0.02)
    assert np.allclose(steps_of(Line(0.0), 8), 0.01, rtol=0.02)


@pytest.mark.parametrize("cut", [1, 3])
def test_resuming_a_falling_rate_gives_the_same_bits(tmp_path, cut):
    whole, broken, fresh = Line(), Line(), Line()
    plan = Plan(6, rate={"": 0.1, "b": 0.02}, decay=True)
    expected = train(whole, batches, plan)
    kept = Plan(6, rate=plan.rate, decay=True, checkpoint=tmp_path / "c")
    train(broken, batches, kept, stop=lambda history: len(history) == cut)
    assert broken.state() != whole.state()
    resumed = train(fresh, batches, kept)
    assert fresh.state() == whole.state()
    assert str(resumed.history) == str(expected.history)


def uneven(epoch):
    """Epoch i has 1 + i batches."""
    for _ in range(1 + epoch):
        yield from list(batches(epoch))[:1]


def test_resuming_gives_the_same_bits_also_where_epochs_differ_in_length(tmp_path):
    whole, steps, part, rest = Line(), [], Line(), []
    train(whole, uneven, Plan(4, rate=0.1), after_step=steps.append)
    assert [(s.epoch, s.number) for s in steps] == [(e, n) for n, e in enumerate(np.repeat(range(4), range(1, 5)))]
    assert len({s.generator.initial_seed() for s in steps}) == len(steps)
    train(Line(), uneven, Plan(2, rate=0.1, checkpoint=tmp_path / "c"))
    train(part, uneven, Plan(4, rate=0.1, checkpoint=tmp_path / "c"), after_step=rest.append)
    assert part.state() == whole.state()
    assert [s.number for s in rest] == [s.number for s in steps if s.epoch > 1]


def test_one_batch_is_asked_for_at_a_time():
    given, done = [], []

    def told(epoch):
        for batch in batches(epoch):
            assert len(given) == len(done)
            given.append(epoch)
            yield batch

    train(Line(), told, Plan(2), after_step=done.append)
    assert len(given) == len(done) == 6


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    train(Line(), batches, Plan(1, checkpoint=tmp_path / "c"))
    with pytest.raises(SpaxelError, match="another model"):
        train(nn.Sequential(nn.Linear(2, 2)), batches, Plan(2, checkpoint=tmp_path / "c"))


def test_hooks():
    steps, line = [], Line()
    trained = train(line, batches, Plan(50), after_step=steps.append, stop=lambda history: len(history) == 4)
    assert len(trained.history) == 4
    assert [s.number for s in steps] == list(range(12))
    assert {s.epochs for s in steps} == {50}


def test_rates_by_name():
    line = Line()
    train(line, batches, Plan(3, rate={"": 0.1, "b": 0.0}))
    assert line.a.item() != 0
    assert line.b.item() == 0


def test_what_it_refuses():
    with pytest.raises(ParameterError, match="device is 'tpu'"):
        train(Line(), batches, Plan(1, device="tpu"))
    if not torch.cuda.is_available():
        with pytest.raises(ParameterError, match="no such device"):
            train(Line(), batches, Plan(1, device="cuda"))
        train(Line(), batches, Plan(1, device="auto"))
    with pytest.raises(SpaxelError, match="not finite in epoch 1"):
        train(Line(float("nan")), batches, Plan(1))


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_nothing_is_said(capfd, precision):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(Line(), batches, Plan(1, precision=precision))
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")


def test_a_missing_library_is_named(monkeypatch):
    check_extra("The test")
    monkeypatch.setattr("spaxel.training.find_spec", lambda name: None if name == "lightning_fabric" else object())
    with pytest.raises(MissingExtra, match=r"The test needs Lightning Fabric.*pip install 'spaxel\[deep\]'"):
        check_extra("The test")


def test_what_a_training_depends_on_is_held_in_the_checkpoint(tmp_path):
    train(Line(), batches, Plan(2, checkpoint=tmp_path / "c", about={"seed": 1, "name": "a"}))
    train(Line(), batches, Plan(3, checkpoint=tmp_path / "c", about={"name": "a", "seed": 1}))
    with pytest.raises(ParameterError, match=r"training: more is \[1\], there None; name is 'b', there 'a'"):
        train(Line(), batches, Plan(4, checkpoint=tmp_path / "c", about={"seed": 1, "name": "b", "more": (1,)}))
    with pytest.raises(ParameterError, match="2 epochs are asked for, there 3 are done"):
        train(Line(), batches, Plan(2, checkpoint=tmp_path / "c", about={"seed": 1, "name": "a"}))
    (tmp_path / "c").write_text("no")
    with pytest.raises(SpaxelError, match="is no checkpoint, or damaged"):
        train(Line(), batches, Plan(2, checkpoint=tmp_path / "c"))


def twice(path, batches=batches, stopped=None):
    """Two trainings of one method with one checkpoint; a line each with what is told of it."""
    first, second, done = Line(), Line(), []

    def told(epoch, epochs):
        if len(done) == stopped:
            raise KeyboardInterrupt
        done.append((epoch, epochs))

    trained = []
    for phase, (line, epochs) in enumerate([(first, 2), (second, 3)], start=1):
        plan = Plan(epochs, rate=0.1, seed=phase, decay=True, checkpoint=path, about={"a": 1}, phase=phase)
        with progress(lambda _, epoch, epochs, __: told(epoch, epochs), every=0):
            trained.append(train(line, batches, plan, score=lambda line=line: line.a.item() ** 2))
    return first.state(), second.state(), trained, done


@pytest.mark.parametrize("stopped", [1, 2, 3, 4, 5])
def test_several_phases_share_a_checkpoint_and_none_is_trained_again(tmp_path, stopped):
    whole = twice(tmp_path / "whole")
    try:
        twice(tmp_path / "c", stopped=stopped)
    except KeyboardInterrupt:
        assert (tmp_path / "c").is_file()
    resumed = twice(tmp_path / "c")
    assert resumed[:3] == whole[:3]
    assert resumed[3] == whole[3][stopped:] == [(0, 2), (1, 2), (0, 3), (1, 3), (2, 3)][stopped:]
    assert (tmp_path / "c").read_bytes() == (tmp_path / "whole").read_bytes()


def test_a_checkpoint_of_another_phase_alone_is_held_to_what_it_is_of(tmp_path):
    train(Line(), batches, Plan(1, checkpoint=tmp_path / "c", about={"a": 1}))
    with pytest.raises(ParameterError, match="training: a is 2, there 1"):
        train(Line(), batches, Plan(1, checkpoint=tmp_path / "c", about={"a": 2}, phase=2))


def test_a_phase_that_is_trained_longer_makes_those_after_it_begin_anew(tmp_path):
    twice(tmp_path / "c")
    train(Line(), batches, Plan(3, rate=0.1, checkpoint=tmp_path / "c", about={"a": 1}))
    done = []
    plan = Plan(3, checkpoint=tmp_path / "c", about={"a": 1}, phase=2)
    with progress(lambda _, *now: done.append(now[:2]), every=0):
        train(Line(), batches, plan)
    assert done == [(0, 3), (1, 3), (2, 3)]


def test_what_was_half_written_when_it_ended_does_not_matter(tmp_path, monkeypatch):
    whole, place = twice(tmp_path / "whole"), tmp_path / "c"

    def half(arrays, path, metadata):
        save_file(arrays, path, metadata)
        if len([name for name in arrays if name.startswith("2.now.")]):
            path.write_bytes(path.read_bytes()[:-9])
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("spaxel.training.checkpoint.save_file", half)
        with pytest.raises(KeyboardInterrupt):
            twice(place)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "c.part", "whole"]
    assert twice(place)[:3] == whole[:3]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "whole"]


def test_another_method_is_said_alone_and_a_sample_only_where_nothing_else_differs(tmp_path):
    held = {"method": "A", "input": "x", "size": 1}
    train(Line(), batches, Plan(2, checkpoint=tmp_path / "c", about=held))
    for change, message in (
        ({"method": "B", "input": "y", "size": 2}, "method is 'B', there 'A'"),
        ({"input": "y", "size": 2}, "size is 2, there 1"),
        ({"input": "y"}, "input is 'y', there 'x'"),
    ):
        with pytest.raises(ParameterError, match=rf"another training: {message}\. Try"):
            train(Line(), batches, Plan(2, checkpoint=tmp_path / "c", about=held | change))


def test_epochs_that_are_done_are_told():
    told = []
    with progress(lambda *now: told.append(now[:3]), every=0):
        train(Line(), batches, Plan(9), stop=lambda h: len(h) == 2, stage="lines")
    assert told == [("lines", 0, 9), ("lines", 1, 9), ("lines", 2, 9)]


def test_bf16_learns_and_fp16_needs_a_gpu():
    line = Line()
    train(line, batches, Plan(200, rate=0.05, precision="bf16-mixed"))
    assert line.state() == pytest.approx((2, 1), abs=0.1)
    if not torch.cuda.is_available():
        with pytest.raises(ParameterError, match="'16-mixed', which the cpu does not have"):
            train(line, batches, Plan(1, precision="16-mixed"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device here")
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
def test_a_gpu_learns_the_same(precision):
    line = Line(noise=0)
    train(line, batches, Plan(200, rate=0.05, device="cuda", precision=precision))
    assert line.state() == pytest.approx((2, 1), abs=0.1)
    assert line.a.device.type == "cpu"


class Transposed(Line):
    """A line with a parameter and a buffer that do not lie in memory row by row."""

    def __init__(self):
        super().__init__()
        self.wide = nn.Parameter(torch.zeros(3, 2).T)
        self.register_buffer("fixed", torch.tensor(np.arange(6.0).reshape(3, 2).T, dtype=torch.float32))
        assert not self.wide.is_contiguous()
        assert not self.fixed.is_contiguous()

    def forward(self, batch, step):
        loss = super().forward(batch, step)
        return Loss(loss.total + ((self.wide - self.fixed) ** 2).mean(), loss.parts)


def test_a_checkpoint_holds_tensors_however_they_lie_in_memory(tmp_path):
    whole, resumed = Transposed(), Transposed()
    train(whole, batches, Plan(4, rate=0.1))
    for epochs in (2, 4):
        resumed = Transposed()
        train(resumed, batches, Plan(epochs, rate=0.1, checkpoint=tmp_path / "c"))
    assert resumed.state() == whole.state()
    assert torch.equal(resumed.wide, whole.wide)
    assert torch.equal(resumed.fixed, whole.fixed)


def test_the_last_state_is_kept_where_that_is_asked_for(tmp_path):
    line, resumed, scores = Line(), Line(), [1.0, 2.0, 3.0, float("nan")]
    trained = train(line, batches, Plan(3, keep="last"), score=iter(scores).__next__)
    assert trained.best == 3
    assert line.state() != (0, 0)
    for epochs, told in ((1, scores[:2]), (3, scores[2:]), (3, [])):  # at last from the end
        resumed = Line()
        plan = Plan(epochs, keep="last", checkpoint=tmp_path / "c")
        again = train(resumed, batches, plan, score=iter(told).__next__)
    assert resumed.state() == line.state()
    assert str(again) == str(trained)
