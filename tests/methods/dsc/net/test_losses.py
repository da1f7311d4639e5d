"""Every loss has a direction: the good case costs less than the bad one, and its gradient leads there."""

import numpy as np
import pytest
import torch
from sklearn.metrics import silhouette_score

from spaxel.methods.dsc.net import losses


def blobs(spread, apart=4.0, n=40, seed=0):
    """Two groups in the plane, their labels and centroids."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 2
    centroids = torch.tensor([[-apart / 2, 0.0], [apart / 2, 0.0]])
    z = centroids[labels] + spread * torch.randn((n, 2), generator=generator)
    return z.requires_grad_(), labels, centroids


CLUSTERING = {
    "silhouette": lambda z, labels, centroids: losses.silhouette(z, labels),
    "simplified": lambda z, labels, centroids: losses.simplified_silhouette(z, centroids),
    "dec": lambda z, labels, centroids: losses.dec(z, centroids),
    "dcn": lambda z, labels, centroids: losses.dcn(z, centroids),
}


@pytest.mark.parametrize("name", CLUSTERING)
def test_compact_groups_cost_less_than_spread_ones(name):
    tight, wide = (CLUSTERING[name](*blobs(spread)) for spread in (0.2, 1.5))
    assert tight < wide


@pytest.mark.parametrize("name", CLUSTERING)
def test_a_step_along_the_gradient_lowers_the_loss_and_moves_latents_to_their_centroids(name):
    z, labels, centroids = blobs(0.7)
    before = CLUSTERING[name](z, labels, centroids)
    (gradient,) = torch.autograd.grad(before, z)
    assert gradient.abs().max() > 1e-4
    after = z - 0.05 * gradient / gradient.norm(dim=1).max()
    assert CLUSTERING[name](after, labels, centroids) < before
    assert ((after - centroids[labels]) ** 2).sum() < ((z - centroids[labels]) ** 2).sum()


@pytest.mark.parametrize("name", CLUSTERING)
def test_gradients_stay_finite_with_equal_latents_and_latents_on_a_centroid(name):
    z = torch.tensor([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [1.0, 0.0]], requires_grad=True)
    loss = CLUSTERING[name](z, torch.tensor([0, 0, 1, 1]), torch.tensor([[0.0, 0.0], [1.0, 0.0]]))
    loss.backward()
    assert torch.isfinite(z.grad).all()


@pytest.mark.parametrize("seed", range(3))
def test_silhouette_agrees_with_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    z, labels = rng.normal(size=(50, 3)), rng.integers(0, 4, 50)
    labels[0] = 9  # one that is alone
    ours = 1 - 2 * losses.silhouette(torch.tensor(z), torch.tensor(labels))
    assert float(ours) == pytest.approx(silhouette_score(z, labels), abs=1e-5)


def test_one_group_has_no_silhouette_and_no_gradient():
    z = torch.zeros((4, 2), requires_grad=True)
    for loss in (losses.silhouette(z, torch.zeros(4, dtype=int)), losses.simplified_silhouette(z, torch.zeros((1, 2)))):
        assert loss == 0.5
        loss.backward()
    assert (z.grad == 0).all()


def test_shrinking_all_latents_gains_nothing_with_dcn_and_a_collapse_stays_finite():
    z, _, centroids = (value.detach() for value in blobs(0.5))
    same = float(losses.dcn(0.5 * z, 0.5 * centroids))
    assert float(losses.dcn(z, centroids)) == pytest.approx(same, rel=1e-4)
    assert torch.isfinite(losses.dcn(torch.zeros((5, 2)), torch.zeros((2, 2)), 1.0))
    assert losses.dcn(1e-3 * z, centroids, start=1.0) > losses.dcn(z, centroids, start=1.0)


def test_the_target_distribution_is_sharper_and_fair_to_small_clusters():
    q = torch.tensor([[0.7, 0.3], [0.6, 0.4], [0.9, 0.1]])
    p = losses.target_distribution(q)
    assert torch.allclose(p.sum(1), torch.ones(3))
    assert p[2, 0] > q[2, 0]
    assert (p[:, 1].sum() / p[:, 0].sum()) > ((q**2)[:, 1].sum() / (q**2)[:, 0].sum())


def test_kl_is_least_at_the_standard_normal():
    zero = torch.zeros((6, 3))
    assert losses.kl(zero, zero) == 0
    assert losses.kl(zero + 1, zero) > 0
    assert losses.kl(zero, zero - 2) > 0


def test_mmd_is_unbiased_and_sees_a_shift_a_scale_and_a_point():
    generator = torch.Generator().manual_seed(1)
    draws = [losses.mmd(*torch.randn((2, 64, 3), generator=generator)) for _ in range(200)]
    values = torch.stack(draws)
    assert abs(values.mean()) < 4 * values.std() / 200**0.5
    prior = torch.randn((256, 3), generator=generator)
    for other in (prior + 3, 4 * prior, 0 * prior):
        assert losses.mmd(other, prior) > 0.1


def test_a_mixture_prior_costs_less_where_the_latents_are():
    z, labels, centroids = blobs(0.3)
    log_variance = torch.full_like(z, -2.0).detach()
    spread = torch.full_like(centroids, -2.0)
    near = losses.vade(z, log_variance, z, (torch.zeros(2), centroids, spread))
    far = losses.vade(z, log_variance, z, (torch.zeros(2), centroids + 2, spread))
    assert near < far
    first = labels == 0
    fair, unfair = (
        losses.vade(z[first], log_variance[first], z[first], (torch.tensor(weight), centroids, spread))
        for weight in ([3.0, -3.0], [-3.0, 3.0])
    )
    assert fair < unfair


def test_a_mixture_of_one_standard_normal_is_the_vae():
    mean, log_variance = torch.randn((2, 7, 3), generator=torch.Generator().manual_seed(3))
    zero = torch.zeros((1, 3))
    mixture = losses.vade(mean, log_variance, mean, (torch.zeros(1), zero, zero))
    assert float(mixture) == pytest.approx(float(losses.kl(mean, log_variance)), rel=1e-5)


def test_schedules():
    rising = losses.ramp(0.0, 2.0, 3, 7)
    assert [rising(epoch) for epoch in (0, 3, 5, 7, 99)] == [0, 0, 1, 2, 2]
    assert losses.ramp(0.5, 0.5)(0) == 0.5


def test_both_forms_of_the_total():
    base, clustering = torch.tensor(2.0), torch.tensor(0.5)
    assert losses.combine(base, clustering, 0.4) == pytest.approx(2.2)
    assert losses.combine(base, clustering, 0.4, "product") == pytest.approx(2 * 1.2 / 1.4)
