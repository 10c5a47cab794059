"""Views, indices, and writing in place."""

from __future__ import annotations

from typing import Any

Program = tuple[Any, list]


def chain_of_views(torch: Any) -> Program:
    x = torch.randn(2, 3, 4, requires_grad=True)
    y = x.view(6, 4).t().reshape(-1).unsqueeze(0).squeeze().view(2, 3, 4).permute(2, 0, 1).contiguous()
    y = y.transpose(0, 2).swapaxes(0, 1).movedim(0, -1).flatten(1).unflatten(1, (-1, 2)).expand(2, -1, -1, -1)
    return y.narrow(1, 0, 2).select(0, 1).diagonal().sum() + y.view_as(y).reshape_as(y).sum(), [x]


def joining_and_splitting(torch: Any) -> Program:
    x, y = torch.randn(2, 4, requires_grad=True), torch.randn(2, 4, requires_grad=True)
    a, b = torch.cat([x, y], 1).chunk(2, 1)
    c, d = torch.stack([a, b]).unbind(0)
    e, f, g = c.split([1, 2, 1], 1)
    h = torch.hstack([e, f]).sum() + torch.vstack([g, g]).sum() + torch.dstack([d, d]).sum()
    return h + torch.tensor_split(x, 3, 1)[1].sum() + torch.column_stack([x, y]).prod() + torch.hsplit(y, 2)[
        0
    ].sum(), [x, y]


def turning_and_repeating(torch: Any) -> Program:
    x = torch.randn(2, 3, requires_grad=True)
    y = x.flip(0).roll(1, 1).rot90().repeat(2, 2).tile((1, 2)) * 2
    z = x.repeat_interleave(2, 1).tril() + x.repeat_interleave(torch.tensor([3, 1, 2]), 1).triu()
    return y.sum() + z.sum() + torch.diag(x[0]).sum() + torch.diag_embed(x).sum() + x.broadcast_to(
        2, 2, 3
    ).sum(), [x]


def indexing(torch: Any) -> Program:
    x = torch.randn(5, 4, requires_grad=True)
    at = torch.tensor([0, 2, 2])
    y = x[at].sum() + x[1, :2].sum() + x[x > 0].sum() + x[..., None, -1].sum() + x[::2, 1:3].sum()
    return y + x[:, at].sum() + x[at, at].sum() + x[[0, 1], 1:].sum() + x[True].sum() + x[-1][-1] + x[
        at[None], 0
    ].sum(), [x]


def writing_through_indices(torch: Any) -> Program:
    x = torch.randn(5, 4, requires_grad=True)
    v = torch.randn(4, requires_grad=True)
    y = x * 1
    y[0] = v
    y[1, :2] = 0.0
    y[y > 2] = 1.0
    y[torch.tensor([3, 4])] = v * 2
    y[:, -1] += 3
    return y.sum(), [x, v]


def in_place_on_a_view(torch: Any) -> Program:
    x = torch.randn(4, 4, requires_grad=True)
    y = x.clone()
    first = y[0]
    first.mul_(2)
    y.t()[1].add_(first)
    y.view(-1)[3:7].zero_()
    return (y * first.sum()).sum(), [x]


def in_place_chain(torch: Any) -> Program:
    x = torch.randn(4, requires_grad=True)
    y = x * 2
    y.add_(1).mul_(x).sub_(0.5).clamp_(-1, 1).exp_().sqrt_().tanh_()
    z = torch.zeros(4)
    z += y
    z *= 2
    z.copy_(z * y)
    return z.fill_diagonal_(0).sum() if z.dim() > 1 else z.sum(), [x]


def in_place_on_views_of_views(torch: Any) -> Program:
    x = torch.randn(2, 6, requires_grad=True)
    y = x + 0
    a = y.view(3, 4)
    b = a[1:]
    b.sigmoid_()
    c = y.reshape(12).narrow(0, 0, 3)
    c.copy_(b[0, :3])
    return (a * 2).sum() + y.sum() + c.sum(), [x]


def buffer_filled_row_by_row(torch: Any) -> Program:
    m = torch.nn.Linear(3, 3)
    rows = torch.zeros(3, 3)
    h = torch.ones(3)
    for i in range(3):
        h = torch.tanh(m(h))
        rows[i] = h
    return rows.pow(2).sum(), list(m.parameters())


def strided_window(torch: Any) -> Program:
    x = torch.randn(8, requires_grad=True)
    y = x.as_strided((3, 2), (2, 1)) * 2
    return y.sum() + x.unfold(0, 3, 1).sum() + torch.squeeze(x[None, :, None], 0).sum(), [x]


def masks(torch: Any) -> Program:
    x = torch.randn(3, 4, requires_grad=True)
    keep = x > 0
    y = x * keep + x.masked_fill(~keep, -1.0) + torch.where(keep, x, 0.0) + torch.where(keep, 1.0, x * 2)
    y.masked_fill_(keep, 0.5)
    return y.sum() + x[keep].mean() + (x * keep.float()).sum() / keep.sum(), [x]


def meshes_and_sizes(torch: Any) -> Program:
    a, b = torch.randn(3, requires_grad=True), torch.randn(2, requires_grad=True)
    u, v = torch.meshgrid(a, b, indexing="ij")
    s, t = torch.broadcast_tensors(a[:, None], b)
    return (u * v + s / (t.abs() + 1)).sum() + torch.atleast_2d(a).sum() + torch.ravel(u).sum(), [a, b]
