"""torch.nn.parallel on the one device there is: the wrapped module runs as it is.

data_parallel.py  DataParallel;  distributed.py  DistributedDataParallel
"""

from __future__ import annotations

from engine.nn.parallel.data_parallel import DataParallel, data_parallel
from engine.nn.parallel.distributed import DistributedDataParallel

__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel"]
