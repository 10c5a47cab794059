"""Small programs that the tests run on the engine, and make_values.py on real PyTorch: one text, two
answers."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np


def display_array(case: dict) -> np.ndarray:
    """The numbers of a tensor to print."""
    rng = np.random.default_rng(case["seed"])
    kind, shape = case["dtype"], case["shape"]
    scale = [1e-6, 1e-3, 0.1, 1, 10, 1000, 1e5, 1e9][case["seed"] % 8]
    x = np.asarray(rng.standard_normal(shape)) * scale
    if case["seed"] % 5 == 0:
        x = np.round(x)
    if case["seed"] % 7 == 0 and x.size:
        x = np.array(x)
        x.flat[0] = [np.nan, np.inf, -np.inf, 0][case["seed"] % 4]
    if "int" in kind:
        x = np.nan_to_num(np.clip(abs(x) if kind == "uint8" else x, -100, 100))
    if "complex" in kind:
        x = x + 1j * rng.standard_normal(shape)
    return x > 0 if kind == "bool" else x


def chain(fn: Any) -> str:
    """A graph as text: each node with those behind it in brackets, A for a leaf."""
    if fn is None:
        return "None"
    name = type(fn).__name__
    if name == "AccumulateGrad":
        return "A"
    return name + "(" + ",".join(chain(f) + (f"#{i}" if i else "") for f, i in fn.next_functions) + ")"


def names_for(torch: Any) -> dict:
    """What the expressions may use: tensors x, v, s, y, indices i2, a mask m, and in-place helpers S, Z, V,
    V2."""
    def leaf(*shape: int) -> Any:
        if not shape:
            return torch.tensor(2.0).requires_grad_()
        return torch.arange(1.0, 1 + math.prod(shape)).reshape(*shape).requires_grad_()

    x = leaf(2, 3)

    def changed(start: Any, part: Any = None) -> Any:
        def run(change: Any) -> Any:
            c = start()
            if part is None:
                change(c)
                return c
            w = part(c)
            change(c, w)
            return w

        return run

    return {"torch": torch, "x": x, "v": leaf(4), "s": leaf(), "y": leaf(2, 2, 2, 2),
            "i2": torch.tensor([0, 1]),
            "m": torch.tensor([[True, False, True], [False, True, False]]), "S": changed(x.clone),
            "Z": changed(lambda: torch.zeros(2, 3)), "V": changed(x.clone, lambda c: c.view(6)),
            "V2": changed(x.clone, lambda c: c.view(6)[1:3])}


def graph_of(torch: Any, expression: str) -> str:
    """Graph, shape and strides of an expression's result, or its error."""
    try:
        r = eval(expression, names_for(torch))
    except Exception as e:
        return f"{type(e).__name__}: {e}"
    return f"{chain(r.grad_fn)} {tuple(r.shape)} {r.stride()}"


def index_cases(count: int) -> list[dict]:
    """Random shapes, indices and ways to use them."""
    rng = random.Random(11)
    cases = []
    while len(cases) < count:
        shape = [rng.choice([1, 2, 3, 4]) for _ in range(rng.randrange(0, 4))]
        parts: list = []
        dots = False
        left = list(shape)
        for _ in range(rng.randrange(0, len(shape) + 2)):
            way = rng.random()
            if way < 0.1:
                parts.append(["none"])
            elif way < 0.2 and not dots:
                parts.append(["dots"])
                dots = True
                left = [min(shape)] * len(left) if shape else []
            elif left:
                n = left.pop(0)
                if way < 0.45:
                    parts.append(["int", rng.randrange(-n, n + (rng.random() < 0.05))])
                elif way < 0.75:
                    parts.append(["slice", rng.choice([None, rng.randrange(-n, n + 1)]),
                                  rng.choice([None, rng.randrange(-n, n + 1)]), rng.choice([None, 1, 2])])
                elif way < 0.9:
                    parts.append(["tensor", [rng.randrange(-n, n) for _ in range(2)]])
                else:
                    parts.append(["mask", [rng.random() < 0.6 for _ in range(n)]])
        cases.append({"shape": shape, "parts": parts, "way": rng.choice(["get", "set", "number"])})
    return cases


