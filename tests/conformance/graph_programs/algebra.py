"""Matrices, reductions, sorting, transforms of numbers."""

from __future__ import annotations

from typing import Any

Program = tuple[Any, list]


def matrix_products(torch: Any) -> Program:
    a, b = torch.randn(3, 3, requires_grad=True), torch.randn(3, 3, requires_grad=True)
    v = torch.randn(3, requires_grad=True)
    y = a @ b @ v + torch.mv(a, v) + v.dot(v) + torch.outer(v, v).sum(0) + a.matmul(v.unsqueeze(1)).squeeze(1)
    z = torch.bmm(a.expand(2, 3, 3), b.expand(2, 3, 3)) + torch.baddbmm(a, a[None], b[None])
    return y.sum() + z.sum() + torch.addmm(a, a, b).trace() + torch.addmv(v, a, v).sum(), [a, b, v]


def matmul_of_many_shapes(torch: Any) -> Program:
    a, b = torch.randn(2, 3, 4, requires_grad=True), torch.randn(4, 5, requires_grad=True)
    c = torch.randn(5, 1, 4, 2, requires_grad=True)
    y = (a @ b).sum() + torch.matmul(a, c).sum() + torch.matmul(torch.ones(4), b).sum()
    return y + torch.linalg.multi_dot([a[0], b, b.t()]).sum() + torch.kron(b, b).sum(), [a, b, c]


def einsum(torch: Any) -> Program:
    a, b = torch.randn(2, 3, 4, requires_grad=True), torch.randn(2, 4, 5, requires_grad=True)
    v = torch.randn(4, requires_grad=True)
    y = torch.einsum("bij,bjk->bik", a, b).sum() + torch.einsum("bij->b", a).prod()
    return y + torch.einsum("i,j->ij", v, v).sum() + torch.einsum("bij,j->bi", a, v).sum(), [a, b, v]


def tensordot_and_distances(torch: Any) -> Program:
    a, b = torch.randn(3, 4, requires_grad=True), torch.randn(5, 4, requires_grad=True)
    y = torch.tensordot(a, b, dims=([1], [1])).sum() + torch.cdist(a, b).mean()
    return y + torch.nn.functional.pdist(a).sum() + torch.dist(a[0], b[0]), [a, b]


def linear_algebra(torch: Any) -> Program:
    L = torch.linalg
    a = torch.randn(3, 3, requires_grad=True)
    b = torch.randn(3, 2, requires_grad=True)
    spd = a @ a.mT + torch.eye(3)
    y = L.solve(spd, b).sum() + L.inv(spd).sum() + L.det(spd) + L.slogdet(spd)[1]
    y = y + L.cholesky(spd).sum() + L.eigvalsh(spd).sum() + L.svdvals(a).sum()
    return y + L.solve_triangular(spd.triu(), b, upper=True).sum() + torch.logdet(spd), [a, b]


def decompositions(torch: Any) -> Program:
    L = torch.linalg
    a = torch.randn(3, 3, requires_grad=True)
    q, r = L.qr(a)
    u, s, v = L.svd(a, full_matrices=False)
    w, e = L.eigh(a + a.T)
    y = r.abs().sum() + s.sum() + (u * v).abs().sum() + w.sum() + e.abs().sum() + q.abs().sum()
    y = y + L.matrix_exp(a).sum() + L.matrix_power(a, 3).sum() + L.pinv(a).sum()
    return y + L.matrix_norm(a) + L.vector_norm(a, 3) + L.norm(a, "nuc") + L.cond(a), [a]


def fourier(torch: Any) -> Program:
    x = torch.randn(2, 8, requires_grad=True)
    y = torch.fft.rfft(x)
    back = torch.fft.irfft(y * torch.tensor(0.5), n=8)
    power = (y.abs() ** 2).sum() + torch.angle(y).sum() + y.real.sum() + y.imag.pow(2).sum()
    whole = torch.fft.ifft2(torch.fft.fft2(x)).real.sum() + torch.fft.fftshift(torch.fft.fft(x)).abs().sum()
    return power + back.sum() + whole, [x]


def complex_numbers(torch: Any) -> Program:
    a, b = torch.randn(3, requires_grad=True), torch.randn(3, requires_grad=True)
    z = torch.complex(a, b)
    w = (z * z.conj() + z.exp() / (z + 2)).sum()
    return torch.view_as_real(z * 1j).sum() + w.real + w.imag + torch.abs(z).prod(), [a, b]


def reductions(torch: Any) -> Program:
    x = torch.randn(3, 4, requires_grad=True)
    y = x.sum() + x.mean(1).sum() + x.prod() + x.prod(0).sum() + x.std() + x.var(1).sum() + x.norm()
    y = y + x.norm(1) + x.norm(3, dim=1).sum() + x.logsumexp(1).sum() + x.amax(1).sum() + x.amin((0, 1))
    y = y + x.max() + x.min() + x.max(1)[0].sum() + x.median() + x.median(1).values.sum()
    y = y + torch.var_mean(x, 1)[1].sum() + torch.std_mean(x)[0] + x.nansum() + x.nanmean() + x.aminmax()[0]
    return y + x.count_nonzero() + x.quantile(0.4) + x.kthvalue(2, 1)[0].sum() + x.mode(1)[0].sum(), [x]


