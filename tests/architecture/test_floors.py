"""Imports go down only. Read from the source, so that nothing has to run."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted([*ROOT.glob("engine/**/*.py"), *ROOT.glob("app/**/*.py")])
QT = {"PySide6", "pyqtgraph", "shiboken6"}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path, *, deep: bool = True) -> set[str]:
    """Names of imported modules; deep counts imports inside functions too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if deep else tree.body
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found.update(a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found.update(f"{node.module}.{a.name}" for a in node.names)
    return found


def offenders(paths: list[Path], forbidden, *, deep: bool = True) -> list[str]:
    return [f"{module_of(p)} imports "
            f"{i}" for p in paths for i in sorted(imports_of(p, deep=deep)) if forbidden(i)]


def under(i: str, *roots: str) -> bool:
    return any(i == r or i.startswith(r + ".") for r in roots)


def test_the_engine_knows_neither_qt_nor_the_app():
    engine = [p for p in SOURCES if module_of(p).startswith("engine")]
    assert offenders(engine, lambda i: i.split(".")[0] in QT or under(i, "app")) == []


def test_the_app_knows_of_the_engine_nothing_but_the_protocol():
    app = [p for p in SOURCES if module_of(p).startswith("app")]
    assert (
        offenders(app, lambda i: under(i, "engine") and i != "engine" and not under(i, "engine.protocol"))
        == []
    )


def test_nothing_imports_the_real_torch():
    assert offenders(SOURCES, lambda i: i.split(".")[0] in ("torch", "torchvision")) == []


def test_session_layout_and_lessons_are_free_of_qt():
    thinking = [p for p in SOURCES if under(module_of(p), "app.session", "app.layout", "app.lessons")]
    assert thinking
    assert offenders(thinking, lambda i: i.split(".")[0] in QT) == []


def test_canvases_and_docks_do_not_import_each_other():
    canvases = [p for p in SOURCES if under(module_of(p), "app.canvases")]
    docks = [p for p in SOURCES if under(module_of(p), "app.docks")]
    assert offenders(canvases, lambda i: under(i, "app.docks", "app.shell")) == []
    assert offenders(docks, lambda i: under(i, "app.canvases", "app.shell")) == []


FLOORS = [
    ("engine.protocol", "engine.core"),
    # Tensor itself loads with autograd and the core alone; the records fill it later.
    ("engine.ops", "engine.kernels", "engine.autograd", "engine.tensor"),
    ("engine.faces", "engine.nn", "engine.optim", "engine.data", "engine.vision",
     "engine.serialization", "engine.distributions"),
    ("engine.recorders",),
    ("engine.worker", "engine.torch_alias"),
]


def floor_of(name: str) -> int:
    for number, packages in enumerate(FLOORS):
        if under(name, *packages):
            return number
    return -1


def test_the_engine_imports_downwards_when_it_loads():
    """At load time no module needs one of a higher floor; inside a function a face may be asked for by
    name."""
    wrong = []
    for path in SOURCES:
        here = floor_of(module_of(path))
        if here < 0:
            continue
        for i in imports_of(path, deep=False):
            there = floor_of(i)
            if there > here:
                wrong.append(f"{module_of(path)} (floor {here}) imports {i} (floor {there})")
    assert wrong == []


def test_the_protocol_and_the_core_need_nothing_else_of_the_engine():
    for package in ("engine.protocol", "engine.core"):
        paths = [p for p in SOURCES if under(module_of(p), package)]
        assert paths
        assert (
            offenders(paths, lambda i, p=package: under(i, "engine") and i != "engine" and not under(i, p))
            == []
        )