def _index(torch: Any, parts: list) -> Any:
    made: list = []
    for kind, *rest in parts:
        made.append({"none": lambda: None, "dots": lambda: Ellipsis, "int": lambda: rest[0],
                     "slice": lambda: slice(*rest), "tensor": lambda: torch.tensor(rest[0]),
                     "mask": lambda: torch.tensor(rest[0], dtype=torch.bool)}[kind]())
    return made[0] if len(made) == 1 else tuple(made)


def index_result(torch: Any, case: dict) -> list:
    """What indexing, or assigning, gives: values, graph and gradient, or the error's type."""
    n = math.prod(case["shape"])
    x = torch.arange(float(n)).reshape(case["shape"]).requires_grad_()
    try:
        at = _index(torch, case["parts"])
        if case["way"] == "get":
            r = x[at]
            (r * r).sum().backward()
        else:
            r = x.clone()
            shape = tuple(r[at].shape)
            r[at] = 7.0 if case["way"] == "number" else torch.arange(1.0, 1 + math.prod(shape)).reshape(shape)
            (r * r).sum().backward()
    except Exception as e:
        return [type(e).__name__]
    return [chain(r.grad_fn), r.detach().tolist(), x.grad.tolist()]


EXPRESSIONS = [
    "x.reshape(6)",
    "x.reshape(2,3)",
    "x.t().reshape(6)",
    "x.flatten()",
    "x.t().flatten()",
    "v.flatten()",
    "s.flatten()",
    "v.unflatten(0,(2,2))",
    "x.ravel()",
    "x.t().ravel()",
    "x.view(3,2)",
    "x.view_as(x)",
    "x.reshape_as(x)",
    "x.squeeze()",
    "x.squeeze(0)",
    "x.squeeze((0,1))",
    "x.unsqueeze(0)",
    "x.permute(1,0)",
    "x.movedim(0,1)",
    "torch.moveaxis(x,0,1)",
    "x.transpose(0,1)",
    "x.T",
    "x.mT",
    "x.H",
    "x.mH",
    "x.adjoint()",
    "x.swapaxes(0,1)",
    "x.t()",
    "x.expand(4,2,3)",
    "x.expand_as(torch.ones(4,2,3))",
    "torch.broadcast_to(x,(4,2,3))",
    "torch.broadcast_tensors(x,torch.ones(3))[0]",
    "torch.broadcast_tensors(x,v[:3])[1]",
    "x.sum_to_size(1,3)",
    "x.sum_to_size(2,3)",
    "x.narrow(0,0,1)",
    "x.select(0,1)",
    "x.diagonal()",
    "v.unfold(0,2,1)",
    "x.as_strided((2,),(1,))",
    "x.split(1)[1]",
    "x.split([1,1])[1]",
    "torch.split_with_sizes(x,[1,1])[0]",
    "x.chunk(2)[1]",
    "x.unbind()[1]",
    "x.tensor_split(2)[1]",
    "x.tensor_split((1,))[0]",
    "x.hsplit(3)[1]",
    "x.vsplit(2)[1]",
    "x.contiguous()",
    "x.t().contiguous()",
    "x.clone()",
    "x.flip(0)",
    "x.fliplr()",
    "x.flipud()",
    "x.rot90()",
    "x.roll(1,0)",
    "x.roll(1)",
    "x.repeat(2,2)",
    "x.tile(2)",
    "torch.tile(x,(2,1,1))",
    "x.repeat_interleave(2)",
    "x.repeat_interleave(2,dim=0)",
    "x.repeat_interleave(torch.tensor([1,2]),dim=0)",
    "v.diag()",
    "x.diag()",
    "v.diag_embed()",
    "v.diagflat()",
    "x.tril()",
    "x.triu(1)",
    "torch.block_diag(x,v)",
    "torch.cartesian_prod(v,v)",
    "torch.cartesian_prod(v)",
    "torch.combinations(v)",
    "torch.atleast_1d(s)",
    "torch.atleast_2d(v)",
    "torch.atleast_3d(v)",
    "torch.atleast_3d(x)",
    "torch.view_copy(x,(6,))",
    "torch.permute_copy(x,(1,0))",
    "torch.select_copy(x,0,1)",
    "torch.slice_copy(x,0,0,1)",
    "torch.squeeze_copy(x)",
    "torch.squeeze_copy(x,0)",
    "torch.unsqueeze_copy(x,0)",
    "torch.t_copy(x)",
    "torch.transpose_copy(x,0,1)",
    "torch.expand_copy(x,(4,2,3))",
    "torch.unfold_copy(v,0,2,1)",
    "torch.unbind_copy(x)[0]",
    "torch.diagonal_copy(x)",
    "torch.as_strided_copy(x,(2,),(1,))",
    "torch.split_copy(x,1)[0]",
    "torch.split_with_sizes_copy(x,[1,1])[0]",
    "torch.alias_copy(x)",
    "torch.narrow_copy(x,0,0,1)",
    "torch.select_scatter(x,v[:3],0,0)",
    "torch.slice_scatter(x,x[:1],0,0,1)",
    "torch.diagonal_scatter(x,v[:2])",
    "torch.as_strided_scatter(x,v[:2],(2,),(1,))",
    "x.unsafe_split(1)[0]",
    "torch.unsafe_chunk(x,2)[0]",
    "torch.cat([x,x])",
    "torch.cat((x,torch.ones(1,3)))",
    "torch.stack([x,x],1)",
    "torch.hstack([x,x])",
    "torch.vstack([x,x])",
    "torch.vstack([v,v])",
    "torch.dstack([x,x])",
    "torch.column_stack([v,v])",
    "torch.column_stack([x,x])",
    "torch.row_stack([v,v])",
    "x[0]",
    "x[0,1]",
    "x[:,1]",
    "x[1:]",
    "x[:]",
    "x[...]",
    "x[None]",
    "x[...,None]",
    "x[0:1,1:2]",
    "x[:,::2]",
    "x[[0,1]]",
    "x[[0,1],[1,2]]",
    "x[:,[0,2]]",
    "x[torch.tensor([0,1])]",
    "x[torch.tensor(1)]",
    "x[torch.tensor(1),0]",
    "x[x>2]",
    "x[x.detach()>2]",
    "x[torch.tensor([True,False])]",
    "x[True]",
    "x[0,[1,2]]",
    "x[[1,0],1:]",
    "y[:,[0,1],:,[0,1]]",
    "y[[0],:,[1]]",
    "y[0,...,1]",
    "y[...,0]",
    "v[-1]",
    "v[()]",
    "s[()]",
    "s[None]",
    "s[True]",
    "x.__getitem__((slice(None),0))",
    "x.index_select(0,i2)",
    "x.gather(1,torch.tensor([[0],[1]]))",
    "x.scatter(1,torch.tensor([[0],[1]]),x)",
    "x.scatter(1,torch.tensor([[0],[1]]),2.)",
    "x.scatter(1,torch.tensor([[0],[1]]),2.,reduce='add')",
    "x.scatter_add(1,torch.tensor([[0],[1]]),x)",
    "x.scatter_reduce(1,torch.tensor([[0],[1]]),x,'sum')",
    "x.scatter_reduce(1,torch.tensor([[0],[1]]),x,'amax')",
    "x.index_add(0,i2,x)",
    "x.index_copy(0,i2,x)",
    "x.index_fill(0,i2,1.)",
    "x.index_fill(0,i2,s)",
    "x.index_put((i2,),x)",
    "x.index_put((i2,),x,accumulate=True)",
    "x.index_reduce(0,i2,x,'prod')",
    "x.masked_fill(m,1.)",
    "x.masked_fill(m,s)",
    "x.masked_select(m)",
    "x.masked_scatter(m,x)",
    "x.take(i2)",
    "x.take_along_dim(i2)",
    "x.put(i2,v[:2])",
    "torch.where(m,x,x)",
    "torch.where(m,x,1.)",
    "torch.where(m,x,s)",
    "torch.clone(x)",
    "x.to(torch.float64)",
    "x.double()",
    "x.type_as(torch.ones(1).double())",
    "x.real",
    "x.conj()",
    "torch.complex(x,x)",
    "torch.polar(x,x)",
    "torch.view_as_complex(y[...,:2])",
    "torch.view_as_real(torch.complex(x,x))",
    "torch.complex(x,x).real",
    "torch.complex(x,x).imag",
    "x.cpu()",
    "x.detach().requires_grad_().view(6)",
    "torch.vander(v)",
    "torch.meshgrid(v,v)[0]",
    "x.new_tensor(1.)",
    "torch.full_like(x,2)",
    "x.msort()",
    "torch.positive(x)",
    "torch.diff(v)",
    "torch.tensor_split(x,2,1)[0]",
    "x.select(0,0).select(0,1)",
    "torch.gather(x,1,torch.tensor([[0],[1]]))",
    "torch.rot90(x,2)",
    "torch.swapdims(x,0,1)",
    "x.squeeze(-1).unsqueeze(-1)",
    "torch.nn.functional.pad(x,(1,1))",
    "x.clone().index_fill_(0,i2,0.)",
    "x.clone().fill_(2.)",
    "x.clone().zero_()",
    "x.clone().copy_(x)",
    "x.clone().copy_(v[:3])",
    "x.clone().t_()",
    "x.clone().squeeze_()",
    "x.clone().unsqueeze_(0)",
    "x.clone().transpose_(0,1)",
    "x.clone().masked_fill_(m,0.)",
    "x.clone().scatter_(1,torch.tensor([[0],[1]]),x)",
    "x.clone().index_put_((i2,),x)",
    "x.clone().index_add_(0,i2,x)",
    "x.clone().add_(1)",
    "x.clone().fill_diagonal_(0)",
    "x.clone().t().add_(1)",
    "x.clone().tril_()",
    "x.clone().put_(i2,v[:2])",
    "x.clone().swapaxes_(0,1)",
    "x.clone()[0].mul_(2)",
    "x.clone().view(6).mul_(2)",
    "x.clone().detach_().requires_grad_()",
    "S(lambda c: c.__setitem__(0,1.))",
    "S(lambda c: c.__setitem__((slice(None),0),1.))",
    "S(lambda c: c.__setitem__((slice(None),0),x[:,1]))",
    "S(lambda c: c.__setitem__(0,x[1]))",
    "S(lambda c: c.__setitem__(slice(None),x))",
    "S(lambda c: c.__setitem__(Ellipsis,x))",
    "S(lambda c: c.__setitem__(Ellipsis,1.))",
    "S(lambda c: c.__setitem__(c>2,0.))",
    "S(lambda c: c.__setitem__(c>2,s))",
    "S(lambda c: c.__setitem__([0,1],x))",
    "S(lambda c: c.__setitem__((slice(None),[0,1]),x[:,:2]))",
    "S(lambda c: c.__setitem__((0,[0,1]),5.))",
    "S(lambda c: c.__setitem__((0,0),s))",
    "S(lambda c: c.__setitem__((0,0),5))",
    "S(lambda c: c.__setitem__(i2,v[:3]))",
    "S(lambda c: c.__setitem__(True,2.))",
    "S(lambda c: c[0].mul_(2))",
    "S(lambda c: c.view(6)[0].mul_(2))",
    "S(lambda c: c.t().add_(x.t()))",
    "S(lambda c: c.data.add_(1))",
    "S(lambda c: c[0].zero_())",
    "S(lambda c: c.select(0,0).copy_(x[1]))",
    "S(lambda c: c.mul_(2))",
    "S(lambda c: c.t_())",
    "S(lambda c: c.diagonal().fill_(0.))",
    "Z(lambda c: c.copy_(x))",
    "Z(lambda c: c.__setitem__(0,x[0]))",
    "Z(lambda c: c.__setitem__(slice(None),x))",
    "Z(lambda c: c[0].add_(x[0]))",
    "Z(lambda c: c.add_(x))",
    "Z(lambda c: c.__setitem__(i2,x))",
    "Z(lambda c: c.__setitem__((i2,i2),x[0,:2]))",
    "Z(lambda c: c.index_add_(0,i2,x))",
    "V(lambda c,w: c.mul_(2))",
    "V(lambda c,w: w.mul_(2))",
    "V(lambda c,w: w[0].mul_(2))",
    "V2(lambda c,w: c.mul_(2))",
]
