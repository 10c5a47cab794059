"""Element types and how they combine.

Source: https://pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc
"""

from __future__ import annotations

from typing import Any

import numpy as np

BOOL, INTEGER, FLOAT, COMPLEX = range(4)


class dtype:
    """An element type: `torch.float32` and the rest. `numpy` is the NumPy type that stores it."""

    __slots__ = ("name", "category", "itemsize", "is_signed", "_numpy", "_tensor_name")
    __module__ = "torch"

    def __init__(
        self, name: str, category: int, itemsize: int, storage: type | None, tensor_name: str
    ) -> None:
        self.name, self.category, self.itemsize = name, category, itemsize
        self.is_signed = not (name.startswith("uint") or name == "bool")
        self._numpy = None if storage is None else np.dtype(storage)
        self._tensor_name = tensor_name

    @property
    def numpy(self) -> np.dtype:
        """The NumPy type; bfloat16's comes from ml_dtypes, loaded when first asked for."""
        if self._numpy is None:
            import ml_dtypes

            self._numpy = np.dtype(getattr(ml_dtypes, self.name))
            FROM_NUMPY[self._numpy] = self
        return self._numpy

    @property
    def is_floating_point(self) -> bool:
        """True for the real floating types."""
        return self.category == FLOAT

    @property
    def is_complex(self) -> bool:
        """True for the complex types."""
        return self.category == COMPLEX

    def to_complex(self) -> dtype:
        """The complex type of this precision."""
        return {"float64": complex128, "complex128": complex128}.get(self.name, complex64)

    def to_real(self) -> dtype:
        """The real type of this precision."""
        return {"complex128": float64, "complex64": float32}.get(self.name, self)

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> tuple:
        return _by_name, (self.name,)


FROM_NUMPY: dict[np.dtype, dtype] = {}
ALL: dict[str, dtype] = {}


def _by_name(name: str) -> dtype:
    return ALL[name]


def _make(name: str, category: int, itemsize: int, storage: type | None, tensor_name: str) -> dtype:
    made = dtype(name, category, itemsize, storage, tensor_name)
    ALL[name] = made
    if storage is not None:
        FROM_NUMPY[made.numpy] = made
    return made


bool_ = _make("bool", BOOL, 1, np.bool_, "BoolTensor")
uint8 = _make("uint8", INTEGER, 1, np.uint8, "ByteTensor")
int8 = _make("int8", INTEGER, 1, np.int8, "CharTensor")
int16 = _make("int16", INTEGER, 2, np.int16, "ShortTensor")
int32 = _make("int32", INTEGER, 4, np.int32, "IntTensor")
int64 = _make("int64", INTEGER, 8, np.int64, "LongTensor")
uint16 = _make("uint16", INTEGER, 2, np.uint16, "UInt16Tensor")
uint32 = _make("uint32", INTEGER, 4, np.uint32, "UInt32Tensor")
uint64 = _make("uint64", INTEGER, 8, np.uint64, "UInt64Tensor")
float16 = _make("float16", FLOAT, 2, np.float16, "HalfTensor")
bfloat16 = _make("bfloat16", FLOAT, 2, None, "BFloat16Tensor")
float32 = _make("float32", FLOAT, 4, np.float32, "FloatTensor")
float64 = _make("float64", FLOAT, 8, np.float64, "DoubleTensor")
complex64 = _make("complex64", COMPLEX, 8, np.complex64, "ComplexFloatTensor")
complex128 = _make("complex128", COMPLEX, 16, np.complex128, "ComplexDoubleTensor")

SHORT_NAMES = {
    "float": float32, "double": float64, "half": float16, "short": int16, "int": int32, "long": int64,
    "cfloat": complex64, "cdouble": complex128,
}
"""PyTorch's second names: torch.float is torch.float32."""


class _Default:
    """Holds the default floating type in one place that all may read."""

    dtype = float32


default = _Default


def get_default_dtype() -> dtype:
    """The floating type that literals and factories get: float32 unless set."""
    return default.dtype


def set_default_dtype(d: dtype) -> None:
    """Set the floating type of literals and factories.

    Raises: TypeError when `d` is not a floating type."""
    if not isinstance(d, dtype) or not d.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    default.dtype = d


def of(array: np.ndarray | np.generic) -> dtype:
    """The dtype of a NumPy array or scalar.

    Raises: TypeError for a NumPy type that PyTorch has not."""
    try:
        return FROM_NUMPY[array.dtype]
    except KeyError:
        pass
    if array.dtype.name == "bfloat16":
        bfloat16.numpy
        return bfloat16
    native = array.dtype.newbyteorder("=")
    if native in FROM_NUMPY:
        return FROM_NUMPY[native]
    raise TypeError(
        f"can't convert np.ndarray of type {array.dtype.type.__module__}.{array.dtype.name}. The only "
        f"supported "
        "types are: float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, "
        "uint32, "
        "uint16, uint8, and bool."
    )


