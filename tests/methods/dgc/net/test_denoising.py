import pytest
import torch
from torch import nn

from spaxel.methods.dgc.net.denoising import ALPHA, Denoising
from spaxel.methods.dgc.net.encoder import PatchEncoder
from spaxel.methods.dgc.net.variation import Strength
from spaxel.training.loop import train
from spaxel.training.plan import Plan, Step

Q, NONE = 4, Strength(0, 0, 0, 0)


def pair(clean, seed=0):
    """A batch of which both windows show these scores (B, q, h, w) with noise of unit size."""
    generator = torch.Generator().manual_seed(seed)
    noisy = [clean + torch.randn(clean.shape, generator=generator) for _ in range(2)]
    windows = [torch.cat([scores, torch.zeros_like(scores), torch.zeros_like(scores)], dim=1) for scores in noisy]
    pixels = torch.arange(clean.shape[2] * clean.shape[3]).expand(len(clean), -1)
    good = torch.ones((len(clean), *clean.shape[2:]), dtype=torch.bool)
    return windows[0], windows[1], pixels, pixels, good, good.clone()


def halves(side=24):
    """Two materials, a border, and noise of a third of their length."""
    labels = (torch.arange(side)[None] > side // 2).expand(side, side).long()
    return torch.tensor([[3.0, 0, 1, 0], [0, 3, 0, 1]])[labels].permute(2, 0, 1)[None]


def denoising(strength=NONE, seed=0):
    return Denoising(PatchEncoder(Q, (1, 3, 5), width=16, level=1.0, seed=seed), torch.zeros(Q), strength)


class Constant(nn.Module):
    def forward(self, scores, good):
        return nn.functional.normalize(torch.ones(scores.permute(0, 2, 3, 1).shape), dim=-1)


@pytest.fixture(scope="module")
def trained():
    objective = denoising(Strength())
    train(objective, lambda epoch: [pair(halves(), 10 * epoch + i) for i in range(10)], Plan(4, rate=1e-2, decay=True))
    return objective


def test_training_sees_through_noise_that_was_never_shown(trained):
    batch = pair(halves(), 1000)
    start, end = denoising().held_out(batch), trained.held_out(batch)
    assert end < start - 0.5
    clean, scores = halves().permute(0, 2, 3, 1), batch[0][:, :Q]
    z = trained.encoder(scores, batch[4]).detach() * scores.norm(dim=1)[..., None]
    assert (z - clean).square().mean() < 0.5 * (scores.permute(0, 2, 3, 1) - clean).square().mean()


def test_the_cost_of_no_denoising_is_that_of_the_noise():
    """|s+ - s-|^2 / q is (alpha + 1 / alpha)^2 on average, of which 1 + 1 / alpha^2 is taken off: it cannot be avoided."""
    cost = denoising().held_out(pair(torch.zeros((1, Q, 200, 200))))
    assert cost == pytest.approx((ALPHA + 1 / ALPHA) ** 2 - 1 - ALPHA**-2, abs=0.06)


def test_a_constant_costs_more(trained):
    batch, constant = pair(halves(), 1000), denoising()
    constant.encoder = Constant()
    assert constant.held_out(batch) > denoising().held_out(batch) > trained.held_out(batch)


def test_judging_is_repeatable_and_draws_nothing_global():
    objective, batch = denoising(), pair(halves())
    state = torch.get_rng_state()
    assert objective.held_out(batch) == objective.held_out(batch)
    assert torch.equal(torch.get_rng_state(), state)


def test_pixels_without_data_are_neither_used_nor_judged():
    objective, costs = denoising(), []
    for held in (0.0, 1e3):
        batch = pair(halves())
        for windows, good in ((batch[0], batch[4]), (batch[1], batch[5])):
            good[:, :7] = False
            windows[:, :, :7] = held
        loss = objective(batch, Step(0, 1, 0, torch.Generator().manual_seed(4))).total
        costs.append((objective.held_out(batch), float(loss.detach())))
    assert costs[0] == costs[1]


def test_a_window_without_any_data_costs_nothing():
    batch = pair(halves())
    batch[4][:], batch[5][:] = False, False
    loss = denoising()(batch, Step(0, 1, 0, torch.Generator())).total
    loss.backward()
    assert float(loss.detach()) == denoising().held_out(batch) == 0
