import numpy as np
import pytest
import torch

from spaxel.methods.dsc.net.autoencoder import Autoencoder, Shape, Start
from spaxel.methods.dsc.net.likelihood import Likelihood
from spaxel.methods.dsc.net.losses import distances, ramp
from spaxel.methods.dsc.net.objective import CLUSTERING, OBJECTIVES, DeepClustering, Terms
from spaxel.training.loop import train
from spaxel.training.plan import Plan, Step

K = 3
RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, K, 600)
CENTRES = 1.5 * np.eye(K, 12)
X = torch.tensor(CENTRES[LABELS] + 0.5 * RNG.normal(size=(600, 12)), dtype=torch.float32)


def objective(name="autoencoder", clustering="dec", gamma=0.5, beta=0.1, form="sum", warm=0):
    mean = X.numpy().mean(0)
    axes = np.linalg.svd(X.numpy() - mean, full_matrices=False)[2][:4].T
    start = Start(axes, mean @ axes, (X.numpy() @ axes).std(0), mean, axes.T[:2])
    terms = Terms(name, clustering, ramp(beta, beta), ramp(gamma, gamma), form, warm, 3.0)
    centroids = torch.tensor((CENTRES - mean) @ axes[:, :2], dtype=torch.float32)
    found = DeepClustering(
        Autoencoder(start, Shape(width=16), 1), Likelihood("gaussian", variance=0.25), terms, centroids
    )
    found.prepare(X)
    return found


def batches(epoch):
    order = np.random.default_rng([7, epoch]).permutation(len(X))
    return [(X[part], X[part]) for part in np.array_split(order, 6)]


def step(epoch=3):
    return Step(epoch, 10, 0, torch.Generator().manual_seed(0))


def silhouette_of(model):
    """The simplified silhouette, and the reconstruction, of the latents."""
    with torch.no_grad():
        near, second = distances(model.net.encoder(X).mean, model.centroids).topk(2, 1, largest=False).values.T
        return float((1 - near / second).mean()), model.reconstruct(X, X)


@pytest.mark.parametrize("form", ["sum", "product"])
@pytest.mark.parametrize("clustering", [name for name in CLUSTERING if name != "none"])
def test_the_clustering_term_has_a_gradient_in_the_encoder(clustering, form):
    """What the published system lacks: there its silhouette is a number without a graph."""
    gradients = []
    for gamma in (0.0, 0.5):
        model = objective(clustering=clustering, gamma=gamma, form=form)
        model((X, X), step()).total.backward()
        gradients.append(model.net.encoder.mean.weight.grad.clone())
    assert (gradients[1] - gradients[0]).norm() > 1e-2 * gradients[0].norm()
    cosine = torch.nn.functional.cosine_similarity(*(g.flatten() for g in gradients), dim=0)
    assert cosine < 0.999  # another direction, not another size of the step


@pytest.mark.parametrize("clustering", ["silhouette", "simplified", "dec", "dcn"])
def test_the_silhouette_rises_while_the_reconstruction_stays_within_5_percent(clustering):
    plain, deep = objective(gamma=0.0), objective(clustering=clustering, gamma=1.0)
    for model in (plain, deep):
        train(model, batches, Plan(8, rate={"": 3e-3, "net.encoder.axes": 3e-4}))
    assert silhouette_of(deep)[0] > silhouette_of(plain)[0] + 0.02
    assert silhouette_of(deep)[1] < 1.05 * silhouette_of(plain)[1]


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_learns_and_repeats_bit_by_bit(name):
    states = []
    for _ in range(2):
        model = objective(name)
        with torch.no_grad():
            first = float(model((X, X), step()).total)
        train(model, batches, Plan(3))
        with torch.no_grad():
            assert float(model((X, X), step()).total) < first
        states.append(model.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(*(s.values() for s in states), strict=True))


def test_the_prior_weighs_only_where_it_should():
    parts = {name: objective(name)((X, X), step()).parts for name in OBJECTIVES}
    assert "prior" not in parts["autoencoder"]
    assert all("prior" in parts[name] for name in OBJECTIVES if name != "autoencoder")


def test_while_it_warms_up_the_encoder_stands_still():
    model = objective(warm=4)
    model((X, X), step(3)).total.backward()
    assert model.net.encoder.axes.grad is None
    assert model.net.decoder.rows.grad.abs().max() > 0


def test_an_empty_centroid_is_seeded_again_where_latents_are_far():
    model = objective(clustering="simplified")
    with torch.no_grad():
        model.centroids[2] = 100.0
    model.refresh(X)
    label = distances(model.net.encoder(X).mean, model.centroids).argmin(1)
    assert (torch.bincount(label, minlength=K) > 100).all()


def test_noise_that_is_added_is_taken_from_the_target():
    """Recorrupted to recorrupted: a net that copies what it sees pays for the noise."""
    model = objective(gamma=0.0)
    directions = 0.5 * model.net.encoder.axes.detach().T
    noisy = DeepClustering(model.net, model.likelihood, model.terms, model.centroids.detach(), directions)
    with torch.no_grad():
        assert noisy((X, X), step()).total > model((X, X), step()).total + 0.3


def test_resume_gives_the_same_bits(tmp_path):
    whole = objective()
    train(whole, batches, Plan(4))
    for epochs in (2, 4):
        part = objective()
        train(part, batches, Plan(epochs, checkpoint=tmp_path / "c.safetensors"))
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), part.state_dict().values(), strict=True))
