"""Tensor: PyTorch's face on one NumPy array. Most methods are filled in from the records."""

from __future__ import annotations

import sys
import warnings
import weakref
from types import CodeType, FrameType
from typing import Any

import numpy as np

from engine.autograd import modes
from engine.autograd import node as nodes
from engine.autograd.backward import backward
from engine.autograd.node import RemovableHandle, accumulator
from engine.autograd.view import ViewOf, check_in_place, rebase, refreshed
from engine.core import device as devices
from engine.core import dtype as dt
from engine.core.shape import Size, address

np.seterr(all="ignore")  # PyTorch computes NaN and Inf in silence


_OWN_CODE: dict[CodeType, bool] = {}
"""Whether code is the engine's: asked at every change in place while somebody watches."""
_CPP_NAMES = {
    "float32": "float", "float64": "double", "float16": "c10::Half", "bfloat16": "c10::BFloat16",
    "int64": "long", "int32": "int", "int16": "short", "int8": "signed char", "uint8": "unsigned char",
    "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}


def refuse_gradient(t: Any, grad: Any) -> None:
    """Say what is wrong with a gradient assigned to `t`. Raises: RuntimeError where type or size differ."""
    if grad.dtype is not t.dtype:
        raise RuntimeError(
            "attempting to assign a gradient with dtype "
            f"'{_CPP_NAMES.get(grad.dtype.name, grad.dtype.name)}' to a tensor with grad_dtype "
            f"'{dt.scalar_type_name(t.dtype)}'. The gradient must match the tensor's"
            " grad_dtype (defaults to the tensor's dtype). You can set the tensor's grad_dtype "
            "attribute with a specific dtype, or None to allow any dtype. Set grad_dtype with caution. "
            "Diverging the dtypes of a tensor and its gradient may break downstream systems that assume they "
            "match.")
    raise RuntimeError(
        f"attempting to assign a gradient of size '{list(grad.shape)}' to a tensor of size "
        f"'{list(t.shape)}'. Please ensure that the gradient and the tensor are the same size")


class Grad:
    """.grad: what was stored in the instance, else None, with PyTorch's warning where none will ever be; a
    gradient of another type or size is refused."""

    def __get__(self, t: Any, owner: Any = None) -> Any:
        if t is not None and "grad" in t.__dict__:
            return t.__dict__["grad"]
        if t is not None and t._fn is not None and t._fn.retained is None:
            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad "
                "attribute won't be "
                "populated during autograd.backward(). If you indeed want the .grad field to be populated "
                "for a non-leaf "
                "Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by "
                "mistake, make sure "
                "you access the leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more "
                "information. "
                "(Triggered internally at /__w/pytorch/pytorch/build/aten/src/ATen/core/TensorBody.h:493.)",
                UserWarning, stacklevel=2)
        return None

    def __set__(self, t: Any, grad: Any) -> None:
        if grad is not None:
            if not isinstance(grad, Tensor):
                raise TypeError("assigned grad expected to be a Tensor or None but got grad of type "
                                f"{type(grad).__name__}")
            if grad is t:
                raise RuntimeError("can't assign Variable as its own grad")
            if not grad.is_sparse and (grad._a.dtype != t._a.dtype or grad._a.shape != t._a.shape):
                refuse_gradient(t, grad)
        t.__dict__["grad"] = grad

    def __delete__(self, t: Any) -> None:
        t.__dict__["grad"] = None


class TensorType(type):
    """isinstance(x, Tensor) as PyTorch has it."""


