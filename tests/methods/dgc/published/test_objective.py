import math

import numpy as np
import pytest
import torch
from torch.nn.functional import one_hot

from spaxel.cube.patches import Patch, batched
from spaxel.cube.windows import draw_views
from spaxel.errors import ParameterError
from spaxel.methods.dgc.published.encoder import PublishedEncoder, SpectralEncoder
from spaxel.methods.dgc.published.mean_shift import MeanShift
from spaxel.methods.dgc.published.objective import (
    PublishedClustering,
    Terms,
    disagreement,
    imbalance,
    orthogonality,
    paired,
    uniformity,
)
from spaxel.training.loop import train
from spaxel.training.plan import Plan, Step

K, CHANNELS, SIDE = 4, 20, 32
GENERATOR = torch.Generator()


def step(epoch=0, epochs=10):
    return Step(epoch, epochs, 0, torch.Generator().manual_seed(0))


def confident(labels, p=1 - 1e-9):
    """log p of pixels that are given p to their label."""
    rest = math.log((1 - p) / (K - 1))
    return torch.where(one_hot(labels, K).bool(), math.log(p), rest)


IDEAL = confident(torch.arange(8000) % K)
ONE = confident(torch.zeros(8000, dtype=torch.long))
SOFT = confident(torch.arange(8000) % K, 0.9)
EVEN = torch.full((8000, K), -math.log(K))


def weighed(log_p, signs):
    """2 bal (+ 2 unif) of a single window."""
    bal = 2 * imbalance(log_p.exp().mean(0), signs, K)
    return float(bal + 2 * uniformity(log_p, GENERATOR.manual_seed(1)) if signs == "published" else bal)


def test_as_published_the_ideal_partition_costs_most_and_none_at_all_least():
    ideal, one, soft, even = (weighed(log_p, "published") for log_p in (IDEAL, ONE, SOFT, EVEN))
    assert ideal == pytest.approx(23.2, abs=0.6)
    assert one == pytest.approx(20.7, abs=0.6)
    assert soft == pytest.approx(7.9, abs=0.1)
    assert even == pytest.approx(5.55, abs=0.01)
    assert ideal > one > soft > even


def test_as_published_the_two_terms_are_the_mutual_information_to_be_minimised():
    logits = 0.8 * torch.rand((200_000, K), generator=GENERATOR.manual_seed(2))
    log_p = logits.log_softmax(1)
    mean = log_p.exp().mean(0)
    information = float((log_p.exp() * (log_p - mean.log())).sum(1).mean())
    cost = weighed(log_p, "published") / 2 - 2 * math.log(K)
    assert cost == pytest.approx(information, rel=0.1)


def test_corrected_balance_costs_nothing_when_even_and_most_when_collapsed():
    ideal, one, even = (weighed(log_p, "corrected") for log_p in (IDEAL, ONE, EVEN))
    assert one == pytest.approx(2 * math.log(K), abs=1e-4)
    assert ideal == pytest.approx(0, abs=1e-4)
    assert even == pytest.approx(0, abs=1e-4)


def test_disagreement_grows_with_the_distance_of_assignments():
    same, near, far = (float(disagreement(IDEAL, other)) for other in (IDEAL, SOFT, IDEAL.roll(1, 0)))
    assert same == 0
    assert same < near < far
    assert float(disagreement(SOFT, IDEAL)) == pytest.approx(near)
    assert disagreement(IDEAL[:0], IDEAL[:0]) == 0


def test_orthogonality_is_least_for_orthogonal_centres():
    centres = torch.eye(K, 7)
    assert orthogonality(centres) == 0
    assert orthogonality(centres + 0.1) > 0
    assert orthogonality(torch.ones(K, 7) / 7**0.5) == pytest.approx(K * (K - 1))


def model(signs="corrected", make=SpectralEncoder, seed=0, **terms):
    return PublishedClustering(make(CHANNELS, seed=seed), K, signs, Terms(**terms), MeanShift(3, 2), seed=seed)


