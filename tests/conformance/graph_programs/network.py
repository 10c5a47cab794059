"""Feed-forward programs: layers, pictures, normalization, generators."""

from __future__ import annotations

from typing import Any

from tests.conformance.graph_programs import model

Program = tuple[Any, list]


def multilayer_perceptron(torch: Any) -> Program:
    nn = torch.nn
    m = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 4), nn.LogSoftmax(1))
    loss = nn.NLLLoss()(m(torch.randn(3, 8)), torch.tensor([0, 1, 2]))
    return loss, list(m.parameters())


def lenet(torch: Any) -> Program:
    nn = torch.nn
    m = nn.Sequential(
        nn.Conv2d(1, 6, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.Sigmoid(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.Hardtanh(),
        nn.Linear(120, 10),
    )
    return nn.CrossEntropyLoss()(m(torch.randn(2, 1, 32, 32)), torch.tensor([3, 9])), list(m.parameters())


def residual_block(torch: Any) -> Program:
    nn, F = torch.nn, torch.nn.functional
    conv1, conv2 = nn.Conv2d(4, 8, 3, 2, 1, bias=False), nn.Conv2d(8, 8, 3, 1, 1, bias=False)
    bn1, bn2 = nn.BatchNorm2d(8), nn.BatchNorm2d(8)
    down = nn.Sequential(nn.Conv2d(4, 8, 1, 2, bias=False), nn.BatchNorm2d(8))
    x = torch.randn(2, 4, 8, 8, requires_grad=True)
    y = F.relu(bn1(conv1(x)), inplace=True)
    y = bn2(conv2(y))
    y += down(x)
    y = F.adaptive_avg_pool2d(F.relu(y, inplace=True), 1)
    leaves = [x, *(p for m in (conv1, conv2, bn1, bn2, down) for p in m.parameters())]
    return torch.flatten(y, 1).square().mean(), leaves


def inverted_bottleneck(torch: Any) -> Program:
    nn = torch.nn
    m = nn.Sequential(
        nn.Conv2d(4, 16, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU6(inplace=True),
        nn.Conv2d(16, 16, 3, padding=1, groups=16, bias=False),
        nn.BatchNorm2d(16),
        nn.SiLU(),
        nn.Conv2d(16, 4, 1),
        nn.Hardswish(),
    ).eval()
    x = torch.randn(1, 4, 6, 6, requires_grad=True)
    return (x + m(x)).sum(), [x, *m.parameters()]


def squeeze_and_excitation(torch: Any) -> Program:
    nn = torch.nn
    fc1, fc2 = nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1)
    x = torch.randn(2, 8, 5, 5, requires_grad=True)
    scale = torch.sigmoid(fc2(torch.relu(fc1(x.mean((2, 3), keepdim=True)))))
    return (x * scale).pow(2).mean(), [x, *fc1.parameters(), *fc2.parameters()]


def dense_block(torch: Any) -> Program:
    nn = torch.nn
    layers = nn.ModuleList(nn.Conv2d(4 + 2 * i, 2, 3, padding=1) for i in range(3))
    x = torch.randn(1, 4, 5, 5, requires_grad=True)
    seen = [x]
    for layer in layers:
        seen.append(torch.relu(layer(torch.cat(seen, 1))))
    return torch.cat(seen, 1).mean(), [x, *layers.parameters()]


def u_net(torch: Any) -> Program:
    nn, F = torch.nn, torch.nn.functional
    down, middle, out = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 8, 3, padding=1), nn.Conv2d(8, 1, 1)
    up = nn.ConvTranspose2d(8, 4, 2, stride=2)
    x = torch.randn(1, 1, 8, 8)
    a = F.relu(down(x))
    b = F.relu(middle(F.max_pool2d(a, 2)))
    y = out(torch.cat([up(b), a], 1))
    loss = F.binary_cross_entropy_with_logits(y, torch.ones(1, 1, 8, 8))
    return loss, [p for m in (down, middle, up, out) for p in m.parameters()]


def convolution_in_one_and_three_dimensions(torch: Any) -> Program:
    nn = torch.nn
    one, three = nn.Conv1d(2, 3, 3, dilation=2), nn.Conv3d(1, 2, 2, stride=2)
    y = torch.nn.functional.avg_pool1d(one(torch.randn(2, 2, 12)), 2).sum()
    z = nn.MaxPool3d(2)(three(torch.randn(1, 1, 8, 8, 8))).sum()
    return y * z, [*one.parameters(), *three.parameters()]


def reflected_and_circular_padding(torch: Any) -> Program:
    nn, F = torch.nn, torch.nn.functional
    a = nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect")
    b = nn.Conv2d(2, 1, 3, padding=1, padding_mode="circular")
    x = torch.randn(1, 1, 6, 6, requires_grad=True)
    y = b(a(x))
    z = F.pad(y, (1, 2, 0, 1)) + F.pad(y, (2, 1, 1, 0), mode="replicate")
    return z.abs().sum(), [x, *a.parameters(), *b.parameters()]


def interpolation(torch: Any) -> Program:
    F = torch.nn.functional
    x = torch.randn(1, 2, 4, 4, requires_grad=True)
    y = F.interpolate(x, scale_factor=2, mode="nearest")
    y = F.interpolate(y, size=(6, 6), mode="bilinear", align_corners=False)
    y = F.interpolate(y, scale_factor=2, mode="bicubic") + F.interpolate(y, size=12, mode="area")
    return y.sum() + F.interpolate(x[0], size=9, mode="linear").sum(), [x]


def spatial_transformer(torch: Any) -> Program:
    F = torch.nn.functional
    theta = torch.eye(2, 3)[None].requires_grad_()
    x = torch.randn(1, 1, 5, 5, requires_grad=True)
    y = F.grid_sample(x, F.affine_grid(theta, [1, 1, 4, 4], align_corners=False), align_corners=False)
    return y.mean(), [theta, x]


def super_resolution(torch: Any) -> Program:
    nn, F = torch.nn, torch.nn.functional
    m = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.PReLU(), nn.Conv2d(8, 4, 3, padding=1), nn.PixelShuffle(2)
    )
    y = m(torch.randn(1, 1, 4, 4))
    return F.l1_loss(y, torch.zeros(1, 1, 8, 8)) + F.pixel_unshuffle(y, 2).sum(), list(m.parameters())