class Tensor:
    """A multi-dimensional array that remembers how it was made.

    `_a` is its memory: an ndarray, perhaps a view of another's, or a NumPy scalar for a result without
    dimensions.
    `_rg` is requires_grad; `_fn` and `_nr` the node that made it and which output it is; `_view` what it
    is a view of; `_cell` the version counter it shares with its views, made when first needed; `_origin` an
    observer's note of where it was made."""

    __module__ = "torch"

    _a: Any
    _rg = False
    _fn: Any = None
    _nr = 0
    _view: Any = None
    _cell: Any = None
    _accumulator: Any = None
    _origin: Any = None
    _is_param = False
    grad: Any = Grad()
    name: Any = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if not args and not kwargs or cls is not Tensor:
            return object.__new__(cls)
        return object.__new__(cls)

    def __init__(self, *args: Any, device: Any = None) -> None:
        from engine.ops.creation import legacy_array

        if "_a" not in self.__dict__:
            self._a = legacy_array(args, dt.default.dtype)

    # -- inside ---------------------------------------------------------------------------------------------

    @staticmethod
    def _of(array: Any) -> Tensor:
        """A Tensor on this array or NumPy scalar, without history."""
        t = object.__new__(Tensor)
        t._a = array
        return t

    def _array(self) -> np.ndarray:
        """The memory as an ndarray, also where the result was kept as a scalar."""
        a = self._a
        if type(a) is not np.ndarray:
            a = self._a = np.array(a)
        return a

    def _version_cell(self) -> list:
        if self._cell is None:
            self._cell = [0]
        return self._cell

    def _bump(self) -> None:
        """Count a change in place; when somebody watches, remember the line that made it."""
        cell = self._cell
        if cell is None:
            cell = self._cell = [0]
        cell[0] += 1
        if modes.observer is not None or modes.anomaly:
            frame: FrameType | None = sys._getframe(1)
            name = ""
            while frame is not None:
                code = frame.f_code
                own = _OWN_CODE.get(code)
                if own is None:
                    own = _OWN_CODE[code] = frame.f_globals.get("__name__", "").split(".")[0] == "engine"
                if not own:
                    break
                name, frame = code.co_name, frame.f_back
            if frame is not None:
                file, line = frame.f_code.co_filename, frame.f_lineno
                cell[1:2] = [f"{file}:{line}"]
                if modes.observer is not None:
                    modes.tell("version_raised", cell, name, file, line)

    def _view_of(self, base: Tensor, op: Any, bound: tuple, nr: int) -> None:
        """Note that this is a view of `base` (through its root)."""
        info = base._view
        root = base if info is None else info.base
        cell = base._version_cell()
        self._cell = cell
        self._view = ViewOf(root, base, op, bound, nr, cell[0], not modes.grad_enabled)

    def _check_in_place(self) -> None:
        check_in_place(self)

    def _rebase(self, node: Any) -> None:
        rebase(self, node)

    def _accumulate(self, more: Any) -> None:
        """Add an array to this gradient in place, as AccumulateGrad does."""
        a = self._a
        if type(a) is np.ndarray:
            a += more
            if self._cell is not None:
                self._cell[0] += 1
        else:
            self._a = a + more

    # -- what it is -----------------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The size of each dimension."""
        return Size(self._a.shape)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or one dimension of it."""
        if dim is None:
            return Size(self._a.shape)
        from engine.core.shape import wrap_dim

        return self._a.shape[wrap_dim(dim, self._a.ndim)]

    @property
    def dtype(self) -> dt.dtype:
        """The element type."""
        return dt.FROM_NUMPY.get(self._a.dtype) or dt.of(self._a)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._a.ndim

    def dim(self) -> int:
        """The number of dimensions."""
        return self._a.ndim

    ndimension = dim

    def numel(self) -> int:
        """The number of elements."""
        return self._a.size

    nelement = numel

    @property
    def device(self) -> devices.device:
        """Where it lives."""
        return devices.cpu

    def get_device(self) -> int:
        """The CUDA index; -1 on the CPU."""
        return -1

    is_cuda = is_mps = is_xpu = is_meta = is_sparse = is_quantized = is_mkldnn = is_vulkan = is_ipu = False
    is_sparse_csr = is_nested = is_mtia = is_hpu = is_maia = is_xla = is_cpu = False
    is_cpu = True

    @property
    def layout(self) -> Any:
        """torch.strided."""
        from engine import strided

        return strided

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return self._a.dtype.itemsize

    def element_size(self) -> int:
        """Bytes of an element."""
        return self._a.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self._a.size * self._a.dtype.itemsize

    def stride(self, dim: int | None = None) -> Any:
        """Steps between neighbours in each dimension. Units: elements."""
        n = self._a.dtype.itemsize
        strides = tuple(s // n for s in self._array().strides)
        return strides if dim is None else strides[dim]

    def storage_offset(self) -> int:
        """Where the first element lies in its storage. Units: elements."""
        a = self._array()
        root = a
        while isinstance(root.base, np.ndarray):
            root = root.base
        return (address(a) - address(root)) // a.dtype.itemsize

    def data_ptr(self) -> int:
        """The memory address of the first element."""
        return address(self._array())

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """True when the elements lie row by row without gaps."""
        if memory_format is not None and str(memory_format) == "torch.channels_last":
            return self._a.ndim == 4 and self._array().transpose(0, 2, 3, 1).flags.c_contiguous
        return self._a.flags.c_contiguous

    def is_floating_point(self) -> bool:
        """True for real floating types."""
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        """True for complex types."""
        return self._a.dtype.kind == "c"

    def is_signed(self) -> bool:
        """True for types with a sign."""
        return self.dtype.is_signed

    def to_sparse(self, sparse_dim: int | None = None, **_: Any) -> Tensor:
        """The elements that are not zero, with their indices."""
        from engine.sparse import to_sparse

        return to_sparse(self)

    def to_dense(self, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
        """This tensor, which has its zeros already."""
        return self if dtype is None else self.to(dtype)  # type: ignore[attr-defined]

    # -- autograd -------------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """True when a gradient will be wanted."""
        if self._view is not None and not self._rg:
            return self._view.base._rg and self.grad_fn is not None
        return self._rg

    @requires_grad.setter
    def requires_grad(self, on: bool) -> None:
        if self._fn is not None and not on:
            raise RuntimeError("you can only change requires_grad flags of leaf variables. If you want to "
                               "use a computed "
                               "variable in a subgraph that doesn't require differentiation use "
                               "var_no_grad = var.detach().")
        if on and self._a.dtype.kind not in "fcV":
            raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
        self._rg = bool(on)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set requires_grad in place."""
        if requires_grad and self._a.dtype.kind not in "fcV":
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        self.requires_grad = requires_grad
        return self

    @property
    def grad_fn(self) -> Any:
        """The node that made this tensor, or None for a leaf."""
        return self._fn if self._view is None else refreshed(self)

    @property
    def is_leaf(self) -> bool:
        """True when no node made it."""
        return self.grad_fn is None

    @property
    def output_nr(self) -> int:
        """Which output of its grad_fn it is."""
        return self._nr

    @property
    def _version(self) -> int:
        return 0 if self._cell is None else self._cell[0]

    @property
    def _base(self) -> Any:
        return None if self._view is None else self._view.base

    def _is_view(self) -> bool:
        return self._view is not None

    def backward(self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
                 inputs: Any = None) -> None:
        """Add to .grad of the leaves the gradient of this tensor."""
        backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def detach(self) -> Tensor:
        """The same memory without history."""
        t = object.__new__(Tensor)
        t._a = self._array()
        t._cell = self._version_cell()
        if modes.observer is not None:
            modes.tell("left_graph", "detach", "detach", self, t)
        return t

    def detach_(self) -> Tensor:
        """Forget the history."""
        if self._view is not None:
            raise RuntimeError("Can't detach views in-place. Use detach() instead. If you are using "
                               "DistributedDataParallel (DDP) for training, and gradient_as_bucket_view is "
                               "set as True, "
                               "gradients are views of DDP buckets, and hence detach_() cannot be called on "
                               "these gradients.")
        if modes.observer is not None:
            modes.tell("left_graph", "detach", "detach_", self, self)
        self._fn, self._nr, self._rg = None, 0, False
        return self

    @property
    def data(self) -> Tensor:
        """The same memory without history, whose changes in place nobody notices."""
        t = object.__new__(Tensor)
        t._a = self._array()
        if modes.observer is not None:
            modes.tell("left_graph", "data", "data", self, t)
        return t

    @data.setter
    def data(self, other: Tensor) -> None:
        if not isinstance(other, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(other).__name__}")
        self._a = other._array()

    def retain_grad(self) -> None:
        """Keep .grad of this non-leaf when backward passes."""
        if not self._rg:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        fn = self.grad_fn
        if fn is None:
            return
        if fn.retained is None:
            fn.retained = {}
        fn.retained[self._nr] = weakref.ref(self)

    @property
    def retains_grad(self) -> bool:
        """True after retain_grad() of a non-leaf."""
        fn = self.grad_fn
        return fn is not None and fn.retained is not None and self._nr in fn.retained

    def register_hook(self, hook: Any) -> RemovableHandle:
        """Call hook(grad) when this tensor's gradient is known; what it returns replaces it."""
        if not self._rg:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        fn = self.grad_fn
        if fn is None:
            fn = self.__dict__.setdefault("_hooked", accumulator(self))  # the hook must outlive the graph
        if fn.tensor_hooks is None:
            fn.tensor_hooks = {}
        return RemovableHandle(fn.tensor_hooks.setdefault(self._nr, {}), hook)

    def register_post_accumulate_grad_hook(self, hook: Any) -> RemovableHandle:
        """Call hook(tensor) after .grad of this leaf was added to."""
        if not self._rg:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self.grad_fn is not None:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        return RemovableHandle(self.__dict__.setdefault("_post_accumulate_hooks", {}), hook)

    # -- out of the engine ----------------------------------------------------------------------------------

    def item(self) -> Any:
        """The one element as a Python number.

        Raises: RuntimeError when there is not exactly one."""
        if self._a.size != 1:
            raise RuntimeError(f"a Tensor with {self._a.size} elements cannot be converted to Scalar")
        v = self._a.item()
        v = float(v) if self._a.dtype.kind == "V" else v
        if modes.observer is not None:
            modes.tell("left_graph", "number", "item", self, v)
        return v

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        if modes.observer is not None:
            modes.tell("left_graph", "number", "tolist", self, None)
        a = self._a
        return (a.astype(np.float32) if a.dtype.kind == "V" else a).tolist()

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The memory as a NumPy array, shared.

        Raises: RuntimeError when it requires grad (detach first), unless forced."""
        if self.requires_grad and not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use "
                               "tensor.detach().numpy() instead.")
        if self._a.dtype.kind == "V":
            raise TypeError("Got unsupported ScalarType BFloat16")
        if modes.observer is not None:
            modes.tell("left_graph", "numpy", "numpy", self, self._array())
        return self._array()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        a = self.numpy()
        if dtype is not None and a.dtype != dtype:
            return a.astype(dtype)
        return a.copy() if copy else a

    __array_priority__ = 1000

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __bool__(self) -> bool:
        if self._a.size != 1:
            if self._a.size == 0:
                raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        return bool(self._a.item() if type(self._a) is np.ndarray else self._a)

    def __index__(self) -> int:
        if self._a.size != 1 or self._a.dtype.kind not in "iub":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._a.item())

    def __len__(self) -> int:
        if not self._a.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self._a.shape[0]

    def __iter__(self) -> Any:
        if not self._a.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        from engine.display import tensor_text

        return tensor_text(self)

    def __format__(self, spec: str) -> str:
        if not self._a.ndim and type(self) is Tensor:
            return self.item().__format__(spec)
        return object.__format__(self, spec)

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """The tensor type's name ('torch.FloatTensor'), or this tensor cast to a type."""
        if dtype is None:
            return f"torch.{self.dtype._tensor_name}"
        from engine.ops.cast import as_dtype

        return self.to(as_dtype(dtype))  # type: ignore[attr-defined]

    def __deepcopy__(self, memo: dict) -> Any:
        if not self.is_leaf:
            raise RuntimeError("Only Tensors created explicitly by the user (graph leaves) support the "
                               "deepcopy protocol "
                               "at the moment.  If you were attempting to deepcopy a module, this may be "
                               "because of a "
                               "torch.nn.utils.weight_norm usage, see "
                               "https://github.com/pytorch/pytorch/pull/103001")
        if id(self) in memo:
            return memo[id(self)]
        import copy

        made = object.__new__(type(self))
        memo[id(self)] = made
        for k, v in self.__dict__.items():
            if k not in ("_a", "_cell", "_accumulator", "_origin", "_view", "_fn", "_hooked"):
                made.__dict__[k] = copy.deepcopy(v, memo)
        made._a = np.array(self._a, order="K")
        return made

    def __reduce_ex__(self, protocol: Any) -> Any:
        left_out = ("_a", "_cell", "_accumulator", "_origin", "_view", "_fn", "_hooked", "_nr", "grad")
        extra = {k: v for k, v in self.__dict__.items() if k not in left_out}
        # by name: `torch` need not be importable where it is read
        kind = {Tensor: "Tensor", Parameter: "Parameter"}.get(type(self), type(self))
        return _rebuild, (kind, np.array(self._a), self.dtype.name, extra)

    def reinforce(self, *args: Any) -> None:
        """Removed from PyTorch long ago; says so."""
        warnings.warn("reinforce() was removed. Use torch.distributions instead.", stacklevel=2)


Tensor.__module__ = "torch"
nodes.Tensor = Tensor


def _rebuild(cls: type | str, array: np.ndarray, dtype_name: str, extra: dict) -> Tensor:
    made = object.__new__(globals()[cls] if isinstance(cls, str) else cls)
    made._a = array if array.dtype.kind != "V" else array.view(dt.ALL[dtype_name].numpy)
    made.__dict__.update(extra)
    return made


class Parameter(Tensor):
    """A Tensor that a Module takes for its own: it requires grad and appears in parameters()."""

    __module__ = "torch.nn.parameter"
    _is_param = True

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Any:
        made = object.__new__(cls)
        made._a = np.empty(0, dt.default.dtype.numpy) if data is None else data._array()
        if requires_grad and made._a.dtype.kind not in "fcV":
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        made.requires_grad = requires_grad
        if modes.observer is not None:
            modes.tell("tensor_made", "Parameter", made, data)
        return made

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        pass

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return "Parameter containing:\n" + Tensor.__repr__(self)

    def __format__(self, spec: str) -> str:
        return object.__format__(self, spec)
