"""Being watched and stepped changes nothing: what a script prints is the same, to the last character."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.link.child import ROOT
from tests.end_to_end.driving import Driver

SCRIPT = """import threading
import torch
from torch import nn
torch.manual_seed(0)
class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x ** 3
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * x * x * g
x = torch.randn(4, requires_grad=True)
for i in range(3):
    Cube.apply(x).sum().backward()
    print(x.grad)
(g,) = torch.autograd.grad((x ** 3).sum(), x, create_graph=True)
(g * g).sum().backward()
print(x.grad)
h = x * 2
h.retain_grad()
h.register_hook(lambda g: g * 2)
(h * h).sum().backward()
print(h.grad, x.grad)
a, b = torch.randn(3, requires_grad=True), torch.randn(3, requires_grad=True)
(a * b).sum().backward(inputs=[a])
print(a.grad, b.grad)
loss = (a * b).sum()
loss.backward(retain_graph=True)
loss.backward()
print(a.grad)
v = torch.zeros(3)
v[1] = a[0] * 2
v[2:] = b[1:2]
v.sum().backward()
print(a.grad, b.grad)
m = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 1))
m[0].register_full_backward_hook(lambda module, into, out: print('hook', out[0].shape))
m(torch.randn(2, 3)).sum().backward()
print(m[0].weight.grad)
t = threading.Thread(target=lambda: (m(torch.randn(2, 3)).sum().backward(), print('thread')))
t.start()
t.join()
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.l = nn.Linear(3, 3)
    def forward(self, x, n):
        return x if n == 0 else self.forward(self.l(x).relu(), n - 1)
net = Net()
optimizer = torch.optim.Adam(net.parameters())
for k in range(3):
    optimizer.zero_grad()
    out = net(torch.ones(2, 3), k + 1)
    out.pow(2).mean().backward()
    optimizer.step()
    print(out)
try:
    torch.ones(3, requires_grad=True).backward()
except RuntimeError as error:
    print(error)
"""


@pytest.mark.parametrize("stepped", [False, True], ids=["watched", "stepped"])
def test_a_watched_script_prints_what_it_prints_alone(driver: Driver, tmp_path: Path, stepped: bool) -> None:
    session = driver.open(tmp_path / "a.py", SCRIPT)
    alone = subprocess.run(
        [sys.executable, "-m", "engine", str(session.path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    if stepped:
        driver.step()
        for _ in range(1000):
            if session.state != "paused":
                break
            # A hook that prints would print again each time its node is walked again, so: forward only.
            driver.step("node")
    else:
        session.run()
    driver.to_stop()
    assert session.state == "ended", session.failure
    printed = "".join(line.text + "\n" for line in session.console.lines() if line.stream == "stdout")
    assert printed == alone.stdout
    assert not [line for line in session.console.lines() if line.stream == "note"]


def test_a_script_may_be_given_by_a_relative_path(driver: Driver, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.py").write_text("import os\nprint(os.path.basename(os.getcwd()))\n")
    monkeypatch.chdir(tmp_path)
    session = driver.open(Path("folder/a.py"))
    session.run()
    driver.to_stop()
    assert session.console.text() == "folder\n"


def test_parameters_of_several_networks_carry_the_scripts_own_names(driver: Driver, tmp_path: Path) -> None:
    source = (
        "import torch\nfrom torch import nn\nfaker, judge = nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 1))\n"
        "judge(faker(torch.ones(1, 2))).sum().backward()\n"
    )
    session = driver.open(tmp_path / "two.py", source)
    session.run()
    driver.until(lambda: session.state == "ended")
    leaves = {n.name for n in session.graph.nodes if n.kind == "leaf"}
    assert leaves == {"faker.weight", "faker.bias", "judge.0.weight", "judge.0.bias"}
    assert {m.path for m in session.graph.modules} == {"faker", "judge", "judge.0"}
