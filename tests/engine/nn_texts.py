"""Situations whose text (messages, reprs, orders of calls) tests compare with what PyTorch stored."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

SAYS: dict[str, Callable[[Any], Iterator[str]]] = {}


def case(fn: Callable[[Any], Iterator[str]]) -> Callable:
    """Notes a situation under its name in words."""
    SAYS[fn.__name__.replace("_", " ")] = fn
    return fn


def said(torch: Any, name: str) -> list[str]:
    """All that is said in a situation."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(SAYS[name](torch))


def tried(fn: Callable, *args: Any, **kwargs: Any) -> str:
    """The error of a call."""
    try:
        return f"no error: {fn(*args, **kwargs)}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def net(torch: Any) -> Any:
    """A small model with one of everything."""
    nn = torch.nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(2, 3)
            self.bn = nn.BatchNorm1d(3)
            self.seq = nn.Sequential(nn.ReLU(), nn.Linear(3, 1))
            self.register_buffer("b", torch.zeros(2))
            self.register_buffer("quiet", torch.zeros(2), persistent=False)

    return Net()


@case
def what_comes_before_init_is_refused(torch: Any) -> Iterator[str]:
    nn = torch.nn

    def making(act: Callable) -> Callable:
        return type("Early", (nn.Module,), {"__init__": lambda self: act(self)})

    for act in (
        lambda m: setattr(m, "w", nn.Parameter(torch.zeros(1))),
        lambda m: setattr(m, "l", nn.Linear(1, 1)),
        lambda m: setattr(m, "b", nn.Buffer(torch.zeros(1))),
        lambda m: m.register_buffer("x", torch.zeros(1)),
        lambda m: m.register_parameter("x", None),
    ):
        yield tried(making(act))


@case
def wrong_values_are_refused(torch: Any) -> Iterator[str]:
    nn, n = torch.nn, net(torch)
    for name, value in (("fc", 3), ("fc", torch.zeros(2)), ("b", 3)):
        yield tried(setattr, n, name, value)
    yield tried(setattr, n.fc, "weight", torch.zeros(3, 2))
    yield tried(setattr, n.fc, "weight", 3)
    yield tried(getattr, n, "nothing")
    yield tried(delattr, n, "nothing")
    for register, good in (
        (n.register_buffer, None),
        (n.register_parameter, None),
        (n.add_module, nn.ReLU()),
    ):
        for name in (3, "a.b", "", "forward"):
            yield tried(register, name, good)
        yield tried(register, "new", 3)
    yield tried(n.register_parameter, "new", torch.zeros(1))
    yield tried(n.register_parameter, "new", nn.Parameter(torch.ones(1)) * 2)
    yield tried(n)
    yield tried(nn.Module, 3)
    yield tried(nn.Module, a=3)
    yield tried(n.train, 3)
    yield tried(n.to, torch.int32)


@case
def names_and_places(torch: Any) -> Iterator[str]:
    n = net(torch)
    yield str([name for name, _ in n.named_modules()])
    yield str([name for name, _ in n.named_parameters()])
    yield str([name for name, _ in n.named_parameters("x", recurse=False)])
    yield str([name for name, _ in n.named_buffers()])
    yield repr(n.get_submodule("seq.1"))
    for path in ("seq.9", "b"):
        yield tried(n.get_submodule, path)
    yield tried(n.get_parameter, "fc.x")
    yield tried(n.get_parameter, "b")
    yield tried(n.get_buffer, "fc.weight")
    n.set_submodule("seq.1", torch.nn.Tanh())
    yield repr(n)
    yield tried(n.set_submodule, "", torch.nn.Tanh())
    shared = torch.nn.Linear(1, 1)
    twice = torch.nn.Sequential(shared, shared)
    yield str([name for name, _ in twice.named_parameters()])
    yield str([name for name, _ in twice.named_parameters(remove_duplicate=False)])


