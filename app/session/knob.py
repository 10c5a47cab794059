"""The plain numbers of a script that one may want to turn: learning_rate = 1e-4. No Qt."""

from __future__ import annotations

import ast
from functools import lru_cache

KNOBS_MAX = 12


@lru_cache(maxsize=8)
def knobs_of(source: str) -> tuple[str, ...]:
    """Names that the script itself, outside of functions, sets to a number that it writes out; fractions
    first."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return ()
    found: dict[str, bool] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, value = [statement.target], statement.value
        else:
            continue
        if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
            value = value.operand
        if isinstance(value, ast.Constant) and type(value.value) in (int, float):
            for target in targets:
                if isinstance(target, ast.Name):
                    found[target.id] = isinstance(value.value, float)
    return tuple(sorted(found, key=lambda name: not found[name]))[:KNOBS_MAX]
