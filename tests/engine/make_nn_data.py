"""Stores what PyTorch's layers compute, draw and say: python -m tests.engine.make_nn_data (needs the torch
package)."""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path

import numpy as np
import torch

from tests.engine import nn_cases, nn_texts

DATA = Path(__file__).parents[1] / "data"


def main() -> None:
    """Write both files."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    arrays, graphs, reprs = {}, {}, {}
    for case in nn_cases.LAYERS:
        for dtype in ("float32", "float64"):
            got, graph, text = nn_cases.run(torch, case, dtype)
            arrays |= {f"{case}/{dtype}/{name}": array for name, array in got.items()}
            graphs[f"{case}/{dtype}"], reprs[case] = graph, text
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name.replace("/", "|"): array for name, array in arrays.items()})
    (DATA / "nn.npz").write_bytes(buffer.getvalue())
    says = {name: nn_texts.said(torch, name) for name in nn_texts.SAYS}
    (DATA / "nn.json").write_text(json.dumps({"graphs": graphs, "reprs": reprs, "says": says}, indent=0))


if __name__ == "__main__":
    main()