@case
def state_dicts_that_do_not_fit(torch: Any) -> Iterator[str]:
    n = net(torch)
    state = n.state_dict()
    yield f"{list(state)} {dict(state._metadata)}"
    yield repr(n.load_state_dict(state))
    bad = OrderedDict(state)
    del bad["fc.weight"]
    bad["zzz"], bad["fc.bias"] = torch.zeros(1), torch.zeros(7)
    yield tried(n.load_state_dict, bad)
    bad["fc.bias"], bad["fc.q"], bad["seq.7.a"] = torch.zeros(3), torch.zeros(3), 1
    yield tried(n.load_state_dict, bad)
    yield repr(n.load_state_dict(bad, strict=False))
    yield tried(n.load_state_dict, [1])
    yield tried(n.load_state_dict, {**state, "fc.bias": 3})


@case
def hooks_are_called_in_order(torch: Any) -> Iterator[str]:
    nn = torch.nn
    calls: list[str] = []

    def shapes(grads: Any) -> list:
        return [None if g is None else tuple(g.shape) for g in grads]

    model = nn.Sequential(OrderedDict(a=nn.Linear(2, 2), b=nn.Tanh()))
    model.a.register_forward_pre_hook(lambda m, args: calls.append("before") or (args[0] * 2,))
    model.a.register_forward_pre_hook(lambda m, args, kw: calls.append(f"before {kw}"), with_kwargs=True)
    model.a.register_forward_hook(lambda m, args, out: calls.append("after") or out + 1)
    model.a.register_forward_hook(lambda m, args, out: calls.append("first after"), prepend=True)
    model.register_full_backward_hook(lambda m, gi, go: calls.append(f"model {shapes(gi)} {shapes(go)}"))
    model.a.register_full_backward_hook(lambda m, gi, go: calls.append(f"a {shapes(gi)}"))
    model.b.register_full_backward_pre_hook(lambda m, go: calls.append("b is entered") or (go[0] * 2,))
    x = torch.ones(1, 2, requires_grad=True)
    y = model(x)
    calls.append(y.grad_fn.name())
    y.sum().backward()
    with torch.nn.modules.module.register_module_forward_hook(lambda m, a, o: calls.append(type(m).__name__)):
        model(torch.ones(1, 2)).sum().backward()
    calls.append(tried(model.a.register_backward_hook, print))
    always = nn.Linear(2, 2)
    always.register_forward_hook(lambda m, args, out: calls.append(f"always {out}"), always_call=True)
    calls.append(tried(always, torch.ones(1, 3)))
    yield from calls


@case
def containers_say_what_they_hold(torch: Any) -> Iterator[str]:
    nn = torch.nn
    s = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 3))
    yield f"{s[-1]} {s[1:]} {len(s)}"
    for act in (
        lambda: s[5],
        lambda: s + 3,
        lambda: s * 0,
        lambda: s * 1.5,
        lambda: s.insert(9, nn.ReLU()),
        lambda: s.append(3),
    ):
        yield tried(act)
    del s[0]
    s.insert(0, nn.Identity())
    yield f"{s * 2} {s + nn.Sequential(nn.ELU())} {s.pop(1)} {s}"
    items = nn.ModuleList([nn.Linear(1, 1) for _ in range(3)] + [nn.ReLU()])
    items.insert(1, nn.Tanh())
    yield f"{items} {items[1:3]} {items + [nn.GELU()]} {nn.ModuleList()}"
    yield tried(items, 1)
    d = nn.ModuleDict({"a": nn.Linear(1, 1), "b": nn.ReLU()})
    d["c"] = nn.Tanh()
    yield f"{d} {list(d)} {'a' in d} {d.pop('a')} {len(d)}"
    for bad in (3, [3], [(1, 2, 3)]):
        yield tried(d.update, bad)
    p = nn.ParameterList([torch.ones(2), nn.Parameter(torch.zeros(1, 2).double()), 3])
    yield f"{p} {list(p.state_dict())} {p[1:]} {nn.ParameterList()}"
    yield tried(p)
    q = nn.ParameterDict({"b": torch.ones(2), "a": nn.Parameter(torch.zeros(1, 2)), "o": 3})
    yield f"{q} {list(q.state_dict())} {q.get('zz')} {q | q} {q.popitem()} {q}"


