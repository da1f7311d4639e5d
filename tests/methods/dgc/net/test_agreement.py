import math

import pytest
import torch
from torch.nn import functional

from spaxel.methods.dgc.net import agreement
from spaxel.methods.dgc.net.agreement import GlobalClustering, Rule
from spaxel.methods.dgc.net.encoder import PatchEncoder
from spaxel.methods.dgc.net.variation import Strength
from spaxel.training.plan import Step

Q, K, SIDE = 4, 4, 16
NONE = Strength(0, 0, 0, 0)
FAR = 1e4  # length of a spectrum beside which noise of unit size is nothing


def step(number=0, seed=1):
    return Step(0, 1, number, torch.Generator().manual_seed(seed))


def windows(length=10.0, labels=None):
    """A batch whose windows show the same K materials, one per axis, in quarters."""
    half = torch.arange(SIDE) * 2 // SIDE
    labels = half[:, None] * 2 + half[None] if labels is None else labels
    scores = length * torch.eye(Q)[labels].permute(2, 0, 1)[None]
    shown = torch.cat([scores, torch.zeros_like(scores), torch.zeros_like(scores)], dim=1)
    pixels = torch.arange(SIDE * SIDE)[None]
    good = torch.ones((1, SIDE, SIDE), dtype=torch.bool)
    return shown, shown.clone(), pixels, pixels.clone(), good, good.clone()


def clustering(rule=None, centers=None, apart=0.05, mass=None):
    centers = torch.eye(K, Q) if centers is None else centers
    mass = torch.full((len(centers),), 1 / len(centers)) if mass is None else mass
    encoder = PatchEncoder(Q, (1, 3), width=8, level=2.0)
    return GlobalClustering(encoder, centers, mass, apart, torch.zeros(Q), NONE, rule)


def cost(batch, number=0):
    return float(clustering()(batch, step(number)).parts["swapped"].detach())


