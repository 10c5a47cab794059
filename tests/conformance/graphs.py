"""Graphs of whole programs beside PyTorch's, node by node: names, order and input indices of next_functions,
shapes and identity of leaves."""

from __future__ import annotations

import importlib
import warnings
from types import ModuleType
from typing import Any, Callable

import torch

import engine

THEMES = ("network", "recurrence", "attention", "algebra", "view", "loss", "mechanism")


def programs() -> dict[str, Callable[[Any], tuple[Any, list]]]:
    """The programs by name, in the order of their themes."""
    found = {}
    for theme in THEMES:
        module = importlib.import_module(f"tests.conformance.graph_programs.{theme}")
        found.update(
            (f"{theme}.{k}", v)
            for k, v in vars(module).items()
            if callable(v) and getattr(v, "__module__", "") == module.__name__ and not k.startswith("_")
        )
    return found


def walked(end: Any, leaves: list) -> list[tuple]:
    """The nodes below a tensor's grad_fn in order of a walk along next_functions: type, name, edges as
    (number of node, input index), and for a leaf its shape, type and place among the given leaves."""
    numbers: dict[Any, int] = {}
    nodes: list[Any] = []
    waiting = [end.grad_fn]
    while waiting:
        fn = waiting.pop()
        if fn in numbers:
            continue
        numbers[fn] = len(nodes)
        nodes.append(fn)
        waiting += [f for f, _ in reversed(fn.next_functions) if f is not None]
    rows = []
    for fn in nodes:
        leaf = None
        if hasattr(fn, "variable"):
            v = fn.variable
            place = next((i for i, x in enumerate(leaves) if x is v), None)
            leaf = (tuple(v.shape), str(v.dtype), place)
        edges = tuple((None if f is None else numbers[f], i) for f, i in fn.next_functions)
        rows.append((type(fn).__name__, fn.name(), edges, leaf))
    return rows


def first_difference(want: list[tuple], got: list[tuple]) -> str | None:
    """Where two walks part, in words, or None.

    Both graphs are entered side by side, so that one node too many is found where it stands and not where the
    numbers after it are read."""
    met: dict[int, int] = {}
    waiting = [(0, 0)]
    while waiting:
        i, k = waiting.pop()
        if i in met:
            if met[i] != k:
                return f"a second {want[i][0]}: {got[k][0]} where PyTorch comes back to the node before"
            continue
        met[i] = k
        w, g = want[i], got[k]
        for what, a, b in (("type", w[0], g[0]), ("name", w[1], g[1]), ("leaf", w[3], g[3])):
            if a != b:
                return f"node {i} ({w[0]}): {what} {b} instead of {a}"
        below = [
            [None if at is None else (rows[at][0], nr) for at, nr in edges]
            for rows, edges in ((want, w[2]), (got, g[2]))
        ]
        if below[0] != below[1]:
            return f"node {i} ({w[0]}): next_functions {below[1]} instead of {below[0]}"
        waiting += [(a, b) for (a, _), (b, _) in zip(reversed(w[2]), reversed(g[2])) if a is not None]
    return None if want == got else f"{len(got)} nodes instead of {len(want)}"


def check(name: str, program: Callable[[Any], tuple[Any, list]]) -> dict:
    """One row: does the engine build PyTorch's graph for this program?"""

    def graph(side: ModuleType) -> list[tuple]:
        side.manual_seed(0)
        end, leaves = program(side)
        return walked(end, leaves)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want = graph(torch)
        try:
            first = first_difference(want, graph(engine))
        except Exception as e:
            first = f"{type(e).__name__}: {e}"
    return {"name": name, "passed": int(first is None), "total": 1, "first": first or "", "nodes": len(want)}
