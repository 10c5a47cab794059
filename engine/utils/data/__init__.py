"""torch.utils.data: the names of engine.data, and its files under PyTorch's names."""

import sys as _sys
from types import ModuleType as _ModuleType

from engine.data import *  # noqa: F403
from engine.data import __all__ as __all__
from engine.data import _DatasetKind as _DatasetKind
from engine.data import collate as _collate
from engine.data import dataloader, dataset, distributed, sampler
from engine.data import worker as _worker

for _module in (dataloader, dataset, distributed, sampler):
    _sys.modules[f"{__name__}.{_module.__name__.rpartition('.')[2]}"] = _module

_utils = _ModuleType(
    f"{__name__}._utils", "Where scripts look for collate functions: torch.utils.data._utils."
)
_utils.__path__ = []  # type: ignore[attr-defined]  # a package, for `from ..._utils.collate import ...`
for _name, _module in (("collate", _collate), ("worker", _worker)):
    setattr(_utils, _name, _module)
    _sys.modules[f"{__name__}._utils.{_name}"] = _module
_sys.modules[f"{__name__}._utils"] = _utils
