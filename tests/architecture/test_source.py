"""House rules that can be read from the source."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    p for folder in ("engine", "app", "tests", "benchmarks") for p in (ROOT / folder).glob("**/*.py")
)
PROGRAM = [p for p in SOURCES if p.relative_to(ROOT).parts[0] in ("engine", "app")] + [ROOT / "main.py"]


def test_no_file_has_grown_past_600_lines():
    long = {
        str(p.relative_to(ROOT)): n
        for p in SOURCES
        if (n := len(p.read_text(encoding="utf-8").splitlines())) > 600
    }
    assert long == {}


@pytest.mark.parametrize("word", ["utils", "helpers", "misc", "manager"])
def test_no_module_of_ours_is_a_drawer(word):
    # torch.utils, torch.nn.utils and torchvision.utils are PyTorch's own names.
    ours = [p for p in PROGRAM if p.stem == word and p.relative_to(ROOT).parts[:2] not in
            {("engine", "utils"), ("engine", "vision"), ("engine", "nn")}]
    assert ours == []


def test_every_module_says_what_it_is():
    silent = [
        str(p.relative_to(ROOT)) for p in PROGRAM if not ast.get_docstring(ast.parse(p.read_text("utf-8")))
    ]
    assert silent == []


def test_every_public_class_and_function_of_a_module_is_documented():
    silent = []
    for path in PROGRAM:
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                if not ast.get_docstring(node):
                    silent.append(f"{path.relative_to(ROOT)}: {node.name}")
    assert silent == []


def test_nothing_evaluates_what_a_file_or_a_person_wrote():
    """eval and exec appear only where the source is made of our own parameter names, or is the person's
    own script."""
    allowed = {"engine/ops/calling.py", "engine/kernels", "engine/script.py", "engine/worker",
               "engine/__main__.py"}
    found = []
    for path in PROGRAM:
        name = str(path.relative_to(ROOT)).replace("\\", "/")
        if any(name.startswith(a) for a in allowed):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("eval", "exec")
            ):
                found.append(f"{name}:{node.lineno}")
    assert found == []
