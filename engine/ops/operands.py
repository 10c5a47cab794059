"""Which operands of the two-operand functions have to be Tensors, and PyTorch's words where one is a plain
number."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

NUMBERS = frozenset((int, float, bool, complex))

EACH: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        "atan2 arctan2 fmax fmin ldexp logaddexp logaddexp2 maximum minimum logical_and logical_or "
        "logical_xor lcm gcd isclose nextafter igamma igammac hypot".split(), ("input", "other")),
    "heaviside": ("input", "values"), "polar": ("abs", "angle"), "complex": ("real", "imag"),
}
"""Functions that take two Tensors, with the names of both."""

FIRST: dict[str, str] = {
    **dict.fromkeys("copysign eq ne lt le gt ge fmod not_equal less less_equal greater greater_equal".split(),
                    "other"),
    "clamp_max": "max", "clamp_min": "min", "rsub": "other", "max": "other", "min": "other",
}
"""Functions whose first operand is a Tensor and whose second may be a number: the second's name."""

EITHER: dict[str, str] = {
    **dict.fromkeys(
        "bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift remainder xlogy xlog1py "
        "zeta".split(), "other"),
    "float_power": "exponent",
    **{f"{kind}_polynomial_{letter}": "n" for kind, letters in {
        "chebyshev": "tuvw", "shifted_chebyshev": "tuvw", "hermite": ("h", "he"), "laguerre": "l",
        "legendre": "p"}.items() for letter in letters},
}
"""Functions with one Tensor at least among their two operands: the second's name."""


def _kind(value: Any) -> str:
    """The name of an argument's type as PyTorch's messages have it."""
    return type(value).__name__ if type(value) in NUMBERS else "Tensor"


def _combination(name: str, args: tuple, overloads: tuple[str, ...]) -> TypeError:
    """No overload takes these arguments."""
    expected = "".join(f" * ({o}, *, Tensor out = None)\n" for o in overloads)
    got = ", ".join(_kind(a) for a in args)
    return TypeError(f"{name}() received an invalid combination of arguments - got ({got}), "
                     f"but expected one of:\n{expected}")


def _two_tensors(name: str, fn: Callable) -> Callable:
    names = EACH[name]

    @wraps(fn)
    def function(*args: Any, **kwargs: Any) -> Any:
        for at, value in enumerate(args[:2]):
            if type(value) in NUMBERS:
                raise TypeError(f"{name}(): argument '{names[at]}' (position {at + 1}) must be Tensor, "
                                f"not {_kind(value)}")
        return fn(*args, **kwargs)

    return function


def _first_tensor(name: str, fn: Callable) -> Callable:
    second = FIRST[name]

    @wraps(fn)
    def function(*args: Any, **kwargs: Any) -> Any:
        if args and type(args[0]) in NUMBERS:
            overloads = (f"Tensor input, Tensor {second}", f"Tensor input, Number {second}")
            raise _combination(name, args, overloads)
        return fn(*args, **kwargs)

    return function


def _one_tensor(name: str, fn: Callable) -> Callable:
    second = EITHER[name]

    @wraps(fn)
    def function(*args: Any, **kwargs: Any) -> Any:
        if len(args) > 1 and type(args[0]) in NUMBERS and type(args[1]) in NUMBERS:
            raise _combination(name, args, (f"Tensor input, Tensor {second}", f"Number self, Tensor {second}",
                                            f"Tensor input, Number {second}"))
        return fn(*args, **kwargs)

    return function


def strict(name: str, fn: Callable) -> Callable:
    """`fn` refusing numbers where PyTorch takes Tensors alone; `fn` itself where any operand will do."""
    for names, guard in ((EACH, _two_tensors), (FIRST, _first_tensor), (EITHER, _one_tensor)):
        if name in names:
            return guard(name, fn)  # type: ignore[operator]
    return fn