@case
def layers_refuse_what_they_cannot_do(torch: Any) -> Iterator[str]:
    nn = torch.nn
    ones = torch.ones
    for act in (
        lambda: nn.Conv2d(3, 4, 3, padding="same", stride=2),
        lambda: nn.Conv2d(3, 4, 3, groups=2),
        lambda: nn.Conv2d(4, 3, 3, groups=2),
        lambda: nn.ConvTranspose2d(3, 4, 3, padding_mode="reflect"),
        lambda: nn.Dropout(2),
        lambda: nn.Dropout(-0.1),
        lambda: nn.BatchNorm1d(2)(ones(1, 2, 3, 4)),
        lambda: nn.BatchNorm2d(2)(ones(2)),
        lambda: nn.BatchNorm1d(2)(ones(1, 2)),
        lambda: nn.InstanceNorm2d(2)(ones(1)),
        lambda: nn.GroupNorm(2, 3),
        lambda: nn.Hardtanh(1, 0),
        lambda: nn.LSTM(2, 3, dropout=2),
        lambda: nn.LSTM(2, 3, proj_size=4),
        lambda: nn.GRU(2, 3, proj_size=1),
        lambda: nn.LSTM(2, 3)(ones(2, 2, 5)),
        lambda: nn.LSTM(2, 3)(ones(2)),
        lambda: nn.LSTM(2, 3)(ones(2, 2, 2).double()),
        lambda: nn.RNN(2, 3)(ones(2, 2, 2), ones(1, 1, 3)),
        lambda: nn.GRU(2, 3)(ones(2, 2), ones(1, 1, 3)),
        lambda: nn.LSTMCell(2, 3)(ones(2, 3)),
        lambda: nn.Embedding(3, 4, 5),
        lambda: nn.MultiheadAttention(5, 2),
        lambda: nn.MultiheadAttention(4, 2)(*[ones(2, 1, 4)] * 3, attn_mask=ones(5, 5)),
        lambda: nn.MultiheadAttention(4, 2)(*[ones(2, 1, 4)] * 3, is_causal=True),
        lambda: nn.Transformer(4, 2, 1, 1)(ones(2, 1, 4), ones(2, 2, 4)),
        lambda: nn.Unflatten(1, 3),
        lambda: nn.FractionalMaxPool2d(2),
        lambda: nn.MultiMarginLoss(3),
        lambda: nn.TripletMarginLoss(-1),
        lambda: nn.AdaptiveLogSoftmaxWithLoss(4, 5, []),
        lambda: nn.LazyLinear(2).weight.shape,
        lambda: nn.LazyConv2d(3, 2)(ones(3)),
        lambda: nn.Softmax2d()(ones(2)),
    ):
        yield tried(act)