def scene(seed):
    """Three materials in the light of a lamp that flickers, standardised, with rectangles that a window can hold in part."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((SIDE, SIDE), int)
    labels[5:24, 4:20], labels[12:28, 14:28] = 1, 2
    spectra = np.exp(-((np.arange(CHANNELS) - np.array([[4], [10], [16]])) ** 2) / 12)[labels]
    x = spectra * rng.uniform(0.8, 1.2, (SIDE, SIDE, 1)) + 0.05 * rng.normal(size=spectra.shape)
    x = ((x - x.mean((0, 1))) / x.std((0, 1))).astype(np.float32)
    return Patch(x, np.ones((SIDE, SIDE), bool), 0, [])


SCENES = [scene(seed) for seed in range(3)]


def batches(epoch, n=10, size=12):
    rng = np.random.default_rng([1, epoch])
    pairs = [(SCENES[rng.integers(3)], draw_views(SIDE, SIDE, size, rng)) for _ in range(4 * n)]
    return [tuple(map(torch.tensor, batched(pairs[4 * i : 4 * i + 4]))) for i in range(n)]


@torch.no_grad()
def information(trained):
    """I(pixel; cluster) in nats on a whole scene."""
    log_p = trained.look(torch.tensor(SCENES[0].spectra).permute(2, 0, 1)[None]).log_p
    return float((log_p.exp() * (log_p - log_p.exp().mean(0).log())).sum(1).mean())


@pytest.mark.parametrize("make", [PublishedEncoder, SpectralEncoder])
@pytest.mark.parametrize("signs", ["published", "corrected"])
def test_every_part_is_finite_and_the_gradient_reaches_every_parameter(signs, make):
    objective = model(signs, make)
    loss = objective(batches(0)[0], step())
    assert float(loss.total.detach()) == pytest.approx(sum(float(part.detach()) for part in loss.parts.values()))
    assert ("unif" in loss.parts) == (signs == "published")
    loss.total.backward()
    for name, parameter in objective.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("signs", ["published", "corrected"])
def test_compactness_counts_both_windows_as_they_were_varied(signs):
    objective, batch = model(signs), batches(0, 1)[0]
    found = objective(batch, step()).parts["comp"]
    wanted = 0
    for (windows, good), given in zip(objective._last, batch, strict=False):
        assert windows.shape == given.shape
        assert (windows - given).flatten(1).norm(dim=1).min() > 0.1
        seen = objective.look(windows, good)
        wanted = wanted + (seen.log_p.exp() * (1 - seen.e @ objective.centres.T)).sum(1).mean()
    assert found.item() == pytest.approx(wanted.item(), rel=1e-4)


def test_corrected_variation_leaves_every_pixel_in_its_place():
    batch = batches(0, 1)[0]
    y, x = torch.meshgrid(torch.arange(12.0), torch.arange(12.0), indexing="ij")
    flat = (y > 5).float() + 2 * (x > 7).float()  # four even fields, the same in every channel
    windows = flat.expand_as(batch[0]) + 1
    objective = model()
    objective((windows, windows, *batch[2:]), step())
    assert len(objective._last) == 2
    for varied, _ in objective._last:
        assert torch.allclose(varied / windows, (varied / windows)[..., :1, :1].expand_as(windows), atol=1e-5)


def test_training_as_published_destroys_the_information_and_corrected_keeps_it():
    found = {}
    for signs in ("published", "corrected"):
        objective = model(signs)
        start = information(objective)
        train(objective, batches, Plan(5, rate=1e-3, clip=1.0), after_step=objective.after_step)
        found[signs] = information(objective)
    assert found["published"] < 0.05 < 0.3 < start
    assert found["corrected"] > 0.4


def test_same_seed_same_bits():
    twice = []
    for _ in range(2):
        objective = model()
        train(objective, lambda epoch: batches(epoch, 2), Plan(2, seed=3), after_step=objective.after_step)
        twice.append(torch.cat([p.detach().flatten() for p in objective.parameters()]))
    assert torch.equal(*twice)


def test_pairs_are_the_same_pixels_where_both_have_data():
    patch = SCENES[0]._replace(good=np.random.default_rng(0).random((SIDE, SIDE)) < 0.7)
    views = [draw_views(SIDE, SIDE, 9, np.random.default_rng(n)) for n in range(3)]
    first, second, i, j, *good = map(torch.tensor, batched([(patch, pair) for pair in views]))
    rows, other = paired(*(g.flatten() for g in good), (i, j))
    one, two = (w.permute(0, 2, 3, 1).flatten(0, 2) for w in (first, second))
    assert torch.equal(one[rows], two[other])
    assert len(rows) == (i >= 0).sum()
    rows, other = paired(*(g.flatten() for g in good), None)  # as published
    assert torch.equal(rows, other)
    assert not torch.allclose(one[rows], two[other], atol=0.5)


def test_pixels_without_data_change_nothing():
    first, second, i, j, *good = batches(0, 1)[0]
    good[0][:, :5], good[1][:, 7:] = False, False
    clean = [torch.where(g[:, None], w, 0.0) for w, g in zip((first, second), good, strict=True)]
    losses = []
    for value in (0.0, 7.0):
        windows = [torch.where(g[:, None], w, value) for w, g in zip(clean, good, strict=True)]
        objective = model(make=lambda channels, seed: SpectralEncoder(channels, radius=0, seed=seed))
        losses.append(float(objective((*windows, i, j, *good), step()).total.detach()))
        objective.after_step(step())
        losses.append(float(objective.centres.detach().sum()))
    assert losses[:2] == pytest.approx(losses[2:], rel=1e-5)


def test_nothing_good_in_a_window_costs_no_nan():
    first, second, i, j, *good = batches(0, 1)[0]
    for signs in ("published", "corrected"):
        objective = model(signs)
        loss = objective((first, second, i, j, torch.zeros_like(good[0]), good[1]), step())
        assert torch.isfinite(loss.total)


def test_centres_follow_their_pixels_and_one_that_has_none_is_kicked():
    objective = model("corrected", dead=0.05, memory=0.9)
    with torch.no_grad():
        objective.centres[0] = -objective.look(batches(0, 1)[0][0]).e.mean(0)
        objective.centres.copy_(torch.nn.functional.normalize(objective.centres, dim=1))
    objective(batches(0, 1)[0], step())
    seen = [objective.look(*pair) for pair in objective._last]
    z, p = torch.cat([s.z for s in seen]), torch.cat([s.log_p for s in seen]).exp()
    before = objective.centres.detach().clone()
    assert p[:, 0].mean() < 0.05 / K < p[:, 1].mean()
    objective.after_step(step())
    moved = objective.centres.detach()
    wanted = torch.nn.functional.normalize(0.9 * before[1] + 0.1 * (p[:, 1:2] * z).sum(0) / p[:, 1].sum(), dim=0)
    assert torch.allclose(moved[1], wanted, atol=1e-5)
    assert torch.allclose(moved.norm(dim=1), torch.ones(K), atol=1e-5)
    assert 0.05 < (moved[0] - before[0]).norm() < 0.6
    kicked = moved[0].clone()
    objective.after_step(step(epoch=10, epochs=10))  # the kick has faded
    assert torch.allclose(objective.centres[0].detach(), kicked, atol=1e-6)


def test_a_pruned_cluster_gets_nothing_and_keeps_its_place():
    objective = model()
    assert objective.prune(torch.tensor([0.5, 0.001, 0.4, 0.099]), 0.01) == 3
    loss = objective(batches(0, 1)[0], step())
    loss.total.backward()
    assert torch.isfinite(loss.total)
    assert torch.isfinite(objective.centres.grad).all()
    assert (objective.centres.grad[1] == 0).all()
    p = objective.look(batches(0, 1)[0][0]).log_p.detach().exp()
    assert p.shape[1] == K
    assert (p[:, 1] == 0).all()
    before = objective.centres[1].detach().clone()
    objective.after_step(step())
    assert torch.allclose(objective.centres[1].detach(), before, atol=1e-6)
    assert objective.prune(torch.zeros(K), 0.5) == 1  # never the last one


def test_unknown_signs_are_refused():
    with pytest.raises(ParameterError, match="published, corrected"):
        model("right")