def running_sums(torch: Any) -> Program:
    x = torch.rand(3, 4, requires_grad=True)
    y = x.cumsum(1).sum() + x.cumprod(0).sum() + x.cummax(1)[0].sum() + x.cummin(0).values.sum()
    return y + x.logcumsumexp(1).sum() + x.diff().sum() + torch.trapezoid(x).sum() + x.renorm(
        2, 0, 1.0
    ).sum(), [x]


def sorting(torch: Any) -> Program:
    x = torch.randn(3, 5, requires_grad=True)
    v, i = x.sort(1, descending=True)
    t, k = x.topk(2, dim=1)
    y = v[:, :2].sum() + t.mean() + x.gather(1, k).prod() + x.msort().sum() + x.flatten().unique().sum()
    return y + torch.take_along_dim(x, i, 1).sum() + x.argsort(1).float().sum() + torch.bucketize(
        x, t[0].detach().sort()[0]
    ).sum(), [x]


def gathering_and_scattering(torch: Any) -> Program:
    x, src = torch.randn(3, 4, requires_grad=True), torch.randn(3, 4, requires_grad=True)
    at = torch.tensor([[0, 1, 2, 0], [2, 1, 0, 1], [1, 1, 0, 2]])
    y = x.gather(0, at) + x.scatter(0, at, src) + x.scatter_add(0, at, src)
    y = y + x.scatter_reduce(0, at, src, "amax") + x.index_select(0, torch.tensor([0, 0, 2]))
    y = y + x.index_add(0, torch.tensor([0, 2, 1]), src) + x.index_copy(0, torch.tensor([2, 1, 0]), src)
    y = y + x.index_fill(1, torch.tensor([0]), 2.0) + x.take(torch.tensor([0, 5])).sum()
    return y.sum() + torch.zeros(3, 4).scatter_(1, at, x).sum() + x.put(
        torch.tensor([1]), src[0, :1]
    ).sum(), [x, src]


def choosing(torch: Any) -> Program:
    a, b = torch.randn(4, requires_grad=True), torch.randn(4, requires_grad=True)
    y = torch.where(a > 0, a, b) + torch.maximum(a, b) + torch.min(a, b) + torch.fmax(a, b) + a.clamp(-1, 1)
    y = (
        y
        + a.clamp(min=b)
        + torch.clamp_max(a, 0.5)
        + a.lerp(b, 0.3)
        + torch.lerp(a, b, b)
        + a.masked_fill(b > 0, 1)
    )
    y = (
        y
        + torch.heaviside(a.detach(), b.detach())
        + torch.addcmul(a, a, b)
        + torch.addcdiv(a, b, a, value=0.5)
    )
    return y.sum() + a.masked_select(b > 0).sum() + a.masked_scatter(b > 0, b).sum(), [a, b]


def pointwise(torch: Any) -> Program:
    x = torch.rand(4, requires_grad=True)
    y = x
    for name in (
        "exp",
        "log1p",
        "sqrt",
        "sin",
        "cos",
        "tan",
        "atan",
        "sinh",
        "tanh",
        "erf",
        "expm1",
        "sigmoid",
        "abs",
        "neg",
        "square",
        "reciprocal",
        "sign",
        "floor",
        "round",
        "frac",
        "rsqrt",
        "asinh",
        "digamma",
        "lgamma",
        "sinc",
        "deg2rad",
        "logit",
        "erfc",
        "exp2",
        "log2",
        "log10",
        "positive",
        "trunc",
        "nan_to_num",
    ):
        y = y + getattr(torch, name)(x)
    y = y + torch.atan2(x, x + 1) + torch.hypot(x, x) + torch.fmod(x, 0.3) + x % 0.4 + x // 0.2 + 2**x + x**x
    y = (
        y
        + torch.xlogy(x, x)
        + torch.logaddexp(x, x)
        + x.float_power(2)
        + torch.copysign(x, -x)
        + torch.rsub(x, 1)
    )
    return y.sum() + torch.special.i0(x).sum() + torch.special.entr(x).sum(), [x]


def numbers_on_either_side(torch: Any) -> Program:
    x = torch.rand(3, requires_grad=True)
    y = (1 - x) * 2 / (3 + x) - x / 4 + 5**x - (-x) ** 2 + x**0.5 + 1 / x + abs(x) + x.true_divide(2)
    return y.div(2, rounding_mode="floor").sum() + torch.sub(x, x, alpha=2).sum() + torch.add(
        x, 1, alpha=3
    ).sum(), [x]


def types_mixed(torch: Any) -> Program:
    x = torch.rand(3, requires_grad=True)
    y = x.double() * torch.arange(3) + x.half().float() + x.to(torch.float64) + x.type(torch.float64)
    return (y + x.bfloat16()).sum() + x.long().sum() + x.to(torch.complex64).abs().sum(), [x]


def newton_by_second_derivatives(torch: Any) -> Program:
    x = torch.tensor([1.5, -0.5], requires_grad=True)
    f = (x**4).sum() + (x[0] * x[1]).exp()
    (g,) = torch.autograd.grad(f, x, create_graph=True)
    rows = [torch.autograd.grad(gi, x, create_graph=True)[0] for gi in g]
    return torch.linalg.solve(torch.stack(rows), g).sum(), [x]


def covariances(torch: Any) -> Program:
    x = torch.randn(3, 5, requires_grad=True)
    y = torch.cov(x).sum() + torch.corrcoef(x).sum() + torch.cross(x[:, :3], x[:, 2:], dim=1).sum()
    return y + torch.vander(x[0]).sum() + torch.block_diag(x, x).sum() + torch.cartesian_prod(
        x[0], x[1]
    ).sum(), [x]
