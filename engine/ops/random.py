"""Random tensors: the stream's seeds and states, and tensors drawn from it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.autograd import node as nodes
from engine.core import device as devices
from engine.core import draw
from engine.core import dtype as dt
from engine.core.generator import Generator, default_generator
from engine.core.shape import broadcast_shapes, sizes_of
from engine.ops.cast import as_dtype
from engine.ops.creation import made
from engine.ops.record import Op, composite, kernel, place

__all__ = [
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "normal",
    "rand",
    "randint",
    "randn",
    "randperm",
    "seed",
    "set_rng_state",
]


# -- the stream ---------------------------------------------------------------------


def _state_of(given: Any) -> np.ndarray:
    if not isinstance(given, nodes.Tensor):
        raise TypeError(f"expected a torch.ByteTensor, but got {type(given).__name__}")
    return given._array()


Generator.present_state = staticmethod(lambda array: nodes.Tensor._of(array))
Generator.read_state = staticmethod(_state_of)
Generator.present_device = staticmethod(devices.device)
Generator.__module__ = "torch"


def manual_seed(seed: int) -> Generator:
    """The default generator, started again from `seed`."""
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """A new seed from the operating system, from which the default stream starts again."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default stream started from."""
    return default_generator.initial_seed()


def get_rng_state() -> Any:
    """The default stream's state as a ByteTensor."""
    return default_generator.get_state()


def set_rng_state(new_state: Any) -> None:
    """Continue the default stream from a state that get_rng_state gave."""
    default_generator.set_state(new_state)


for _fn in (manual_seed, seed, initial_seed, get_rng_state, set_rng_state):
    place(_fn, _fn.__name__, ("torch",))
place(Generator, "Generator", ("torch",))
place(default_generator, "default_generator", ("torch",))  # type: ignore[arg-type]


def stream(generator: Generator | None) -> Generator:
    """The generator given, or else the default one."""
    return default_generator if generator is None else generator


# -- new tensors --------------------------------------------------------------------


def refuse(kernel_name: str, kind: np.dtype) -> NotImplementedError:
    """PyTorch's error for an element type that a kernel does not know."""
    return NotImplementedError(
        f"\"{kernel_name}\" not implemented for '{dt.scalar_type_name(dt.FROM_NUMPY[kind])}'"
    )


def is_real(kind: np.dtype) -> bool:
    """True for float16, bfloat16, float32 and float64."""
    return kind.kind == "f" or kind.name == "bfloat16"


def uniform_values(generator: Generator, count: int, kind: np.dtype) -> np.ndarray:
    """Flat samples of [0, 1); both parts of a complex number are drawn, the real one first."""
    if kind.kind == "c":
        part = np.dtype(f"f{kind.itemsize // 2}")
        return draw.uniform(generator, 2 * count, part).view(kind)
    if not is_real(kind):
        raise refuse("check_uniform_bounds", kind)
    return draw.uniform(generator, count, kind)


def normal_values(generator: Generator, count: int, kind: np.dtype, contiguous: bool = True) -> np.ndarray:
    """Flat standard normal samples; a complex number has variance one, half in each part."""
    if kind.kind == "c":
        part = np.dtype(f"f{kind.itemsize // 2}")
        return draw.normal(generator, 2 * count, part, 0.0, 1 / math.sqrt(2), contiguous).view(kind)
    if not is_real(kind):
        raise refuse("normal_kernel_cpu", kind)
    return draw.normal(generator, count, kind, contiguous=contiguous)


def delivered(array: np.ndarray, out: Any, requires_grad: bool) -> Any:
    """A new leaf on the array, or `out` with it written in."""
    if out is None:
        return made(array, requires_grad)
    if tuple(out._a.shape) != array.shape:
        out.resize_(array.shape)
    draw.store(out._array(), array)
    out._bump()
    return out


