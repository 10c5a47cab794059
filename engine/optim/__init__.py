"""Optimizers and learning-rate schedulers (torch.optim).

optimizer.py     groups, state, hooks, state_dict; the walk over the parameters
arithmetic.py    the in-place operations that updates are written in, on arrays or tensors
kernel.py        their compiled loops
sgd.py ...       one optimizer a file; line_search.py serves lbfgs.py
lr_scheduler/    the schedulers
swa_utils.py     averaged models
swap.py          parameters and state exchanged for a while
May import: the engine's tensors; utils.hooks.
"""

from engine.optim import lr_scheduler as lr_scheduler
from engine.optim.adadelta import Adadelta
from engine.optim.adafactor import Adafactor
from engine.optim.adagrad import Adagrad
from engine.optim.adam import Adam
from engine.optim.adamax import Adamax
from engine.optim.adamw import AdamW
from engine.optim.asgd import ASGD
from engine.optim.lbfgs import LBFGS
from engine.optim.muon import Muon
from engine.optim.nadam import NAdam
from engine.optim.optimizer import Optimizer
from engine.optim.radam import RAdam
from engine.optim.rmsprop import RMSprop
from engine.optim.rprop import Rprop
from engine.optim.sgd import SGD
from engine.optim.sparse_adam import SparseAdam
from engine.optim.swap import swap_in_optimizer_params_and_state


def __getattr__(name: str) -> object:
    """Load swa_utils, which needs the modules, when first asked for."""
    if name == "swa_utils":
        import importlib

        return importlib.import_module("engine.optim.swa_utils")
    raise AttributeError(f"module 'torch.optim' has no attribute '{name}'")


__all__ = [
    "Adafactor",
    "Adadelta",
    "Adagrad",
    "Adam",
    "Adamax",
    "AdamW",
    "ASGD",
    "LBFGS",
    "lr_scheduler",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SGD",
    "SparseAdam",
    "swap_in_optimizer_params_and_state",
    "swa_utils",
]
