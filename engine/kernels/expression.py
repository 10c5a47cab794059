"""From a record's formula to source: traced with Symbols, written out once for the CPU and once for CUDA.

Both twins are the same scalar expression; only the loop around it differs.
"""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np

from engine.ops.formula import Symbol

CHEAP = frozenset(
    {
        "add",
        "sub",
        "mul",
        "div",
        "neg",
        "abs",
        "lt",
        "le",
        "gt",
        "ge",
        "eq",
        "ne",
        "logical_and",
        "logical_or",
        "logical_not",
        "where",
        "maximum",
        "minimum",
        "square",
        "reciprocal",
        "conj",
        "real",
        "sign",
        "sgn",
    }
)
"""What a processor does in a cycle or two: NumPy's own vector code is as good at the others."""

TEMPLATES = {
    "add": "({0} + {1})",
    "sub": "({0} - {1})",
    "mul": "({0} * {1})",
    "div": "({0} / {1})",
    "pow": "({0} ** {1})",
    "neg": "(-{0})",
    "abs": "abs({0})",
    "square": "({0} * {0})",
    "reciprocal": "(ONE / {0})",
    "conj": "{0}",
    "real": "{0}",
    "maximum": "({0} if ({0} > {1} or {0} != {0}) else {1})",
    "minimum": "({0} if ({0} < {1} or {0} != {0}) else {1})",
    "fmax": "({0} if ({0} >= {1} or {1} != {1}) else {1})",
    "fmin": "({0} if ({0} <= {1} or {1} != {1}) else {1})",
    "sign": "(ONE if {0} > ZERO else (-ONE if {0} < ZERO else {0}))",
    "sgn": "(ONE if {0} > ZERO else (-ONE if {0} < ZERO else {0}))",
    "floor": "REAL(math.floor({0}))",
    "ceil": "REAL(math.ceil({0}))",
    "trunc": "REAL(math.trunc({0}))",
    "round": "REAL(round({0}))",
    "exp2": "(TWO ** {0})",
    "sigmoid": "(ONE / (ONE + math.exp(-{0})))",
    "fmod": "math.fmod({0}, {1})",
    "remainder": "({0} % {1})",
    "atan2": "math.atan2({0}, {1})",
    "hypot": "math.hypot({0}, {1})",
    "copysign": "math.copysign({0}, {1})",
    "logaddexp": "(({0} if {0} > {1} else {1}) + math.log1p(math.exp(-abs({0} - {1}))))",
    "logaddexp2": "(({0} if {0} > {1} else {1}) + math.log1p(TWO ** (-abs({0} - {1}))) / LOG_TWO)",
    "sinc": "(ONE if {0} == ZERO else math.sin(PI * {0}) / (PI * {0}))",
    "angle": "(PI if {0} < ZERO else ({0} if {0} != {0} else ZERO))",
    **{
        name: f"math.{name}({{0}})"
        for name in (
            "exp",
            "expm1",
            "log",
            "log2",
            "log10",
            "log1p",
            "sqrt",
            "sin",
            "cos",
            "tan",
            "asin",
            "acos",
            "atan",
            "sinh",
            "cosh",
            "tanh",
            "asinh",
            "acosh",
            "atanh",
            "erf",
            "erfc",
            "lgamma",
        )
    },
}
TRUTHS = {
    "lt": "({0} < {1})",
    "le": "({0} <= {1})",
    "gt": "({0} > {1})",
    "ge": "({0} >= {1})",
    "eq": "({0} == {1})",
    "ne": "({0} != {1})",
    "isnan": "({0} != {0})",
    "isinf": "(abs({0}) == INFINITY)",
    "isfinite": "(abs({0}) < INFINITY)",
    "signbit": "(math.copysign(ONE, {0}) < ZERO)",
}
LOGIC = {
    "logical_and": "({0} and {1})",
    "logical_or": "({0} or {1})",
    "logical_not": "(not {0})",
    "logical_xor": "({0} != {1})",
}


class NotAFormula(Exception):
    """The record's lambda does something that is not an expression of its inputs."""


def _literal(v: float) -> str:
    """A number as source, also where it is not finite."""
    return repr(v) if math.isfinite(v) else f"float('{v}')"


