"""torch.func: functions of functions.

tree.py       nested structures of tensors
transform.py  grad, vjp, jvp, jacrev, jacfwd, hessian
batch.py      vmap, and stateless calls of modules
May import: all of the engine.
"""

from engine.func.batch import functional_call, stack_module_state, vmap
from engine.func.transform import (
    functionalize,
    grad,
    grad_and_value,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    vjp,
)

__all__ = ["functional_call", "functionalize", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev",
           "jvp", "linearize",
           "stack_module_state", "vjp", "vmap"]