@case
def layers_say_how_they_are_set(torch: Any) -> Iterator[str]:
    nn = torch.nn
    yield from map(
        repr,
        (
            nn.Conv2d(3, 4, 3, padding="same", bias=False, dilation=2, padding_mode="reflect"),
            nn.ConvTranspose2d(3, 4, 3, output_padding=1, stride=2),
            nn.Conv1d(1, 2, 3, padding=(1,)),
            nn.LSTM(2, 3, 2, bias=False, batch_first=True, dropout=0.1, bidirectional=True, proj_size=2),
            nn.RNN(1, 2, nonlinearity="relu"),
            nn.RNNCell(1, 2, nonlinearity="relu"),
            nn.LSTMCell(1, 2, bias=False),
            nn.Embedding(3, 4, -1, max_norm=1.0, norm_type=1, scale_grad_by_freq=True, sparse=True),
            nn.EmbeddingBag(3, 4, padding_idx=1),
            nn.Embedding.from_pretrained(torch.ones(3, 2)),
            nn.BatchNorm2d(3, affine=False),
            nn.InstanceNorm1d(2),
            nn.LayerNorm((2, 3), bias=False),
            nn.GroupNorm(1, 2),
            nn.RMSNorm(3),
            nn.SyncBatchNorm(3),
            nn.Flatten(0),
            nn.Unflatten(1, (2, 3)),
            nn.Upsample(scale_factor=2),
            nn.UpsamplingBilinear2d(scale_factor=2),
            nn.Fold(2, 2),
            nn.AdaptiveAvgPool2d((None, 3)),
            nn.MaxUnpool2d(2),
            nn.AvgPool1d(2),
            nn.MaxPool2d((2, 3)),
            nn.ZeroPad2d(1),
            nn.ConstantPad1d(1, 3.0),
            nn.CircularPad3d(1),
            nn.ReLU(True),
            nn.ELU(inplace=True),
            nn.Hardtanh(),
            nn.ReLU6(),
            nn.Threshold(0.1, 20),
            nn.GELU("tanh"),
            nn.Dropout(),
            nn.CrossEntropyLoss(),
            nn.TripletMarginWithDistanceLoss(),
            nn.LazyLinear(3),
            nn.LazyConv1d(2, 3),
            nn.TransformerEncoderLayer(4, 2),
            nn.AdaptiveLogSoftmaxWithLoss(8, 10, [2, 5]),
            nn.LinearCrossEntropyLoss(2, 3),
            nn.DataParallel(nn.Linear(1, 2)),
        ),
    )


@case
def parametrised_and_pruned_modules(torch: Any) -> Iterator[str]:
    from importlib import import_module

    parametrize = import_module(f"{torch.__name__}.nn.utils.parametrize")
    prune = import_module(f"{torch.__name__}.nn.utils.prune")
    nn = torch.nn

    class Symmetric(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.triu() + x.triu(1).T

    m = parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    yield f"{m} {list(m.state_dict())} {parametrize.is_parametrized(m, 'bias')}"
    yield tried(parametrize.register_parametrization, m, "zz", Symmetric())
    yield f"{parametrize.remove_parametrizations(m, 'weight')} {type(m)} {type(m.weight)}"
    m = nn.Linear(4, 1, bias=False)
    m.weight.data = torch.tensor([[3.0, -1.0, 2.0, 0.5]])
    prune.l1_unstructured(m, "weight", 2)
    yield f"{m.weight} {m.weight_mask} {list(m.state_dict())}"
    prune.l1_unstructured(m, "weight", 1)
    yield f"{m.weight_mask} {prune.is_pruned(m)}"
    yield f"{prune.remove(m, 'weight').weight} {list(m.state_dict())}"
    yield tried(prune.l1_unstructured, nn.Linear(2, 2), "weight", 1.5)


@case
def sequences_of_different_lengths(torch: Any) -> Iterator[str]:
    rnn = torch.nn.utils.rnn
    packed = rnn.pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4, 5]), torch.tensor([6])])
    yield f"{packed} {type(packed)}"
    yield str(rnn.pad_packed_sequence(packed, True, padding_value=-1, total_length=5))
    yield str(rnn.pad_sequence([torch.ones(2), torch.ones(3)], padding_side="left"))
    yield str(rnn.unpack_sequence(packed))
    mixed = rnn.pack_padded_sequence(torch.arange(6.0).view(3, 2), torch.tensor([1, 3]), enforce_sorted=False)
    yield f"{mixed} {rnn.pad_packed_sequence(mixed)}"
    for lengths in ([1, 3], [1, 0], [1]):
        yield tried(rnn.pack_padded_sequence, torch.ones(3, 2, 1), lengths)
    yield tried(rnn.pad_packed_sequence, packed, total_length=1)
