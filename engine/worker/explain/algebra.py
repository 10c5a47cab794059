"""The algebra of shapes of one derivative: why a factor is turned, why there is a sum, what broadcasting did.

Each line is (LaTeX, words).
"""

from __future__ import annotations

import math
from typing import Any

from engine.ops.gradient_words import GRADIENTS

Line = tuple[str, str]
Shape = tuple[int, ...]

PRODUCTS: dict[str, tuple[str, str]] = {
    "mm": ("self", "mat2"),
    "addmm": ("mat1", "mat2"),
    "bmm": ("self", "mat2"),
    "baddbmm": ("batch1", "batch2"),
    "mv": ("self", "vec"),
    "addmv": ("mat", "vec"),
}
"""Ops that multiply two matrices, and which of their inputs these are."""
PICKING = frozenset({name for name, words in GRADIENTS.items() if "places taken" in words.get("self", "")})
"""Ops that take some of their input's numbers."""
REDUCTIONS = {
    "sum": "sum",
    "mean": "mean",
    "prod": "product",
    "amax": "maximum",
    "amin": "minimum",
    "max": "maximum",
    "min": "minimum",
}


def lines_of(op: Any, name: str, signs: dict[str, str], shapes: dict[str, Shape], out: Shape) -> list[Line]:
    """What happens to the shapes on the way back to input `name`. shapes: of the inputs, by name."""
    pair = PRODUCTS.get("" if op is None else op.name)
    own = shapes[name]
    if pair is not None and name in pair and all(p in shapes for p in pair):
        return _product(pair, name, signs, shapes, out)
    if op is not None and op.name == "convolution" and name in ("weight", "bias", "input"):
        return _convolution(name, signs, shapes, out)
    if op is not None and (op.family == "pointwise" or name == "self" and op.name in ("addmm", "expand")):
        return _spread(name, signs, own, out)
    if op is not None and op.name in ("t", "transpose", "permute", "numpy_T", "mT"):
        return [
            (rf"{size(own)} \to {size(out)}", "The forward turned the axes; no number changed."),
            (rf"{size(out)} \to {size(own)}", "The gradient is turned back the same way."),
        ]
    elements, results = math.prod(own), math.prod(out)
    if op is not None and name == "self" and op.name in PICKING:
        return [
            (rf"{size(own)} \to {size(out)}", f"Forward: {results} of {elements} numbers were taken."),
            (
                rf"{size(out)} \to {size(own)}",
                "Each gradient goes back to where its number was taken from; all other places get 0.",
            ),
        ]
    if op is not None and op.family == "view" and elements == results:
        return [
            (rf"{size(own)} \to {size(out)}", "The forward only counted the same numbers another way."),
            (rf"{size(out)} \to {size(own)}", "The gradient is put back into the old shape."),
        ]
    if op is not None and (op.name.partition(".")[0] in REDUCTIONS or results == 1 < elements):
        return _gathered(op, signs, name, own, out)
    return [
        (rf"{_sign(signs, name)} : {size(own)} \to {_sign(signs, 'result')} : {size(out)}", "The forward."),
        (
            rf"{_grad(signs, name)} : {size(own)}",
            "A gradient has the shape of what it belongs to: one number for each of its elements.",
        ),
    ]


def size(shape: Shape) -> str:
    """A shape as LaTeX: 3 \\times 5, or 1 for a single number."""
    return r" \times ".join(str(n) for n in shape) if shape else "1"


def spoken(shape: Shape) -> str:
    """A shape in words."""
    return " x ".join(str(n) for n in shape) if shape else "one number"


def spread_axes(own: Shape, out: Shape) -> list[int]:
    """The axes of `out` along which broadcasting repeated an input of shape `own`."""
    lead = len(out) - len(own)
    return [i for i, n in enumerate(out) if n > 1 and (i < lead or own[i - lead] == 1)] if lead >= 0 else []


def _sign(signs: dict[str, str], name: str) -> str:
    return signs.get(name, "y" if name == "result" else rf"\mathrm{{{name}}}".replace("_", r"\_"))


def _grad(signs: dict[str, str], name: str) -> str:
    sign = _sign(signs, name)
    return rf"\partial L/\partial {sign}" if "^" not in sign else rf"\partial L/\partial ({sign})"


def _under(sign: str, shape: Shape) -> str:
    return rf"\underbrace{{{sign}}}_{{{size(shape)}}}"


def _turned(sign: str) -> str:
    return sign.removesuffix("^{T}") if sign.endswith("^{T}") else sign + "^{T}"