_promoted: dict[tuple[dtype, dtype], dtype] = {}


def promote_types(a: dtype, b: dtype) -> dtype:
    """The smallest type that both convert to without loss of category."""
    if a is b:
        return a
    found = _promoted.get((a, b))
    if found is None:
        found = _promoted[a, b] = _promote(a, b)
    return found


def _promote(a: dtype, b: dtype) -> dtype:
    if a.category < b.category:
        a, b = b, a
    if a.category == COMPLEX:
        wide = a is complex128 or b is complex128 or b is float64
        return complex128 if wide else complex64
    if a.category == FLOAT:
        if b.category < FLOAT:
            return a
        if a.itemsize == b.itemsize:
            return float32  # float16 with bfloat16
        return a if a.itemsize > b.itemsize else b
    if b.category == BOOL:
        return a
    joined = np.promote_types(a.numpy, b.numpy)
    if joined.kind == "f":
        raise RuntimeError(f"Promotion for uint16, uint32, uint64 types is not supported, attempted to "
                           f"promote "
                           f"{_upper(a)} and {_upper(b)}")
    return FROM_NUMPY[joined]


def _upper(d: dtype) -> str:
    return {"uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64"}.get(d.name, scalar_type_name(d))


def scalar_type_name(d: dtype) -> str:
    """PyTorch's C++ name of a type, as its messages spell it: Float, Long, ComplexFloat ..."""
    return {
        "float32": "Float", "float64": "Double", "float16": "Half", "bfloat16": "BFloat16", "int64": "Long",
        "int32": "Int", "int16": "Short", "int8": "Char", "uint8": "Byte", "bool": "Bool",
        "complex64": "ComplexFloat", "complex128": "ComplexDouble",
        "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64",
    }[d.name]


def of_scalar(value: object) -> dtype:
    """The type a Python number stands for."""
    if isinstance(value, (bool, np.bool_)):
        return bool_
    if isinstance(value, (int, np.integer)):
        return int64
    if isinstance(value, (float, np.floating)):
        return default.dtype
    if isinstance(value, (complex, np.complexfloating)):
        return default.dtype.to_complex()
    raise TypeError(f"not a number: {type(value).__name__}")


def combine(higher: dtype | None, lower: dtype | None) -> dtype | None:
    """The type of a higher-priority group of operands (by dimension) joined with a lower one."""
    if higher is None:
        return lower
    if lower is None or higher.category == COMPLEX:
        return higher
    if higher.category == FLOAT:
        if lower.category == COMPLEX:
            return higher.to_complex()
        return higher
    if higher.category == BOOL or lower.category >= FLOAT:
        return promote_types(higher, lower)
    return higher


def result_type(values: list) -> dtype:
    """The type that an operation on these arrays and Python numbers computes in."""
    dims = zeros = numbers = None
    for v in values:
        if isinstance(v, np.ndarray) and v.ndim:
            d = FROM_NUMPY.get(v.dtype) or of(v)
            dims = d if dims is None else promote_types(dims, d)
        elif isinstance(v, (np.ndarray, np.generic)):
            d = FROM_NUMPY.get(v.dtype) or of(v)
            zeros = d if zeros is None else promote_types(zeros, d)
        elif v is not None:
            d = of_scalar(v)
            numbers = d if numbers is None else promote_types(numbers, d)
    found = combine(dims, combine(zeros, numbers))
    assert found is not None
    return found


class finfo:
    """Numerical limits of a floating type: bits, eps, max, min, tiny, smallest_normal, resolution."""

    def __init__(self, type: dtype | None = None) -> None:
        d = type or default.dtype
        if d.category < FLOAT:
            raise TypeError("torch.finfo() requires a floating point input type. Use torch.iinfo to handle "
                            "'torch.finfo'")
        d = d.to_real()
        if d is bfloat16:
            import ml_dtypes

            info: Any = ml_dtypes.finfo(d.numpy)
        else:
            info = np.finfo(d.numpy)
        self.bits, self.dtype = d.itemsize * 8, d.name
        self.eps, self.max, self.min = float(info.eps), float(info.max), float(info.min)
        self.tiny = self.smallest_normal = float(info.smallest_normal)
        self.resolution = float(info.resolution)

    def __repr__(self) -> str:
        return (f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, "
                f"eps={self.eps:g}, "
                f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})")


class iinfo:
    """Numerical limits of an integer type: bits, min, max."""

    def __init__(self, type: dtype) -> None:
        if type.category != INTEGER:
            raise TypeError("torch.iinfo() requires an integer input type. Use torch.finfo to handle "
                            "'torch.iinfo'")
        info = np.iinfo(type.numpy)
        self.bits, self.min, self.max, self.dtype = info.bits, int(info.min), int(info.max), type.name

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