def batch_group_layer_instance_norm(torch: Any) -> Program:
    nn = torch.nn
    layers = [nn.BatchNorm2d(4), nn.GroupNorm(2, 4), nn.LayerNorm([3, 3]), nn.InstanceNorm2d(4, affine=True)]
    x = torch.randn(2, 4, 3, 3, requires_grad=True)
    y = x
    for layer in layers:
        y = layer(y)
    y = nn.functional.local_response_norm(y, 2)
    return nn.RMSNorm([3])(y).pow(3).sum(), [x, *(p for m in layers for p in m.parameters())]


def activations(torch: Any) -> Program:
    nn = torch.nn
    x = torch.randn(3, 4, requires_grad=True)
    y = x
    for layer in (
        nn.ELU(),
        nn.CELU(),
        nn.SELU(),
        nn.GELU(),
        nn.GELU(approximate="tanh"),
        nn.LeakyReLU(),
        nn.Softplus(),
        nn.Softsign(),
        nn.Mish(),
        nn.LogSigmoid(),
        nn.Hardshrink(),
        nn.Softshrink(),
        nn.Tanhshrink(),
        nn.Hardsigmoid(),
        nn.Threshold(0.1, 2.0),
        nn.GLU(),
        nn.Softmax(1),
        nn.Softmin(1),
    ):
        y = layer(y)
    return y.sum(), [x]


def variational_autoencoder(torch: Any) -> Program:
    nn, F = torch.nn, torch.nn.functional
    enc, mu, logvar = nn.Linear(6, 5), nn.Linear(5, 2), nn.Linear(5, 2)
    dec1, dec2 = nn.Linear(2, 5), nn.Linear(5, 6)
    x = torch.rand(3, 6)
    h = F.relu(enc(x.view(-1, 6)))
    m, v = mu(h), logvar(h)
    z = m + torch.randn_like(v) * torch.exp(0.5 * v)
    r = torch.sigmoid(dec2(F.relu(dec1(z))))
    kl = -0.5 * torch.sum(1 + v - m.pow(2) - v.exp())
    loss = F.binary_cross_entropy(r, x, reduction="sum") + kl
    return loss, [p for layer in (enc, mu, logvar, dec1, dec2) for p in layer.parameters()]


