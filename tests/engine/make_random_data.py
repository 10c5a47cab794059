"""Writes tests/data/random_stream.npz from PyTorch: what each case of random_cases.py draws.

Run it where PyTorch is installed:  python -m tests.engine.make_random_data
Large results are kept as a checksum of their bytes. PyTorch's AVX2 path is the reference.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from tests.engine.random_cases import CASES, SEEDS, parts

TARGET = Path(__file__).parent.parent / "data" / "random_stream.npz"


def main() -> None:
    """Draw every case for every seed and store it."""
    import torch

    torch.set_num_threads(1)
    stored = {}
    for name, case in CASES.items():
        for seed in SEEDS:
            torch.manual_seed(seed)
            for part, tensor in enumerate(parts(case(torch))):
                array = tensor.numpy()
                if array.nbytes > 4000:
                    array = np.uint32(zlib.crc32(np.ascontiguousarray(array).tobytes()))
                stored[f"{name}/{seed}/{part}"] = array
    np.savez_compressed(TARGET, **stored)
    print(f"{len(stored)} arrays, PyTorch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}")


if __name__ == "__main__":
    main()