class Expression:
    """The scalar program of one formula. `arrays` and `numbers` are its parameters, `lines` compute
    `value`."""

    def __init__(self, made: Any, arrays: list[str], numbers: list[str]) -> None:
        self.arrays, self.numbers = arrays, numbers
        self.lines: list[str] = []
        self.constants: dict[str, float] = {}
        self.work = 0
        self.cheap = True
        self._seen: dict[Any, tuple[str, bool]] = {}
        value, self.is_truth = self._write(made)
        self.value = value

    def _constant(self, value: float) -> str:
        for name, have in self.constants.items():
            if have == value or have != have and value != value:
                return name
        name = f"K{len(self.constants)}"
        self.constants[name] = float(value)
        return name

    def _key(self, node: Any) -> Any:
        if type(node) is Symbol:
            return (
                (node.op, *(self._key(a) for a in node.args))
                if node.op != "input"
                else ("input", node.args[0])
            )
        return ("constant", repr(node))

    def _write(self, node: Any) -> tuple[str, bool]:
        """(text, is it a truth value) of a node; each is computed once."""
        if type(node) is not Symbol:
            if isinstance(node, bool):
                return str(node), True
            if isinstance(node, np.bool_):
                return str(bool(node)), True
            if not isinstance(node, (int, float, np.floating, np.integer)):
                raise NotAFormula(f"a {type(node).__name__} in a formula")
            return self._constant(node), False  # type: ignore[arg-type]
        if node.op == "input":
            return f"v_{node.args[0]}", False
        key = self._key(node)
        if key in self._seen:
            return self._seen[key]
        parts = [self._write(a) for a in node.args]
        truth = node.op in TRUTHS or node.op in LOGIC
        if node.op == "where":
            choice = self._truth(parts[0])
            both = parts[1][1] and parts[2][1]
            if both:
                text, truth = f"({parts[1][0]} if {choice} else {parts[2][0]})", True
            else:
                text = f"({self._number(parts[1])} if {choice} else {self._number(parts[2])})"
        elif node.op in LOGIC:
            text = LOGIC[node.op].format(*(self._truth(p) for p in parts))
        else:
            template = TRUTHS.get(node.op) or TEMPLATES.get(node.op)
            if template is None:
                raise NotAFormula(f"{node.op} has no scalar form")
            text = template.format(*(self._number(p) for p in parts))
        self.work += 1
        self.cheap = self.cheap and node.op in CHEAP
        name = f"t{len(self._seen)}"
        self.lines.append(f"{name} = {text}")
        self._seen[key] = (name, truth)
        return self._seen[key]

    @staticmethod
    def _number(part: tuple[str, bool]) -> str:
        return f"(ONE if {part[0]} else ZERO)" if part[1] else part[0]

    @staticmethod
    def _truth(part: tuple[str, bool]) -> str:
        return part[0] if part[1] else f"({part[0]} != ZERO)"

    def _head(self, real: str) -> str:
        made = [
            f"REAL = np.{real}",
            *(
                f"{n} = REAL({v})"
                for n, v in (
                    ("ZERO", "0"),
                    ("ONE", "1"),
                    ("TWO", "2"),
                    ("PI", repr(math.pi)),
                    ("LOG_TWO", repr(math.log(2))),
                    ("INFINITY", "math.inf"),
                )
            ),
        ]
        for name, v in self.constants.items():
            made.append(f"{name} = REAL({_literal(v)})")
        return "\n".join(made)

    def _body(self, indent: str) -> str:
        lines = [f"v_{a} = a_{a}[i]" for a in self.arrays] + self.lines
        lines.append(f"out[i] = {self.value}")
        return "\n".join(indent + line for line in lines)

    @property
    def _parameters(self) -> str:
        return "".join([*(f"a_{a}, " for a in self.arrays), *(f"v_{n}, " for n in self.numbers)])

    def cpu(self, real: str) -> str:
        """The loop for numba on the CPU: run(arrays..., numbers..., out)."""
        return (
            f'{self._head(real)}\n\n\n@njit(cache=True, nogil=True, error_model="numpy", '
            f'fastmath={{"contract"}})\ndef run({self._parameters}out):\n'
            f"    for i in range(out.size):\n{self._body(' ' * 8)}\n"
        )

    def cuda(self, real: str) -> str:
        """The same for numba.cuda: run[blocks, threads](n, arrays..., numbers..., out)."""
        return (
            f"import math\n\nimport numpy as np\nfrom numba import "
            f"cuda\n\n{self._head(real)}\n\n\n@cuda.jit\n"
            f"def run(n, {self._parameters}out):\n    i = cuda.grid(1)\n    if i < "
            f"n:\n{self._body(' ' * 8)}\n"
        )


def forward_of(op: Any, settings: dict[str, Any] | None = None, numbers: tuple[str, ...] = ()) -> Expression:
    """The forward formula of a pointwise record; operands named in `numbers` come as plain numbers.

    Raises: NotAFormula where the forward is not an expression."""
    operands = [op.parameters[i] for i in op.tensor_at]
    args = []
    for p in op.signature.parameters.values():
        if p.name in operands:
            args.append(Symbol("input", p.name))
        else:
            args.append(
                (settings or {}).get(p.name, None if p.default is inspect.Parameter.empty else p.default)  # type: ignore[arg-type]
            )
    return _traced(
        op.forward, args, [o for o in operands if o not in numbers], [o for o in operands if o in numbers]
    )


def gradient_of(
    op: Any, which: str, settings: dict[str, Any] | None = None, numbers: tuple[str, ...] = ()
) -> Expression:
    """The gradient formula of one input of a pointwise record.

    Raises: NotAFormula where it is not an expression."""
    names = next(names for covers, _, names in op.plan if covers == (which,))
    operands = {op.parameters[i] for i in op.tensor_at} | {"grad", "result", *op.inputs}
    args = []
    for n in names:
        if n in operands:
            args.append(Symbol("input", n))
        else:
            default = op.signature.parameters[n].default if n in op.signature.parameters else None
            args.append((settings or {}).get(n, None if default is inspect.Parameter.empty else default))  # type: ignore[arg-type]
    used = [n for n in names if n in operands]
    return _traced(
        op.grads[which], args, [n for n in used if n not in numbers], [n for n in used if n in numbers]
    )


def _traced(fn: Any, args: list, arrays: list[str], numbers: list[str]) -> Expression:
    try:
        made = fn(*args)
    except NotAFormula:
        raise
    except Exception as e:
        raise NotAFormula(str(e)) from e
    return Expression(made, arrays, numbers)
