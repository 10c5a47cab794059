"""A short formula as one line of plain text, for the quiet line under a node's name."""

from __future__ import annotations

import re
from functools import lru_cache

_SIGNS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "theta": "θ", "lambda": "λ",
    "mu": "μ",
    "pi": "π", "sigma": "σ", "tau": "τ", "psi": "ψ", "Sigma": "Σ", "Lambda": "Λ", "Gamma": "Γ", "sum": "Σ",
    "prod": "∏", "cdot": "·", "times": "×", "star": "⋆", "to": "→", "leftarrow": "←", "in": "∈", "ne": "≠",
    "notin": "∉", "ldots": "…", "lVert": "‖", "rVert": "‖", "lfloor": "⌊", "rfloor": "⌋", "lnot": "¬",
    "sim": "∼", "partial": "∂", "|": "‖",
}
_WORDS = {"tanh", "sinh", "cosh", "sin", "cos", "tan", "log", "ln", "exp", "max", "min", "det", "gcd", "arg"}
_HIGH = dict(zip("0123456789+-=()nijkTHp", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱʲᵏᵀᴴᵖ", strict=True))
_LOW = dict(zip("0123456789+-=()aeijknoprstux", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑᵢⱼₖₙₒₚᵣₛₜᵤₓ", strict=True))


@lru_cache(maxsize=1024)
def plain_formula(latex: str) -> str:
    """'y = max(0, x)' for r'y = \\max(0, x)'; '' where a formula does not go on one line."""
    text = re.sub(r"\\[,;! ]", " ", latex)
    text = re.sub(r"\\(left|right)\b", "", text)
    text = re.sub(r"\\(mathrm|operatorname|text)\{([^{}]*)\}", r"\2", text)
    for _ in range(3):
        text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", _fraction, text)
        text = re.sub(r"\\sqrt\{([^{}]*)\}", r"√(\1)", text)
        text = re.sub(r"\\(?:bar|overline)(?:\{(\w)\}| (\w))", lambda m: (m[1] or m[2]) + "\u0304", text)
        text = re.sub(r"([\^_])(?:\{([^{}\\]*)\}|(\w))", _script, text)
    text = re.sub(r"\\([A-Za-z]+|\|)", lambda m: m[1] if m[1] in _WORDS else _SIGNS.get(m[1], m[0]), text)
    if re.search(r"[\\{}^_]", text):
        return ""
    text = re.sub(r"Σ\s*([ᵢⱼₖₙₜ]*) ?", r"Σ\1 ", text)
    return re.sub(r" {2,}", " ", text).strip()


def _fraction(match: re.Match[str]) -> str:
    parts = [part if re.fullmatch(r"-?[\w\\.|]+", part) else f"({part})" for part in match.groups()]
    return "/".join(parts)


def _script(match: re.Match[str]) -> str:
    letters = match[2] if match[2] is not None else match[3]
    table = _HIGH if match[1] == "^" else _LOW
    if letters and all(letter in table for letter in letters):
        return "".join(table[letter] for letter in letters)
    return match[0]