def generator_step_of_a_gan(torch: Any) -> Program:
    nn = torch.nn
    g = nn.Sequential(
        nn.ConvTranspose2d(4, 4, 4, 1, 0, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(True),
        nn.ConvTranspose2d(4, 1, 4, 2, 1, bias=False),
        nn.Tanh(),
    )
    d = nn.Sequential(
        nn.Conv2d(1, 4, 4, 2, 1, bias=False),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(4, 1, 4, 1, 0, bias=False),
        nn.Sigmoid(),
    )
    loss = nn.BCELoss()(d(g(torch.randn(2, 4, 1, 1))).view(-1), torch.full((2,), 1.0))
    return loss, [*g.parameters(), *d.parameters()]


def critic_with_gradient_penalty(torch: Any) -> Program:
    nn = torch.nn
    critic = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    real, fake = torch.randn(2, 3), torch.randn(2, 3)
    eps = torch.rand(2, 1)
    mixed = (eps * real + (1 - eps) * fake).requires_grad_(True)
    (grad,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
    penalty = ((grad.norm(2, dim=1) - 1) ** 2).mean()
    return critic(fake).mean() - critic(real).mean() + 10 * penalty, [mixed, *critic.parameters()]


def style_transfer(torch: Any) -> Program:
    nn, F = torch.nn, torch.nn.functional
    conv = nn.Conv2d(3, 4, 3, padding=1).requires_grad_(False)
    picture, wanted = torch.rand(1, 3, 6, 6).requires_grad_(True), torch.rand(1, 3, 6, 6)

    def gram(x: Any) -> Any:
        a, b, c, d = x.size()
        f = x.view(a * b, c * d)
        return torch.mm(f, f.t()).div(a * b * c * d)

    style = F.mse_loss(gram(conv(picture)), gram(conv(wanted)).detach())
    return style * 1e6 + F.mse_loss(conv(picture), conv(wanted)), [picture]


def weight_norm_and_spectral_norm(torch: Any) -> Program:
    nn = torch.nn
    p = nn.utils.parametrizations
    a, b, c = p.weight_norm(nn.Linear(4, 3)), p.spectral_norm(nn.Linear(3, 3)), p.orthogonal(nn.Linear(3, 3))
    loss = c(b(torch.relu(a(torch.randn(2, 4))))).sum()
    return loss, [*a.parameters(), *b.parameters(), *c.parameters()]


def parametrized_symmetric_weight(torch: Any) -> Program:
    nn = torch.nn

    class Symmetric(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.triu() + x.triu(1).transpose(-1, -2)

    layer = nn.Linear(3, 3)
    nn.utils.parametrize.register_parametrization(layer, "weight", Symmetric())
    return layer(torch.randn(2, 3)).pow(2).sum(), list(layer.parameters())


def bilinear_and_cosine(torch: Any) -> Program:
    nn, F = torch.nn, torch.nn.functional
    m = nn.Bilinear(3, 4, 2)
    a, b = torch.randn(5, 3, requires_grad=True), torch.randn(5, 4, requires_grad=True)
    y = m(a, b)
    loss = F.cosine_similarity(y, torch.ones(5, 2)).sum() + F.pairwise_distance(y, torch.ones(5, 2)).sum()
    return loss, [a, b, *m.parameters()]


def pooling_of_every_kind(torch: Any) -> Program:
    F = torch.nn.functional
    x = torch.randn(1, 2, 8, 8, requires_grad=True)
    a, at = F.max_pool2d(x, 2, return_indices=True)
    b = F.max_unpool2d(a, at, 2)
    c = F.adaptive_max_pool2d(b, 3)
    d = F.lp_pool2d(x, 2, 2) + F.avg_pool2d(x, 3, 2, 1)
    return c.sum() + d.sum() + F.adaptive_avg_pool1d(x[0], 3).sum(), [x]


def patches(torch: Any) -> Program:
    F = torch.nn.functional
    x = torch.randn(1, 2, 6, 6, requires_grad=True)
    columns = F.unfold(x, 3, stride=3)
    y = F.fold(columns * 2, (6, 6), 3, stride=3)
    return (y - x).pow(2).sum() + x.unfold(2, 2, 2).mean() + F.channel_shuffle(x, 2).max(), [x]


def residual_network(torch: Any) -> Program:
    m = model.residual_network(torch)
    return m(torch.randn(2, 3, 32, 32)).sum(), list(m.parameters())
