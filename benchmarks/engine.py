"""The engine beside PyTorch eager: python benchmarks/engine.py [--rounds N] [--only NAME]

Each case runs in a process of its own, PyTorch and ours in turn, one thread each; both must compute the same
number. Printed is the ratio of medians, PyTorch's time over ours: above 1 ours is faster. "observed" is the
same ratio while a recorder tells of every graph, as under the window, with nothing watched. Needs torch.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
WARM_S = 0.7
"""Each side runs so long before it is timed: kernels load, caches fill, the processor finds its pace."""


def chain(torch: Any) -> tuple[Any, Any]:
    """y = w x + b with backward, on three numbers."""
    x, w, b = (torch.tensor(v, requires_grad=True) for v in (1.0, 2.0, 3.0))

    def step() -> Any:
        y = w * x + b
        y.backward()
        return y

    return step, 300


def sequential(torch: Any) -> tuple[Any, Any]:
    """Seed 003's Sequential with one step of SGD."""
    torch.manual_seed(0)
    x, y = torch.randn(64, 1000), torch.randn(64, 10)
    model = torch.nn.Sequential(torch.nn.Linear(1000, 100), torch.nn.ReLU(), torch.nn.Linear(100, 10))
    loss_fn, optimizer = torch.nn.MSELoss(reduction="sum"), torch.optim.SGD(model.parameters(), lr=1e-6)

    def step() -> Any:
        loss = loss_fn(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step, 40


def lenet(torch: Any, batch: int) -> tuple[Any, Any]:
    """Seed 001's CIFAR network, forward and backward."""
    torch.manual_seed(0)
    nn, F = torch.nn, torch.nn.functional

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.pool, self.conv2 = nn.Conv2d(3, 6, 5), nn.MaxPool2d(2, 2), nn.Conv2d(6, 16, 5)
            self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

        def forward(self, x: Any) -> Any:
            x = self.pool(F.relu(self.conv1(x)))
            x = self.pool(F.relu(self.conv2(x))).view(-1, 400)
            return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))

    net, criterion = Net(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-6, momentum=0.9)
    x, y = torch.randn(batch, 3, 32, 32), torch.randint(0, 10, (batch,))

    def step() -> Any:
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step, 60 // batch + 4


def resnet(torch: Any) -> tuple[Any, Any]:
    """ResNet-18's forward on 8 pictures of 224 x 224, in eval mode."""
    torch.manual_seed(0)
    model = resnet18(torch)
    model.eval()
    x = torch.randn(8, 3, 224, 224)

    def step() -> Any:
        with torch.no_grad():
            return model(x).abs().mean()

    return step, 1


def resnet18(torch: Any) -> Any:
    """ResNet-18 from the modules of `torch`, whichever that is."""
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self, a: int, b: int, stride: int) -> None:
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b)
            self.conv2, self.bn2 = nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)
            self.relu = nn.ReLU(inplace=True)
            self.down = (
                nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b)) if a != b else None
            )

        def forward(self, x: Any) -> Any:
            y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
            y += x if self.down is None else self.down(x)
            return self.relu(y)

    blocks = [
        Block(a, b, 2 if a != b else 1)
        for a, b in (
            (64, 64),
            (64, 64),
            (64, 128),
            (128, 128),
            (128, 256),
            (256, 256),
            (256, 512),
            (512, 512),
        )
    ]
    return nn.Sequential(
        nn.Conv2d(3, 64, 7, 2, 3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, 1),
        *blocks,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(512, 1000),
    )


def wide(torch: Any) -> tuple[Any, Any]:
    """tanh(x * 2 + 1).exp().sum() with backward on a million floats."""
    torch.manual_seed(0)
    x = torch.randn(1_000_000, requires_grad=True)

    def step() -> Any:
        x.grad = None
        y = torch.tanh(x * 2 + 1).exp().sum()
        y.backward()
        return y

    return step, 3


CASES = {
    "y = w*x + b": chain,
    "Sequential + SGD": sequential,
    "lenet, batch 4": lambda t: lenet(t, 4),
    "lenet, batch 64": lambda t: lenet(t, 64),
    "resnet18 forward, batch 8": resnet,
    "tanh exp sum, 1e6": wide,
}


def child(name: str, side: str) -> None:
    """Measure one case in this process and print the result as JSON."""
    start = time.perf_counter()
    if side == "torch":
        import torch
    else:
        sys.path.insert(0, str(ROOT))
        import engine as torch  # type: ignore[no-redef]
    loaded = time.perf_counter() - start
    if name == "import":
        print(json.dumps({"seconds": loaded, "value": 0.0, "peak": peak()}))
        return
    if side == "torch":
        torch.set_num_threads(1)
    if side == "observed":
        observe()
    step, count = CASES[name](torch)
    value = float(step().detach())
    warm = time.perf_counter() + WARM_S
    while time.perf_counter() < warm:
        step()
    times = []
    for _ in range(5 if count < 10 else 25):
        start = time.perf_counter()
        for _ in range(count):
            step()
        times.append((time.perf_counter() - start) / count)
    print(json.dumps({"seconds": statistics.median(times), "value": value, "peak": peak()}))


def observe() -> None:
    """Have this process watched as the window's child is, by somebody who looks at nothing."""
    from engine.recorders.recorder import Recorder
    from engine.worker.inbox import Inbox
    from engine.worker.outbox import Outbox
    from engine.worker.pilot import Pilot

    outbox = Outbox(open(os.devnull, "wb").write)
    recorder = Recorder(__file__, outbox.put)
    recorder.pilot = Pilot(recorder, Inbox(io.BytesIO(), lambda: None, lambda: None), outbox)
    recorder.install()


def peak() -> int:
    """The most memory this process held. Units: bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(name: str, side: str) -> dict:
    """One case in a fresh process of one thread."""
    env = dict(
        os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", NUMBA_NUM_THREADS="1"
    )
    done = subprocess.run(
        [sys.executable, __file__, "--child", name, side], capture_output=True, text=True, env=env
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--child", nargs=2)
    given = parser.parse_args()
    if given.child:
        child(*given.child)
        return
    print(f"{'case':28} {'PyTorch':>10} {'ours':>10} {'ratio':>7} {'observed':>9}   peak memory")
    for name in [*CASES, "import"]:
        if given.only not in name:
            continue
        rows: dict[str, list[dict]] = {"torch": [], "engine": [], "observed": []}
        if name == "import":
            del rows["observed"]
        measure(name, "engine")  # kernels compile once for a machine, before anything is timed
        for _ in range(given.rounds):
            for side in rows:
                rows[side].append(measure(name, side))
        seconds = {side: statistics.median(r["seconds"] for r in row) for side, row in rows.items()}
        a, b = seconds["torch"], seconds["engine"]
        watched = f"{a / seconds['observed']:9.2f}" if "observed" in seconds else " " * 9
        va, vb = rows["torch"][0]["value"], rows["engine"][0]["value"]
        same = "" if abs(va - vb) <= 1e-4 * max(1.0, abs(va)) else f"   DIFFERENT NUMBERS: {va} and {vb}"
        pa, pb = (max(r["peak"] for r in rows[side]) >> 20 for side in ("torch", "engine"))
        times = f"{shown(a):>10} {shown(b):>10} {a / b:7.2f} {watched}"
        print(f"{name:28} {times}   {pa} and {pb} MiB{same}", flush=True)


def shown(seconds: float) -> str:
    """A time in the unit that suits it."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.1f} µs"
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


if __name__ == "__main__":
    main()
