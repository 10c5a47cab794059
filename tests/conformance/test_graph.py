"""The graph of a backward against real PyTorch's: same nodes, same edges, same order of a walk along
next_functions."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.link.child import ROOT

pytest.importorskip("torch")

from tests.conformance import graphs

WALK = """
import json
def walked(root):
    nodes, index, stack = [], {}, [root]
    while stack:
        fn = stack.pop()
        if fn in index:
            continue
        index[fn] = len(nodes)
        nodes.append(fn)
        stack += [f for f, _ in reversed(fn.next_functions) if f is not None]
    def name(fn):
        return "AccumulateGrad" if hasattr(fn, "variable") else fn.name()
    def edges(fn):
        return [[index[f], nr] if f is not None else None for f, nr in fn.next_functions]
    return [[name(fn), edges(fn)] for fn in nodes]
print(json.dumps(walked(loss.grad_fn)))
"""

BEGIN = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\ntorch.manual_seed(0)\n"
SCRIPTS = {
    "quickstart": "m = nn.Linear(5, 6)\nloss = nn.MSELoss()(m(torch.randn(2, 5)), torch.randn(2, 6))\n",
    "mlp": (
        "m = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 4))\n"
        "loss = nn.CrossEntropyLoss()(m(torch.randn(3, 8)), torch.tensor([0, 1, 2]))\n"
    ),
    "shared weight": (
        "w = torch.randn(3, 3, requires_grad=True)\nh = torch.ones(2, 3)\n"
        "for _ in range(3):\n    h = torch.tanh(h @ w + h)\nloss = (h ** 2).sum()\n"
    ),
    "views and sums": (
        "x = torch.randn(4, 6, requires_grad=True)\ny = x.view(2, 12).t()[1:3].reshape(-1)\n"
        "loss = (y * y.detach() + x.flatten()[:4]).exp().mean()\n"
    ),
    "several outputs": (
        "x = torch.randn(4, 6, requires_grad=True)\na, b, c = x.split(2, 1)\nv, i = a.max(1)\n"
        "loss = (torch.cat([a, c], 1).sum(1) * v + torch.stack([b, c]).mean()).sum()\n"
    ),
    "in place": ("x = torch.randn(4, requires_grad=True)\ny = x * 2\ny.add_(1).mul_(x)\nloss = y.sum()\n"),
    "broadcast": (
        "a = torch.randn(3, 1, requires_grad=True)\nb = torch.randn(4, requires_grad=True)\n"
        "loss = (a * b / (b.abs() + 1) - 2 * a).pow(2).mean()\n"
    ),
    "logistic": (
        "w = torch.zeros(3, requires_grad=True)\nx = torch.randn(5, 3)\n"
        "loss = F.binary_cross_entropy(torch.sigmoid(x.mv(w)), torch.ones(5))\n"
    ),
    "convolution": (
        "m = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),\n"
        "                  nn.Linear(36, 2), nn.LogSoftmax(1))\n"
        "loss = F.nll_loss(m(torch.randn(2, 1, 8, 8)), torch.tensor([0, 1]))\n"
    ),
}


@pytest.mark.parametrize("name", list(SCRIPTS))
def test_the_graph_is_pytorchs(name: str, tmp_path: Path) -> None:
    script = tmp_path / "a.py"
    script.write_text(BEGIN + SCRIPTS[name] + WALK)

    def graph(*words: str) -> list:
        done = subprocess.run([sys.executable, *words, str(script)], capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    ours, theirs = graph("-m", "engine"), graph()
    renamed = [["AccumulateGrad" if n.endswith("AccumulateGrad") else n, e] for n, e in theirs]
    assert [["AccumulateGrad" if n.endswith("AccumulateGrad") else n, e] for n, e in ours] == renamed


@pytest.mark.parametrize("name", list(graphs.programs()))
def test_a_program_builds_pytorchs_graph(name: str) -> None:
    row = graphs.check(name, graphs.programs()[name])
    assert not row["first"]
    assert row["nodes"] > 1


def test_the_comparison_sees_a_wrong_name_an_edge_and_a_leaf() -> None:
    torch, engine = graphs.torch, graphs.engine

    def rows(side, fn):
        x, w = side.ones(2, requires_grad=True), side.ones(3, requires_grad=True)
        return graphs.walked(fn(side, x, w), [x, w])

    same = rows(torch, lambda t, x, w: (x * 2 + x).sum())
    assert graphs.first_difference(same, rows(engine, lambda t, x, w: (x * 2 + x).sum())) is None
    for other in (
        lambda t, x, w: (x * 2 - x).sum(),
        lambda t, x, w: (x + x * 2).sum(),
        lambda t, x, w: (w * 2 + w).sum(),
        lambda t, x, w: (x * 2 + x.detach()).sum(),
    ):
        assert graphs.first_difference(same, rows(engine, other))
