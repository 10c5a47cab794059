"""Writes tests/data/distributions.npz from PyTorch: what distribution_cases.py asks.

Run it where PyTorch is installed:  python -m tests.engine.make_distribution_data
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.engine.distribution_cases import ASKED, FAMILIES, PAIRS, built

TARGET = Path(__file__).parent.parent / "data" / "distributions.npz"


def main() -> None:
    """Ask everything of every distribution and store what it answers; what it refuses is left out."""
    import torch

    stored = {}
    for name, (family, arguments, named) in FAMILIES.items():
        distribution = built(torch, family, arguments, named)
        stored[f"{name}/repr"] = np.array(repr(distribution))
        for question, ask in ASKED.items():
            torch.manual_seed(3)
            try:
                stored[f"{name}/{question}"] = ask(torch, distribution).numpy()
            except NotImplementedError:
                continue
    for number, (p, q) in enumerate(PAIRS):
        divergence = torch.distributions.kl_divergence(built(torch, *p), built(torch, *q))
        stored[f"kl/{number}"] = divergence.numpy()
    np.savez_compressed(TARGET, **stored)
    print(f"{len(stored)} arrays, PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
