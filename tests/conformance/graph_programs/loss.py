"""Losses of all kinds, and distributions."""

from __future__ import annotations

from typing import Any

Program = tuple[Any, list]


def classification_losses(torch: Any) -> Program:
    F = torch.nn.functional
    x = torch.randn(3, 4, requires_grad=True)
    t = torch.tensor([0, 3, 1])
    w = torch.rand(4)
    y = (
        F.cross_entropy(x, t)
        + F.cross_entropy(x, t, weight=w)
        + F.cross_entropy(x, torch.softmax(w.expand(3, 4), 1))
    )
    y = y + F.cross_entropy(x, t, label_smoothing=0.1) + F.nll_loss(F.log_softmax(x, 1), t, reduction="sum")
    y = y + F.multi_margin_loss(x, t) + F.multilabel_margin_loss(x, torch.tensor([[0, 1, -1, 2]] * 3))
    return y + F.multilabel_soft_margin_loss(x, (w > 0.5).float().expand(3, 4)), [x]


def pixelwise_classification(torch: Any) -> Program:
    F = torch.nn.functional
    x = torch.randn(1, 3, 4, 4, requires_grad=True)
    t = torch.randint(0, 3, (1, 4, 4))
    return F.cross_entropy(x, t, ignore_index=2) + F.nll_loss(
        F.log_softmax(x, 1), t, reduction="none"
    ).mean(), [x]


def regression_losses(torch: Any) -> Program:
    F = torch.nn.functional
    x, t = torch.randn(3, 4, requires_grad=True), torch.randn(3, 4)
    y = F.mse_loss(x, t) + F.l1_loss(x, t) + F.smooth_l1_loss(x, t) + F.huber_loss(x, t, delta=0.7)
    y = (
        y
        + F.mse_loss(x, t, reduction="sum")
        + F.poisson_nll_loss(x, t.abs())
        + F.l1_loss(x, t, reduction="none").sum()
    )
    return y + F.gaussian_nll_loss(x, t, t.abs() + 1) + F.soft_margin_loss(x, t.sign()) + (
        x - t
    ).abs().mean(), [x]


def probability_losses(torch: Any) -> Program:
    F = torch.nn.functional
    x, t = torch.rand(3, 4, requires_grad=True), torch.rand(3, 4)
    y = F.binary_cross_entropy(x, t) + F.binary_cross_entropy_with_logits(x, t, pos_weight=torch.ones(4))
    y = y + F.kl_div(torch.log_softmax(x, 1), torch.softmax(t, 1), reduction="batchmean")
    return y + F.kl_div(x.log(), t.log(), log_target=True, reduction="sum"), [x]


def losses_of_pairs(torch: Any) -> Program:
    F = torch.nn.functional
    a, b, c = (torch.randn(3, 4, requires_grad=True) for _ in range(3))
    s = torch.tensor([1, -1, 1])
    y = (
        F.triplet_margin_loss(a, b, c)
        + F.cosine_embedding_loss(a, b, s)
        + F.margin_ranking_loss(a[:, 0], b[:, 0], s)
    )
    y = y + F.hinge_embedding_loss(a[:, 0], s) + F.triplet_margin_with_distance_loss(a, b, c)
    return y + torch.nn.PairwiseDistance(p=1)(a, b).sum(), [a, b, c]


def policy_gradient(torch: Any) -> Program:
    nn = torch.nn
    m = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    chances = torch.softmax(m(torch.randn(3, 4)), 1)
    choice = torch.distributions.Categorical(chances)
    action = torch.tensor([0, 1, 1])
    loss = -(choice.log_prob(action) * torch.tensor([1.0, 0.5, 0.2])).sum() - 0.01 * choice.entropy().mean()
    return loss, list(m.parameters())


def deep_q(torch: Any) -> Program:
    nn = torch.nn
    m = nn.Linear(4, 2)
    old = nn.Linear(4, 2)
    value = m(torch.randn(3, 4)).gather(1, torch.tensor([[0], [1], [1]]))
    with torch.no_grad():
        best = old(torch.randn(3, 4)).max(1).values
    loss = nn.SmoothL1Loss()(value, (best * 0.9 + 1).unsqueeze(1))
    return loss, list(m.parameters())


def distributions(torch: Any) -> Program:
    D = torch.distributions
    mean, scale = torch.randn(3, requires_grad=True), torch.rand(3).add(0.5).requires_grad_()
    normal = D.Normal(mean, scale)
    y = normal.rsample().sum() + normal.log_prob(torch.ones(3)).sum() + normal.entropy().sum()
    y = y + D.kl_divergence(normal, D.Normal(torch.zeros(3), torch.ones(3))).sum()
    y = (
        y
        + D.Bernoulli(logits=mean).log_prob(torch.ones(3)).sum()
        + D.Exponential(scale).log_prob(scale.detach()).sum()
    )
    return y + D.Laplace(mean, scale).log_prob(torch.ones(3)).sum() + D.Gamma(scale, scale).log_prob(
        torch.ones(3)
    ).sum(), [mean, scale]


def logistic_regression_by_hand(torch: Any) -> Program:
    w, b = torch.zeros(3, requires_grad=True), torch.zeros(1, requires_grad=True)
    x, y = torch.randn(5, 3), torch.tensor([0.0, 1, 1, 0, 1])
    p = 1 / (1 + torch.exp(-(x.mv(w) + b)))
    loss = -(y * p.log() + (1 - y) * (1 - p).log()).mean() + 0.01 * w.pow(2).sum() + 0.01 * b.norm()
    return loss, [w, b]


def logsumexp_by_hand(torch: Any) -> Program:
    x = torch.randn(3, 4, requires_grad=True)
    top = x.max(1, keepdim=True)[0].detach()
    log_chances = x - top - (x - top).exp().sum(1, keepdim=True).log()
    return -log_chances[range(3), torch.tensor([0, 1, 2])].mean(), [x]
