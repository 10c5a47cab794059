"""Names in use: one typical call of each, evaluated by PyTorch and by the engine, and what differs in what
comes out."""

from __future__ import annotations

import ast
import importlib
import math
import re
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import engine

SNIPPETS = Path(__file__).with_name("api_snippets.txt")
_SCHEMAS = torch.library.Library("torchvision", "FRAGMENT")
_ADDRESS = re.compile(r"0x[0-9a-f]+")


def snippets() -> dict[str, str]:
    """The code by name."""
    found = {}
    for line in SNIPPETS.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, code = line.split(" | ", 1)
            found[name] = code.replace("\\n", "\n")
    return found


def vision(side: Any) -> Any:
    """torchvision for one side. Raises: ImportError where the real one is not installed."""
    if side is engine:
        return importlib.import_module("engine.vision")
    for _ in range(40):
        try:
            return importlib.import_module("torchvision")
        except RuntimeError as e:
            # A build for CUDA beside PyTorch's for the CPU: ops that nothing here calls are missing.
            missing = re.search(r"operator torchvision::(\w+) does not exist", str(e))
            if missing is None:
                raise
            _SCHEMAS.define(f"{missing[1]}(Tensor a) -> Tensor")
            for name in [n for n in sys.modules if n.split(".")[0] == "torchvision"]:
                del sys.modules[name]
    raise ImportError("torchvision")


def evaluated(code: str, side: Any) -> Any:
    """What the last expression of the code gives on one side."""
    rng = np.random.RandomState(7)

    def given(*shape: int) -> Any:
        return side.tensor(rng.randn(*shape).round(2).astype(np.float32))

    scope: dict[str, Any] = {"torch": side, "nn": side.nn, "F": side.nn.functional, "np": np, "math": math}
    scope.update(x=given(3, 4), y=given(3, 4), v=given(4), u=given(4), q=given(2, 3, 4, 4))
    scope.update(w=given(3, 4).requires_grad_(), i=side.tensor([0, 2, 1]), k=side.tensor([True, False, True]))
    scope["import_"] = lambda name: importlib.import_module(f"{side.__name__}.{name}")
    scope["prune"] = scope["import_"]("nn.utils.prune")
    if re.search(r"(?<![\w.])(tv|T)\.", code):
        scope["tv"] = vision(side)
        scope["T"] = importlib.import_module(scope["tv"].__name__ + ".transforms")
        scope["pic"] = Image.fromarray(rng.randint(0, 256, (6, 8, 3), np.uint8))
    side.manual_seed(0)
    body = ast.parse(code).body
    last = body.pop()
    assert isinstance(last, ast.Expr), "the last statement is no expression"
    with tempfile.TemporaryDirectory() as place, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scope["file"] = f"{place}/a.pt"
        exec(compile(ast.Module(body, []), "<snippet>", "exec"), scope)
        return eval(compile(ast.Expression(last.value), "<snippet>", "eval"), scope)


def difference(want: Any, got: Any, at: str = "") -> str | None:
    """What differs first between two results, or None: types by name, numbers within rounding, texts but for
    addresses."""
    if isinstance(want, torch.Tensor):
        if not isinstance(got, engine.Tensor):
            return f"{at}{type(got).__name__} instead of a tensor"
        for what in ("dtype", "shape", "requires_grad", "is_leaf"):
            a, b = str(getattr(want, what)), str(getattr(got, what))
            if a != b:
                return f"{at}{what} {b} instead of {a}"
        a, b = (type(t.grad_fn).__name__ for t in (want, got))
        if a != b:
            return f"{at}grad_fn {b} instead of {a}"
        if tuple(want.stride()) != tuple(got.stride()) and want.numel() > 1:
            return f"{at}stride {tuple(got.stride())} instead of {tuple(want.stride())}"
        p, q = (np.array(t.detach().double().tolist() if not t.is_complex() else t.detach().tolist())
                for t in (want, got))
        if not np.allclose(p, q, rtol=1e-5, atol=1e-6, equal_nan=True):
            return f"{at}{q.ravel()[:4]} instead of {p.ravel()[:4]}"
        return None
    if isinstance(want, np.ndarray):
        same = isinstance(got, np.ndarray) and want.dtype == got.dtype and np.allclose(want, got, rtol=1e-5)
        return None if same else f"{at}{got!r} instead of {want!r}"
    if isinstance(want, (list, tuple)):
        if type(want).__name__ != type(got).__name__ or len(want) != len(got):
            return f"{at}{type(got).__name__} of {len(got)} instead of {type(want).__name__} of {len(want)}"
        for i, (a, b) in enumerate(zip(want, got)):
            part = difference(a, b, f"{at}[{i}]")
            if part:
                return part
        return None
    if isinstance(want, dict):
        if list(want) != list(got):
            return f"{at}keys {list(got)} instead of {list(want)}"
        return next((d for k in want if (d := difference(want[k], got[k], f"{at}[{k!r}]"))), None)
    if isinstance(want, float):
        near = isinstance(got, float) and math.isclose(want, got, rel_tol=1e-5, abs_tol=1e-7)
        return None if near or want != want and got != got else f"{at}{got!r} instead of {want!r}"
    a, b = (_ADDRESS.sub("0x", repr(r)).replace("engine.", "torch.") for r in (want, got))
    if a == b:
        return None
    return difference(_numbers(a), _numbers(b), at) if _words(a) == _words(b) else f"{at}{b} instead of {a}"


_NUMBER = re.compile(r"-?\d+\.\d*(?:e[-+]\d+)?")


def _numbers(text: str) -> list[float]:
    return [float(n) for n in _NUMBER.findall(text)]


def _words(text: str) -> str:
    return " ".join(_NUMBER.sub("#", text).split())


def check(name: str, code: str) -> dict:
    """One row: does the engine do what PyTorch does?"""
    try:
        want: Any = evaluated(code, torch)
    except Exception as e:
        want = type(e)
    try:
        got: Any = evaluated(code, engine)
    except Exception as e:
        got = type(e) if isinstance(want, type) and issubclass(want, Exception) else e
    if isinstance(got, Exception):
        first: str | None = f"{type(got).__name__}: {got}"
    elif isinstance(want, type) and issubclass(want, Exception):
        first = None if got is want else f"{got!r} where PyTorch raises {want.__name__}"
    else:
        first = difference(want, got)
    return {"name": name, "passed": int(first is None), "total": 1, "first": first or "",
            "raises": isinstance(want, type) and issubclass(want, Exception)}