@pytest.mark.parametrize("number", [0, 1])
def test_windows_that_agree_cost_less_than_windows_that_are_misaligned(number):
    shown, other, i, j, good, also = windows()
    wrong = torch.roll(j.reshape(1, SIDE, SIDE), SIDE // 2, 2).reshape(1, -1)
    assert cost((shown, other, i, j, good, also), number) < 0.5
    assert cost((shown, other, i, wrong, good, also), number) > 5


def test_the_index_maps_are_read_in_either_direction():
    """Window two is window one moved by a quarter: right maps make up for it, for both parities of the step."""
    shown, _, i, _, good, also = windows()
    moved, j = shown.roll(SIDE // 4, 3), i.reshape(1, SIDE, SIDE).roll(-SIDE // 4, 2).reshape(1, -1)
    back = i.reshape(1, SIDE, SIDE).roll(SIDE // 4, 2).reshape(1, -1)
    for number in (0, 1):
        right, wrong = (cost((shown, moved, i, there, good, also), number) for there in (j, back))
        assert right < 0.5 < 5 < wrong


def test_only_shared_pixels_count():
    shown, other, i, _, good, also = windows()
    few = torch.full_like(i, -1)
    few[:, :20], changed = i[:, :20], shown.clone()
    changed[:, :, SIDE // 2 :] = changed[:, :, SIDE // 2 :].flip(3)  # far from the first 20 pixels
    assert cost((shown, other, few, few, good, also)) == cost((changed, other, few, few, good, also))


def test_no_shared_pixel_costs_nothing():
    shown, other, i, _, good, also = windows()
    none = torch.full_like(i, -1)
    loss = clustering()((shown, other, none, none, good, also), step())
    loss.total.backward()
    assert float(loss.total.detach()) == 0


def test_the_loss_teaches_the_student_alone():
    objective = clustering()
    objective(windows(), step()).total.backward()
    assert all(parameter.grad is None for parameter in objective.teacher.parameters())
    assert objective.encoder.last.weight.grad.abs().max() > 0
    assert objective.centers.grad.abs().max() > 0


@pytest.mark.parametrize(("memory", "share"), [(1.0, 0.0), (0.9, 0.1), (0.0, 1.0)])
def test_the_teacher_follows_slowly(memory, share):
    objective = clustering(Rule(memory=memory))
    with torch.no_grad():
        objective.encoder.last.bias += 1
        objective.centers += torch.linspace(0, 2, K * Q).reshape(K, Q)
    before = objective.held.clone()
    objective.after_step(step())
    assert torch.allclose(objective.teacher.last.bias, torch.full((Q,), share))
    assert torch.allclose(objective.held.norm(dim=1), torch.ones(K))
    student = functional.normalize(objective.centers.detach(), dim=1)
    assert torch.allclose(objective.held, functional.normalize(memory * before + share * student, dim=1), atol=1e-6)


def test_the_hinge_is_zero_until_embeddings_lose_half_of_their_spread():
    objective = clustering()
    assert float(objective(windows(), step()).parts["hinge"].detach()) == 0
    kept = float(objective.spread)
    collapsed = windows(labels=torch.zeros((SIDE, SIDE), dtype=torch.long))
    assert 0.2 * kept < float(objective(collapsed, step()).parts["hinge"].detach()) <= 0.5 * kept
    assert float(objective.spread) == kept


def test_agreement_of_clusters_without_noise_is_complete():
    said = clustering().agreement([windows(FAR)])
    assert said["agreement"] == pytest.approx(1)
    assert said["information"] == pytest.approx(math.log(K), abs=1e-6)
    assert said["active"] == K
    assert said["largest_cosine"] == pytest.approx(0)
    assert said["effective_rank"] == pytest.approx(Q, rel=1e-3)


@pytest.mark.parametrize("length", [0.01, 1.0, 3.0, 100.0])
def test_information_lies_between_nothing_and_the_number_of_clusters(length):
    said = clustering().agreement([windows(length)] * 2)
    assert -1e-9 <= said["information"] <= math.log(K) + 1e-9
    assert 1 / K - 0.1 < said["agreement"] <= 1 + 1e-9
    assert said == clustering().agreement([windows(length)] * 2)


def test_one_label_for_all_agrees_and_tells_nothing():
    said = clustering(centers=functional.normalize(torch.ones(1, Q))).agreement([windows()])
    assert said["agreement"] == pytest.approx(1)
    assert said["information"] == pytest.approx(0, abs=1e-9)


def test_masses_follow_what_is_seen_and_stay_masses():
    mass = torch.tensor([0.7, 0.1, 0.1, 0.1])
    objective = clustering(mass=mass)
    for number in range(30):
        objective(windows(), step(number, number))
    assert float(objective.mass.sum()) == pytest.approx(1, abs=1e-5)
    assert 0.25 < float(objective.mass[0]) < 0.6
    assert 0 < int(objective.filled) <= len(objective.queue)


def test_a_prototype_that_wins_nothing_moves_to_what_fits_worst(monkeypatch):
    monkeypatch.setattr(agreement, "QUEUE", 200)
    centers = functional.normalize(torch.tensor([[1.0, 0, 0, 0], [1, 0.1, 0, 0], [0, 0, 1, 0]]), dim=1)
    objective = clustering(centers=centers, mass=torch.tensor([0.6, 1e-6, 0.4]))
    at = step(agreement.RESEED_EVERY - 1)
    objective.queue[:] = centers[0]
    objective.queue[7] = torch.tensor([0.0, 0, 0, 1])
    objective.after_step(at)
    assert torch.allclose(objective.held, centers, atol=1e-5)  # too few past pixels are known
    objective.filled.fill_(200)
    objective.after_step(step(agreement.RESEED_EVERY))
    assert torch.allclose(objective.held, centers, atol=1e-5)  # not the time for it
    objective.after_step(at)
    assert torch.equal(objective.held[1], objective.queue[7])
    assert torch.equal(objective.centers.detach()[1], objective.queue[7])
    assert torch.allclose(objective.held[[0, 2]], centers[[0, 2]], atol=1e-5)
    assert float(objective.mass[1]) > objective.rule.floor / 4 / 3