def checked_sizes(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes. Raises: RuntimeError where one is negative."""
    for n in sizes:
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {list(sizes)}")
    return sizes


def _sized(name: str, size: tuple) -> tuple[int, ...]:
    if not size:
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got (), but expected one of:\n"
            " * (tuple of ints size, *, torch.Generator generator, Tensor out = None, torch.dtype dtype = "
            "None, torch.layout layout = None, torch.device device = None, bool pin_memory = False, bool "
            "requires_grad = False)\n"
        )
    try:
        return checked_sizes(sizes_of(size))
    except (TypeError, AttributeError):
        wrong = next(s for s in size if not isinstance(s, int))
        raise TypeError(
            f"{name}(): argument 'size' (position 1) must be tuple of ints, not {type(wrong).__name__}"
        ) from None


def _drawn(name: str, values: Callable, text: str) -> Callable:
    def function(
        *size: Any,
        generator: Generator | None = None,
        out: Any = None,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        pin_memory: bool = False,
    ) -> Any:
        devices.check(device)
        sizes = _sized(name, size)
        kind = (dt.default.dtype if dtype is None else as_dtype(dtype)).numpy
        if out is not None:
            kind = out._a.dtype
        return delivered(
            values(stream(generator), math.prod(sizes), kind).reshape(sizes), out, requires_grad
        )

    function.__name__ = function.__qualname__ = name

    def accepting(*size: Any, **kwargs: Any) -> Any:
        if "size" in kwargs:
            size = (kwargs.pop("size"),)
        return function(*size, **kwargs)

    accepting.__name__ = accepting.__qualname__ = name
    accepting.__doc__ = text
    place(accepting, name, ("torch",))
    return accepting


rand = _drawn("rand", uniform_values, "A tensor of uniform samples from [0, 1).")
randn = _drawn("randn", normal_values, "A tensor of normal samples with mean 0 and variance 1.")


def _like(name: str, values: Callable, text: str) -> Callable:
    def function(
        input: Any,
        *,
        generator: Generator | None = None,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        pin_memory: bool = False,
        memory_format: Any = None,
    ) -> Any:
        devices.check(device)
        kind = input._a.dtype if dtype is None else as_dtype(dtype).numpy
        shell = np.empty_like(np.asarray(input._a), dtype=kind)
        contiguous = shell.flags.c_contiguous
        flat = values(
            stream(generator), shell.size, kind, *(() if values is uniform_values else (contiguous,))
        )
        draw.store(shell, flat)
        return made(shell, requires_grad)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = text
    place(function, name, ("torch",))
    return function


rand_like = _like("rand_like", uniform_values, "Uniform samples in the shape and type of another tensor.")
randn_like = _like("randn_like", normal_values, "Normal samples in the shape and type of another tensor.")

_C_NAMES = {
    "uint8": "unsigned char",
    "int8": "signed char",
    "int16": "short int",
    "int32": "int",
    "int64": "long int",
    "uint16": "short unsigned int",
    "uint32": "unsigned int",
    "uint64": "long unsigned int",
    "bool": "bool",
    "float16": "c10::Half",
    "bfloat16": "c10::BFloat16",
    "float32": "float",
    "float64": "double",
}


def checked_range(kind: np.dtype, low: int, high: int) -> None:
    """Raises: RuntimeError for an empty range, or one that the type cannot hold."""
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    if kind.kind in "iub":
        least, most = (0, 1) if kind.kind == "b" else (int(np.iinfo(kind).min), int(np.iinfo(kind).max))
    elif kind.name == "float16":
        least, most = -65504, 65504
    else:
        return
    for name, value in (("from", low), ("to - 1", high - 1)):
        if not least <= value <= most:
            raise RuntimeError(f"{name} is out of bounds for {_C_NAMES[kind.name]}")


def integer_values(generator: Generator, count: int, kind: np.dtype, low: int, high: int) -> np.ndarray:
    """Flat integers of [low, high) in any type."""
    checked_range(kind, low, high)
    return draw.integers(generator, count, kind, low, high)


def randint(
    *args: Any,
    generator: Generator | None = None,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    low: Any = None,
    high: Any = None,
    size: Any = None,
) -> Any:
    """A tensor of integers: randint(high, size) from 0, randint(low, high, size) from low."""
    given = list(args)
    if size is None and len(given) + (low is not None) + (high is not None) >= 2 and given:
        size = given.pop()
    if high is None and given:
        high = given.pop()
    if low is None and given:
        low = given.pop()
    if given or size is None or high is None or isinstance(size, int):
        raise TypeError(
            "randint() received an invalid combination of arguments - got "
            f"({', '.join(type(a).__name__ for a in args)}), but expected one of:\n * (int high, tuple of "
            "ints size, *, torch.Generator generator, Tensor out = None, torch.dtype dtype = None, "
            "torch.layout layout = None, torch.device device = None, bool pin_memory = False, bool "
            "requires_grad = False)\n * (int low, int high, tuple of ints size, *, ...)\n"
        )
    devices.check(device)
    sizes = checked_sizes(sizes_of((tuple(size),)))
    kind = out._a.dtype if out is not None else (dt.int64 if dtype is None else as_dtype(dtype)).numpy
    values = integer_values(stream(generator), math.prod(sizes), kind, int(low or 0), int(high))
    return delivered(values.reshape(sizes), out, requires_grad)


def randint_like(
    input: Any,
    *args: Any,
    low: Any = None,
    high: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    memory_format: Any = None,
) -> Any:
    """Integers in the shape and type of another tensor: from 0, or from low, up to high."""
    devices.check(device)
    given = list(args)
    high = given.pop() if high is None else high
    low = given.pop() if given else low
    kind = input._a.dtype if dtype is None else as_dtype(dtype).numpy
    shell = np.empty_like(np.asarray(input._a), dtype=kind)
    draw.store(shell, integer_values(stream(generator), shell.size, kind, int(low or 0), int(high)))
    return made(shell, requires_grad)


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Any:
    """The numbers 0 to n - 1 in random order."""
    devices.check(device)
    checked_sizes((n,))
    target = out.dtype if out is not None else dt.int64 if dtype is None else as_dtype(dtype)
    kind = target.numpy
    most = {"float16": 2049, "bfloat16": 257, "float32": 1 << 24, "float64": 1 << 53}.get(target.name)
    if most is not None and n > most + (most >= 1 << 24):
        raise RuntimeError(
            f"n cannot be greater than {most + (most >= 1 << 24)} for {dt.scalar_type_name(target)} type."
        )
    if kind.kind in "iu" and n > 0 and n - 1 > np.iinfo(kind).max:
        raise RuntimeError(f"value cannot be converted to type {kind.name}_t without overflow")
    return delivered(draw.permutation(stream(generator), n).astype(kind, copy=False), out, requires_grad)


place(randint, "randint", ("torch",))
place(randint_like, "randint_like", ("torch",))
place(randperm, "randperm", ("torch",))


# -- samples whose parameters are tensors -------------------------------------------


def no_gradient(grad: Any) -> Any:
    """A sample does not depend on where it was drawn from: zeros."""
    return nodes.Tensor._of(np.zeros_like(grad._a))


def _spread_check(std: Any) -> None:
    if isinstance(std, nodes.Tensor):
        if not (np.asarray(std._a) >= 0).all():
            raise RuntimeError("normal expects all elements of std >= 0.0")
    elif not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")


def _normal_of(mean: Any, std: Any, generator: Any) -> np.ndarray:
    arrays = [v for v in (mean, std) if isinstance(v, (np.ndarray, np.generic))]
    shape = broadcast_shapes(*[a.shape for a in arrays])
    kind = arrays[0].dtype
    if not is_real(kind):
        raise refuse("normal_kernel_cpu", kind)
    spread = 1.0 if isinstance(std, (np.ndarray, np.generic)) else float(std)
    values = draw.normal(stream(generator), math.prod(shape), kind, 0.0, spread).reshape(shape)
    if isinstance(std, (np.ndarray, np.generic)):
        values *= std
    values += mean if isinstance(mean, (np.ndarray, np.generic)) else kind.type(mean)
    return values


_NORMALS = {
    (True, False): ("normal_of_mean", "NormalBackward1", ("mean",)),
    (False, True): ("normal_of_std", "NormalBackward2", ("std",)),
    (True, True): ("normal_of_both", "NormalBackward3", ("mean", "std")),
}
_NORMAL_OPS = {
    which: Op(
        name,
        forward=lambda mean, std, generator: _normal_of(mean, std, generator),
        inputs=inputs,
        grad_fn=grad_fn,
        on=(),
        out=False,
        formula=r"y \sim \mathcal{N}(\mu, \sigma^2)",
        text="Samples of normal distributions; a sample passes no gradient to its parameters.",
        grads={
            i: (lambda grad, mean_shape: nodes.Tensor._of(np.zeros(mean_shape, grad._a.dtype)))
            if i == "mean"
            else (lambda grad, std_shape: nodes.Tensor._of(np.zeros(std_shape, grad._a.dtype)))
            for i in inputs
        },
    )
    for which, (name, grad_fn, inputs) in _NORMALS.items()
}


@composite(
    "normal",
    on=("torch",),
    formula=r"y \sim \mathcal{N}(\mu, \sigma^2)",
    text="Samples of normal distributions, one for each mean and standard deviation.",
)
def normal(
    mean: Any,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Any:
    """Normal samples: by tensors of means and standard deviations, or by two numbers and a size."""
    T = nodes.Tensor
    _spread_check(std)
    if isinstance(mean, T) or isinstance(std, T):
        return _NORMAL_OPS[isinstance(mean, T), isinstance(std, T)].call(mean, std, generator)
    if size is None:
        raise TypeError(
            "normal() received an invalid combination of arguments - got (float, float), but expected one "
            "of:\n * (Tensor mean, Tensor std, *, torch.Generator generator = None, Tensor out = None)\n * "
            "(Tensor mean, float std = 1, *, ...)\n * (float mean, Tensor std, *, ...)\n * (float mean, "
            "float std, tuple of ints size, *, ...)\n"
        )
    sizes = checked_sizes(sizes_of((tuple(size),)))
    kind = (dt.default.dtype if dtype is None else as_dtype(dtype)).numpy
    return made(
        draw.normal(stream(generator), math.prod(sizes), kind, mean, std).reshape(sizes), requires_grad
    )


def checked_chances(p: np.ndarray) -> np.ndarray:
    """The probabilities. Raises: RuntimeError where one is outside [0, 1]."""
    if not ((p >= 0) & (p <= 1)).all():
        raise RuntimeError(
            "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message be "
            "improved?  If so, please report an enhancement request to PyTorch.)"
        )
    return p


def _bernoulli(self: Any, p: Any = None, *, generator: Any = None) -> np.ndarray:
    self = np.asarray(self)
    if p is not None:
        if not 0 <= p <= 1:
            raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
        shell = np.empty_like(self)
        draw.store(shell, draw.bernoulli(stream(generator), self.size, p).astype(self.dtype))
        return shell
    if not is_real(self.dtype):
        raise refuse("bernoulli_tensor_cpu_p_", self.dtype)
    return (
        draw.bernoulli_of(stream(generator), checked_chances(self)).reshape(self.shape).astype(self.dtype)
    )


bernoulli = kernel(
    name="bernoulli",
    inputs=("self",),
    grad_fn="BernoulliBackward0",
    formula=r"y \sim \mathrm{Bernoulli}(x)",
    text="Ones with the given probabilities, zeros otherwise; a sample passes no gradient.",
    forward=_bernoulli,
    grads={"self": lambda grad: no_gradient(grad)},
)


def _poisson(self: Any, generator: Any = None) -> np.ndarray:
    from engine.core import rejection

    self = np.asarray(self)
    if not is_real(self.dtype):
        raise refuse("poisson_cpu", self.dtype)
    return rejection.poisson(stream(generator), self).reshape(self.shape)


poisson = kernel(
    name="poisson",
    inputs=("self",),
    grad_fn="PoissonBackward0",
    on=("torch",),
    out=False,
    formula=r"y \sim \mathrm{Poisson}(x)",
    text="Counts of events at the given rates; a sample passes no gradient.",
    forward=_poisson,
    grads={"self": lambda grad: no_gradient(grad)},
)


def _binomial(count: Any, prob: Any, generator: Any = None) -> np.ndarray:
    from engine.core import rejection

    count, prob = np.broadcast_arrays(count, prob)
    if not is_real(count.dtype):
        raise refuse("binomial_cpu", count.dtype)
    return rejection.binomial(stream(generator), count, prob).reshape(count.shape)


binomial = kernel(
    name="binomial",
    forward=_binomial,
    on=("torch",),
    out=False,
    formula=r"y \sim \mathrm{Binomial}(n, p)",
    text="Numbers of successes in n trials of probability p.",
)


def _multinomial(
    self: Any, num_samples: int, replacement: bool = False, *, generator: Any = None
) -> np.ndarray:
    if not is_real(self.dtype):
        raise RuntimeError(
            "multinomial only supports floating-point dtypes for input, got: "
            f"{dt.scalar_type_name(dt.of(self))}"
        )
    if self.ndim not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if self.shape[-1] > 1 << 24:
        raise RuntimeError("number of categories cannot exceed 2^24")
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > self.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    weights = self.reshape(-1, self.shape[-1])
    generator = stream(generator)
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if not (weights.sum(-1) > 0).all():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    if replacement and num_samples > 1:
        chosen = draw.categories(generator, weights, num_samples)
    else:
        # The race of exponentials: the first to arrive is drawn with its weight's probability.
        race = weights / draw.exponential(generator, weights.size, weights.dtype).reshape(weights.shape)
        if num_samples == 1:
            chosen = race.argmax(-1)[:, None]
        else:
            chosen = np.argsort(-race.astype(np.float64), axis=-1, kind="stable")[:, :num_samples]
    return chosen.reshape(-1).astype(np.int64, copy=False).reshape(*self.shape[:-1], num_samples)


multinomial = kernel(
    name="multinomial",
    forward=_multinomial,
    formula=r"y \sim \mathrm{Categorical}(x)",
    text="Draws positions with the given weights, with or without putting back.",
)
