"""What loaders give, batch by batch and draw by draw, to be compared with values from PyTorch."""

from __future__ import annotations

import random
from typing import Any

import numpy as np


def plain(torch: Any, value: Any) -> Any:
    """Tensors as [dtype, list], containers element by element."""
    if isinstance(value, torch.Tensor):
        return [str(value.dtype), value.tolist()]
    if isinstance(value, dict):
        return {key: plain(torch, v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(torch, v) for v in value]
    return value


def run(torch: Any, data: Any) -> dict[str, Any]:
    """Two passes of every loader, then one number of the random stream."""

    class Drawing(data.Dataset):
        def __len__(self) -> int:
            return 7

        def __getitem__(self, i: int) -> dict:
            return {
                "a": np.ones(2, np.float32) * i,
                "b": (i, 1.5, "x"),
                "python": random.random(),
                "numpy": np.random.rand(),
                "torch": torch.rand(2),
            }

    class Stream(data.IterableDataset):
        def __iter__(self) -> Any:
            info = data.get_worker_info()
            return iter(range(10)) if info is None else iter(range(info.id, 10, info.num_workers))

    pairs = data.TensorDataset(torch.arange(23).float(), torch.arange(23) * 2)
    weights = [0.1 * k for k in range(23)]
    torch.manual_seed(0)
    random.seed(1)
    np.random.seed(1)
    loaders = {
        "in order": (pairs, {"batch_size": 4}),
        "shuffled": (pairs, {"batch_size": 4, "shuffle": True}),
        "shuffled, drop last": (pairs, {"batch_size": 5, "shuffle": True, "drop_last": True}),
        "single samples": (pairs, {"batch_size": None}),
        "two workers": (pairs, {"batch_size": 4, "shuffle": True, "num_workers": 2}),
        "subset sampler": (pairs, {"batch_size": 3, "sampler": data.SubsetRandomSampler([1, 4, 6, 8])}),
        "with replacement": (pairs, {"batch_size": 4, "sampler": data.RandomSampler(pairs, True, 70)}),
        "weighted": (pairs, {"batch_size": 4, "sampler": data.WeightedRandomSampler(weights, 12)}),
        "own generator": (
            pairs,
            {"batch_size": 4, "shuffle": True, "generator": torch.Generator().manual_seed(7)},
        ),
        "drawing here": (Drawing(), {"batch_size": 2, "shuffle": True}),
        "drawing in workers": (Drawing(), {"batch_size": 2, "shuffle": True, "num_workers": 2}),
        "persistent workers": (Drawing(), {"batch_size": 2, "num_workers": 2, "persistent_workers": True}),
        "stream": (Stream(), {"batch_size": 3}),
        "stream from workers": (Stream(), {"batch_size": 3, "num_workers": 2}),
        "stream, single samples": (Stream(), {"batch_size": None, "num_workers": 2}),
    }
    out: dict[str, Any] = {}
    for name, (dataset, options) in loaders.items():
        loader = data.DataLoader(dataset, **options)
        out[name] = [[plain(torch, batch) for batch in loader] for _ in range(2)] + [torch.rand(1).tolist()]
    out["split by share"] = [list(part.indices) for part in data.random_split(pairs, [0.5, 0.3, 0.2])]
    generator = torch.Generator().manual_seed(42)
    out["split by length"] = [
        list(part.indices) for part in data.random_split(pairs, [20, 3], generator=generator)
    ]
    return out
