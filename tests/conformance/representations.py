"""Texts beside PyTorch's, character for character: tensors of all types, sizes and print options, layers,
optimizers, nodes."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

import engine
import engine.display

_ADDRESS = re.compile(r"0x[0-9a-f]+")
TYPES = (
    "float32",
    "float64",
    "float16",
    "bfloat16",
    "int64",
    "int32",
    "int16",
    "int8",
    "uint8",
    "bool",
    "complex64",
    "complex128",
)
SHAPES = ((), (1,), (7,), (0,), (3, 4), (0, 3), (2, 3, 4), (1, 1, 1, 2), (30,), (1001,), (40, 50), (2, 1200))
OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"precision": 2},
    {"precision": 8},
    {"sci_mode": True},
    {"sci_mode": False},
    {"linewidth": 40},
    {"threshold": 5},
    {"threshold": 5, "edgeitems": 1},
    {"profile": "short"},
    {"profile": "full", "linewidth": 120},
    {"precision": 0},
    {"edgeitems": 2, "threshold": 10, "sci_mode": True},
)
KINDS = ("small", "wide", "whole", "tiny", "special", "large")


def values(kind: str, shape: tuple, dtype: str, rng: np.random.RandomState) -> np.ndarray:
    """Numbers of one kind: near one, over many powers of ten, whole, tiny, with NaN and infinities, large."""
    a = rng.randn(*shape) if shape else np.float64(rng.randn())
    if kind == "wide":
        a = a * 10.0 ** rng.randint(-6, 7, shape)
    elif kind == "whole":
        a = np.round(a * 5)
    elif kind == "tiny":
        a = a * 1e-5
    elif kind == "large":
        a = a * 3e4
    elif kind == "special" and np.size(a):
        a = np.array(a)
        a.reshape(-1)[::3] = rng.choice([np.nan, np.inf, -np.inf, -0.0, 0.0], a.reshape(-1)[::3].shape)
    if dtype == "bool":
        return np.asarray(np.nan_to_num(a) > 0)
    if "int" in dtype:
        bits = np.iinfo(dtype)
        return np.clip(np.nan_to_num(np.round(a * 50)), bits.min, bits.max).astype(dtype)
    if dtype.startswith("complex"):
        return (np.asarray(a) + 1j * np.asarray(rng.randn(*shape) if shape else rng.randn())).astype(dtype)
    return np.asarray(a, np.float64 if dtype == "float64" else np.float32)


def tensors() -> Iterator[tuple[str, Callable[[Any], str]]]:
    """(what it is, what prints it on a side) for tensors."""
    for number in range(720):
        rng = np.random.RandomState(number)
        dtype = TYPES[number % len(TYPES)]
        shape = SHAPES[rng.randint(len(SHAPES))]
        kind = KINDS[rng.randint(len(KINDS))]
        option = OPTIONS[rng.randint(len(OPTIONS))]
        a = values(kind, shape, dtype, rng)
        leaf = dtype[0] in "fbc" and dtype != "bool" and rng.rand() < 0.3

        def told(side: Any, a: Any = a, dtype: str = dtype, option: dict = option, leaf: bool = leaf) -> str:
            options = engine.display.set_printoptions if side is engine else torch.set_printoptions
            options(profile="default")
            options(**option)
            try:
                t = side.tensor(a).to(getattr(side, dtype))
                return repr(t.requires_grad_() if leaf else t)
            finally:
                options(profile="default")

        yield f"tensor {number}: {dtype} {shape} {kind} {option}", told


EXPRESSIONS = """
torch.zeros(3).requires_grad_()
torch.zeros(3, requires_grad=True) * 2
torch.ones(2, requires_grad=True).sum()
(torch.ones(2, requires_grad=True) * 1).detach()
torch.nn.Parameter(torch.ones(2, 2))
torch.nn.Parameter(torch.ones(2), requires_grad=False)
torch.arange(6).view(2, 3).t()
torch.arange(12.).view(3, 4)[:, ::2]
torch.ones(2).expand(3, 2)
torch.tensor(float("nan"))
torch.tensor([1e-8, 1.])
torch.tensor([1e8, 1.])
torch.tensor([123456.789])
torch.tensor([0.1, 0.25, 100.5])
torch.tensor(True)
torch.tensor([[True, False]])
torch.empty(0, dtype=torch.int32)
torch.empty(2, 0, 3)
torch.tensor([1+2j, -0.5j])
torch.tensor(1+2j)
torch.Size([2, 3])
torch.zeros(2, 3).shape
torch.float32
torch.int64
torch.device("cpu")
torch.device("cuda:0")
torch.finfo(torch.float32)
torch.iinfo(torch.int8)
torch.contiguous_format
torch.strided
torch.max(torch.tensor([[1., 2.]]), 1)
torch.sort(torch.tensor([2., 1.]))
torch.topk(torch.tensor([2., 1.]), 1)
torch.ones(1, requires_grad=True).exp().grad_fn
torch.nn.functional.linear(torch.ones(1, 2), torch.ones(3, 2, requires_grad=True)).grad_fn
torch.ones(1, requires_grad=True).expand(2).grad_fn.next_functions
torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1, momentum=0.9, nesterov=True)
torch.optim.Adam([torch.nn.Parameter(torch.ones(1))])
torch.optim.Adam([{"params": [nn.Parameter(torch.ones(1))], "lr": 1}])
torch.optim.AdamW([torch.nn.Parameter(torch.ones(1))])
torch.optim.RMSprop([torch.nn.Parameter(torch.ones(1))])
torch.optim.Adagrad([torch.nn.Parameter(torch.ones(1))])
torch.optim.Adadelta([torch.nn.Parameter(torch.ones(1))])
torch.optim.Adamax([torch.nn.Parameter(torch.ones(1))])
torch.optim.NAdam([torch.nn.Parameter(torch.ones(1))])
torch.optim.RAdam([torch.nn.Parameter(torch.ones(1))])
torch.optim.ASGD([torch.nn.Parameter(torch.ones(1))])
torch.optim.Rprop([torch.nn.Parameter(torch.ones(1))])
torch.optim.LBFGS([torch.nn.Parameter(torch.ones(1))])
nn.Linear(3, 2)
nn.Linear(3, 2, bias=False)
nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Sequential(nn.Dropout(0.2), nn.Tanh()))
nn.Sequential()
nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2), nn.ReLU()])
nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.ReLU()})
nn.ParameterList([nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2, 2))])
nn.ParameterDict({"w": nn.Parameter(torch.ones(2))})
nn.Conv2d(1, 2, 3, stride=2, padding=1, dilation=2, groups=1, bias=False, padding_mode="reflect")
nn.Conv2d(4, 4, (3, 5), padding="same", groups=2)
nn.ConvTranspose2d(2, 3, 2, output_padding=1, stride=2)
nn.BatchNorm2d(3, affine=False)
nn.BatchNorm1d(3, track_running_stats=False)
nn.LayerNorm([3, 4], elementwise_affine=False)
nn.GroupNorm(2, 4)
nn.InstanceNorm2d(3)
nn.LSTM(3, 4, num_layers=2, batch_first=True, dropout=0.1, bidirectional=True)
nn.GRU(3, 4, bias=False)
nn.RNN(3, 4, nonlinearity="relu")
nn.RNN(3, 4)
nn.LSTMCell(2, 3)
nn.Embedding(5, 2, padding_idx=1, max_norm=2.0, sparse=False)
nn.EmbeddingBag(5, 2, mode="sum")
nn.MultiheadAttention(4, 2)
nn.TransformerEncoderLayer(4, 2, 8)
nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8), 2)
nn.Transformer(4, 2, 1, 1, 8)
nn.MaxPool2d(2, stride=1, padding=1, ceil_mode=True)
nn.AvgPool2d((2, 3))
nn.AdaptiveAvgPool2d((1, None))
nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
nn.Upsample(size=(3, 4))
nn.Dropout2d(0.3, inplace=True)
nn.LeakyReLU(0.2, inplace=True)
nn.Softmax(dim=1)
nn.LogSoftmax(dim=-1)
nn.GELU("tanh")
nn.Hardtanh(-2, 2)
nn.ELU(0.5)
nn.PReLU(3)
nn.Threshold(0.1, 2)
nn.Softplus(2, 10)
nn.CrossEntropyLoss(ignore_index=3)
nn.BCEWithLogitsLoss(pos_weight=torch.ones(2))
nn.MSELoss(reduction="sum")
nn.TripletMarginLoss()
nn.CTCLoss()
nn.Flatten(0, -1)
nn.Unflatten(1, (2, 3))
nn.PixelShuffle(2)
nn.ZeroPad2d((1, 2, 3, 4))
nn.ReflectionPad2d(1)
nn.Identity()
nn.Bilinear(2, 3, 4)
nn.CosineSimilarity(dim=0)
nn.Fold((4, 4), 2)
nn.LazyLinear(3)
nn.LazyConv2d(3, 2)
nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
nn.utils.parametrizations.spectral_norm(nn.Conv2d(1, 2, 3))
nn.DataParallel(nn.Linear(2, 2))
torch.distributions.Normal(torch.tensor(0.0), torch.tensor(1.0))
torch.distributions.Normal(torch.zeros(3), torch.ones(3))
torch.distributions.Categorical(torch.tensor([0.2, 0.8]))
torch.distributions.Uniform(0, 1)
torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2))
torch.optim.lr_scheduler.StepLR(torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1), 3).state_dict()
torch.nn.utils.rnn.pack_padded_sequence(torch.ones(2, 1, 1), [2])
torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1).state_dict()
type(torch.ones(1))
type(nn.Parameter(torch.ones(1)))
type(nn.Linear(1, 1))
nn.Linear(2, 2).state_dict()
torch.Generator().__class__.__name__
torch.return_types.max
torch.autograd.Function.__name__
torch.tensor([1., 2.]).tolist()
torch.ones(2, 2, dtype=torch.float64, requires_grad=True)
torch.ones(2, dtype=torch.float16, requires_grad=True) * 2
torch.ones(2).is_leaf
torch.stack([torch.tensor(1.0), torch.tensor(2.0)], 0)
torch.arange(1000.) / 7
torch.arange(1001.) / 7
torch.arange(2000).view(2, 1000)
torch.eye(3).to_sparse()
torch.full((2, 2), 1e10)
torch.full((2, 2), 12345.678)
torch.tensor([float("inf"), 1.0, -2.5])
torch.tensor([-0.0, 0.0])
torch.tensor([99999.0, 1.5])
torch.tensor([100000.0, 1.5])
torch.linspace(0, 1, 11)
torch.logspace(-3, 3, 7)
torch.tensor([[1e-3, 1e3], [1.0, 10.0]])
""".strip().splitlines()


def texts() -> Iterator[tuple[str, Callable[[Any], str]]]:
    """(what it is, what prints it on a side) for everything."""
    yield from tensors()
    for code in EXPRESSIONS:

        def told(side: Any, code: str = code) -> str:
            side.manual_seed(0)
            made = eval(code, {"torch": side, "nn": side.nn})
            return f"{_ADDRESS.sub('0x', repr(made))}\n{_ADDRESS.sub('0x', str(made))}"

        yield code, told


def difference(told: Callable[[Any], str]) -> str | None:
    """What the engine prints instead of what PyTorch prints, or None."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want, got = told(torch), told(engine)
    return None if want == got else f"{got!r} instead of {want!r}"
