"""Stores what PyTorch makes of the cases: python -m tests.engine.make_optim_data (needs torch)."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import torch

from tests.engine import loader_cases, optim_cases

DATA = Path(__file__).parents[1] / "data"


def write_checkpoints() -> None:
    """Files of PyTorch's own: a training state, a whole module, the same state in the old format."""
    torch.manual_seed(11)
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    model(torch.ones(2, 4)).sum().backward()
    optimizer.step()
    base = torch.arange(12.0).reshape(3, 4)
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": 3,
        "base": base,
        "row": base[1],
        "turned": base.t(),
        "half": torch.tensor([1.5, -2]).half(),
        "flag": torch.tensor([True, False]),
        "brain": torch.tensor([1.0, 3.0]).bfloat16(),
        "wave": torch.tensor([1 + 2j]),
        "dtype": torch.float16,
        "size": torch.Size([2, 3]),
        "device": torch.device("cpu"),
        "weight": torch.nn.Parameter(torch.ones(2)),
        "unsigned": torch.tensor([1, 65535], dtype=torch.uint16),
        "losses": [0.5, 0.25],
        "name": "run",
    }
    folder = DATA / "checkpoints"
    folder.mkdir(exist_ok=True)
    torch.save(state, folder / "training.pt")
    torch.save(state, folder / "old_format.pt", _use_new_zipfile_serialization=False)
    torch.save(torch.nn.Sequential(model, torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU()), folder / "module.pt")
    expected = {
        "weight": model[0].weight.tolist(),
        "moment": optimizer.state_dict()["state"][0]["exp_avg"].tolist(),
    }
    (folder / "expected.json").write_text(json.dumps(expected))


def main() -> None:
    """Write all files."""
    torch.set_num_threads(1)
    rows = {
        f"{case} {dtype}": optim_cases.run(torch, case, dtype)
        for case in optim_cases.CASES
        for dtype in ("float32", "float64")
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **rows)
    (DATA / "optim.npz").write_bytes(buffer.getvalue())
    (DATA / "loader.json").write_text(json.dumps(loader_cases.run(torch, torch.utils.data), indent=0))
    write_checkpoints()


if __name__ == "__main__":
    main()
