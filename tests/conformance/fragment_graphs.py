"""Graphs that the documents' fragments build, beside PyTorch's.

Each side runs all fragments in a process of its own (`python -m tests.conformance.fragment_graphs SIDE`,
SIDE being torch or engine) with one stand-in for torchvision: the same network and the same few pictures."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import subprocess
import sys
import tempfile
import types
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FRAGMENTS = ROOT / "tests" / "end_to_end" / "fragments"
CAPTURES = 3
"""Backward calls of a fragment that are looked at: a loop repeats the first."""
OF_OLD = (TypeError, AttributeError, pickle.PicklingError)
"""What stops a fragment here: an idiom of 2018, or a class without a name. Graphs before it count."""


def stand_in(torch: Any) -> types.ModuleType:
    """A torchvision of 40 pictures and one network."""
    from tests.conformance.graph_programs.model import residual_network

    class Pictures(torch.utils.data.Dataset):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.images = torch.rand(40, 3, 32, 32)

        def __getitem__(self, i: int) -> tuple:
            return self.images[i], i % 10

        def __len__(self) -> int:
            return len(self.images)

    def part(name: str, **names: Any) -> types.ModuleType:
        made = types.ModuleType(f"torchvision.{name}")
        vars(made).update(names)
        sys.modules[made.__name__] = made
        return made

    def nothing(*args: Any, **kwargs: Any) -> None:
        return None

    made = types.ModuleType("torchvision")
    vars(made).update(
        datasets=part("datasets", CIFAR10=Pictures),
        transforms=part("transforms", ToTensor=nothing, Normalize=nothing, Compose=nothing),
        models=part("models", resnet18=lambda pretrained=False: residual_network(torch)),
        utils=part("utils", make_grid=lambda images: images[0]),
    )
    return made


def graphs_of(path: Path, torch: Any) -> list:
    """The graphs at a fragment's first backward calls and of the tensors it leaves, by name."""
    from tests.conformance.graphs import walked

    found: list = []
    plain = torch.Tensor.backward

    def backward(self: Any, *args: Any, **kwargs: Any) -> Any:
        if len(found) < CAPTURES:
            found.append(["backward", walked(self, [])])
        return plain(self, *args, **kwargs)

    scope: dict[str, Any] = {"__name__": "__main__", "__file__": str(path)}
    torch.manual_seed(0)
    torch.Tensor.backward = backward
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(*OF_OLD, ValueError):
            exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), scope)
    finally:
        torch.Tensor.backward = plain
    left = {k: v for k, v in scope.items() if isinstance(v, torch.Tensor) and v.grad_fn is not None}
    return found + [[k, walked(left[k], [])] for k in sorted(left)]


def rows() -> list[dict]:
    """One row for each fragment that builds a graph."""
    from tests.conformance.graphs import first_difference

    def told(side: str) -> dict:
        env = dict(os.environ, MPLBACKEND="Agg", PYTHONPATH=str(ROOT))
        done = subprocess.run(
            [sys.executable, "-m", "tests.conformance.fragment_graphs", side],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=env,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        return json.loads(done.stdout)

    theirs, ours = told("torch"), told("engine")
    made = []
    for name, want in theirs.items():
        got = ours[name]
        first = ""
        if [k for k, _ in want] != [k for k, _ in got]:
            first = f"graphs of {[k for k, _ in got]} instead of {[k for k, _ in want]}"
        else:
            for (k, a), (_, b) in zip(want, got):
                part = first_difference(a, b)
                first = first or (f"{k}: {part}" if part else "")
        if want:
            made.append({"name": f"fragment.{name}", "passed": int(not first), "total": 1, "first": first})
    return made


def main() -> None:
    """Print the graphs of all fragments on one side as JSON."""
    side = sys.argv[1]
    if side == "engine":
        import engine.torch_alias

        engine.torch_alias.install()
    import torch
    import torch.utils.data

    warnings.simplefilter("ignore")
    if side == "torch":
        torch.set_num_threads(1)
        plain = torch.load
        torch.load = lambda *args, **kwargs: plain(*args, **{"weights_only": False, **kwargs})
        torch.utils.data.dataloader._BaseDataLoaderIter.next = (
            torch.utils.data.dataloader._BaseDataLoaderIter.__next__
        )
    sys.modules["torchvision"] = stand_in(torch)
    found = {}
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        for path in sorted(FRAGMENTS.glob("*.py")):
            if "num_workers" not in path.read_text(encoding="utf-8") or "Net(nn.Module)" in path.read_text():
                found[path.stem] = graphs_of(path, torch)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
