"""Data sets, samplers and the loader (torch.utils.data).

dataset.py      by index, by iteration, made of others
sampler.py      the order of samples; distributed.py for several processes
collate.py      samples to batches
dataloader.py   DataLoader; worker.py is what its child processes run
May import: the engine's tensors.
"""

from engine.data.collate import default_collate, default_convert
from engine.data.dataloader import DataLoader, _DatasetKind
from engine.data.dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from engine.data.distributed import DistributedSampler
from engine.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from engine.data.worker import get_worker_info

__all__ = [
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "DistributedSampler",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "_DatasetKind",
    "default_collate",
    "default_convert",
    "get_worker_info",
    "random_split",
]
