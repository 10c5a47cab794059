"""Learning-rate schedulers (torch.optim.lr_scheduler).

base.py      LRScheduler and what all share
formula.py   one formula in the epoch: lambda, step, exponential, linear, polynomial, cosine ...
combined.py  schedulers made of schedulers
plateau.py   ReduceLROnPlateau
cycle.py     CyclicLR and OneCycleLR
May import: engine.optim.optimizer.
"""

from engine.optim.lr_scheduler.base import EPOCH_DEPRECATION_WARNING as EPOCH_DEPRECATION_WARNING
from engine.optim.lr_scheduler.base import LRScheduler, _LRScheduler
from engine.optim.lr_scheduler.combined import ChainedScheduler, SequentialLR
from engine.optim.lr_scheduler.cycle import CyclicLR, OneCycleLR
from engine.optim.lr_scheduler.formula import (
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from engine.optim.lr_scheduler.plateau import ReduceLROnPlateau

__all__ = [
    "LambdaLR",
    "MultiplicativeLR",
    "StepLR",
    "MultiStepLR",
    "ConstantLR",
    "LinearLR",
    "ExponentialLR",
    "SequentialLR",
    "CosineAnnealingLR",
    "ChainedScheduler",
    "ReduceLROnPlateau",
    "CyclicLR",
    "CosineAnnealingWarmRestarts",
    "OneCycleLR",
    "PolynomialLR",
    "LRScheduler",
    "_LRScheduler",
]