def _product(
    pair: tuple[str, str], name: str, signs: dict[str, str], shapes: dict[str, Shape], out: Shape
) -> list[Line]:
    left, right = pair
    a, b, y = _sign(signs, left), _sign(signs, right), _sign(signs, "result")
    sa, sb = shapes[left], shapes[right]
    inner = sa[-1]
    lines = [
        (
            rf"{_under(a, sa)}\,{_under(b, sb)} \to {_under(y, out)}",
            f"Forward: the inner {inner} is summed away, each output is a row times a column.",
        )
    ]
    came = _under(rf"\partial L/\partial {y}", out)
    if name == left:
        if len(sb) == 1:
            lines.append(
                (
                    rf"{came}\,{_under(_turned(b), (1, sb[0]))} \to {_under(_grad(signs, name), sa)}",
                    f"A column times a row: each of the {spoken(sa)} entries met one gradient, one number.",
                )
            )
            return lines
        turned = (*sb[:-2], sb[-1], sb[-2])
        lines.append(
            (
                rf"{came}\,{_under(_turned(b), turned)} \to {_under(_grad(signs, name), sa)}",
                f"{_turning(b)} {spoken(turned)}: only so does its {sb[-1]} meet the {out[-1]} of the "
                f"gradient, and what is left is {spoken(sa)}.",
            )
        )
        lines.append(
            (
                rf"\sum_{{j=1}}^{{{sb[-1]}}}",
                f"The sum runs over the {sb[-1]} outputs that each input went into.",
            )
        )
        return lines
    turned = (*sa[:-2], sa[-1], sa[-2])
    lines.append(
        (
            rf"{_under(_turned(a), turned)}\,{came} \to {_under(_grad(signs, name), sb)}",
            f"{_turning(a)} {spoken(turned)}, so that its {sa[-2]} columns meet the {sa[-2]} rows of the "
            f"gradient; what is left is {spoken(sb)}.",
        )
    )
    lines.append(
        (
            rf"\sum_{{i=1}}^{{{sa[-2]}}}",
            f"The sum runs over the {sa[-2]} rows of the batch: each of them used the same {plain(b)}, "
            "so that each adds its share.",
        )
    )
    return lines


def _spread(name: str, signs: dict[str, str], own: Shape, out: Shape) -> list[Line]:
    sign, y = _sign(signs, name), _sign(signs, "result")
    axes = spread_axes(own, out)
    if not axes:
        return [
            (
                rf"{sign}, \; {y}, \; {_grad(signs, name)} : {size(own)}",
                "Element by element: each gradient belongs to the element at its own place.",
            )
        ]
    copies = math.prod(out[i] for i in axes)
    along = " and ".join(str(i) for i in axes)
    lead = len(out) - len(own)
    kept = [i for i in axes if i >= lead]
    words = f"The gradient has one number for each of the {copies} copies; their sum belongs to the one"
    words += f" (axis {along} is summed{', and kept as 1' if kept else ''})."
    return [
        (
            rf"{_under(sign, own)} \to {size(out)}",
            f"Forward: broadcasting repeated {plain(sign)} {copies} times, along axis {along}.",
        ),
        (rf"\sum_{{{', '.join(f'i_{{{a}}}' for a in axes)}}} : \; {size(out)} \to {size(own)}", words),
    ]


def _gathered(op: Any, signs: dict[str, str], name: str, own: Shape, out: Shape) -> list[Line]:
    elements, results = math.prod(own), max(1, math.prod(out))
    each = elements // results
    base = op.name.partition(".")[0]
    what = REDUCTIONS.get(base, "number")
    of = f"out of {each}" if results == 1 else f"out of each {each} numbers"
    share = {
        "sum": "each of them gets all of it, for each counted once",
        "mean": f"each of them gets 1/{each} of it",
        "amax": "it goes to where the maximum was",
        "amin": "it goes to where the minimum was",
        "max": "it goes to where the maximum was",
        "min": "it goes to where the minimum was",
    }.get(base, "each of them gets its share")
    return [
        (rf"{size(own)} \to {size(out)}", f"Forward: one {what} {of}."),
        (
            rf"{size(out)} \to {size(own)}",
            f"The gradient of one {what} goes back to {each} numbers: {share}.",
        ),
    ]


def _convolution(name: str, signs: dict[str, str], shapes: dict[str, Shape], out: Shape) -> list[Line]:
    x, w = shapes["input"], shapes["weight"]
    y = rf"\partial L/\partial {_sign(signs, 'result')}"
    places = math.prod(out[2:])
    lines = [
        (
            rf"{_under('X', x)} \star {_under('W', w)} \to {_under('Y', out)}",
            f"Forward: {w[0]} filters of {spoken(w[1:])} look at each of {places} places.",
        )
    ]
    if name == "bias":
        lines.append(
            (
                rf"\sum_{{n, p}} : \; {_under(y, out)} \to {_under('b', shapes['bias'])}",
                f"Each bias was added at {out[0]} x {places} places; their gradients are summed.",
            )
        )
    elif name == "weight":
        lines.append(
            (
                rf"{_under(y, out)} \star {_under('X', x)} \to {_under('W', w)}",
                f"A filter was used at {out[0]} x {places} places: each adds its gradient times what it saw.",
            )
        )
    else:
        lines.append(
            (
                rf"{_under(y, out)} \star {_under('W^{T}', w)} \to {_under('X', x)}",
                "A pixel was seen through several entries of each filter: the filter is gone back through.",
            )
        )
    return lines


def plain(sign: str) -> str:
    """A letter as it is said: W for W^{T}, gamma for \\gamma."""
    base = sign.removesuffix("^{T}").replace("\\", "")
    return base.removeprefix("mathrm{").rstrip("}")


def _turning(sign: str) -> str:
    if sign.endswith("^{T}"):
        return f"The product used {plain(sign)} turned; turned back it is"
    return f"{plain(sign)} is turned to"
