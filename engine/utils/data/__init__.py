"""torch.utils.data: the names of engine.data, and its files under PyTorch's names."""

import sys as _sys

from engine.data import *  # noqa: F403
from engine.data import __all__ as __all__
from engine.data import _DatasetKind as _DatasetKind
from engine.data import dataloader, dataset, distributed, sampler

for _module in (dataloader, dataset, distributed, sampler):
    _sys.modules[f"{__name__}.{_module.__name__.rpartition('.')[2]}"] = _module
