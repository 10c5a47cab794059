"""What is typed: python -m engine, main.py record and render."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.link.child import ROOT
from tests.end_to_end.scripts import regression

PLAIN = """import sys
print(__name__, sys.argv[1:], __file__ == sys.argv[0])
def f():
    raise ValueError('no')
if len(sys.argv) > 1 and sys.argv[1] == 'exit':
    sys.exit(int(sys.argv[2]))
if len(sys.argv) > 1 and sys.argv[1] == 'say':
    sys.exit('a message')
if len(sys.argv) > 1:
    try:
        f()
    except ValueError as e:
        raise KeyError('other') from e
"""


def run(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=60,
        env=environment,
    )


@pytest.mark.parametrize(
    "arguments", [[], ["exit", "7"], ["say"], ["raise"]], ids=lambda a: " ".join(a) or "plain"
)
def test_a_script_runs_as_under_plain_python(tmp_path: Path, arguments: list[str]) -> None:
    script = tmp_path / "a.py"
    script.write_text(PLAIN)
    plain, ours = run(script, *arguments), run("-m", "engine", script, *arguments)
    assert (ours.returncode, ours.stdout, ours.stderr) == (plain.returncode, plain.stdout, plain.stderr)


def test_a_syntax_error_is_shown_as_under_plain_python(tmp_path: Path) -> None:
    script = tmp_path / "a.py"
    script.write_text("print(1)\nx = = 2\n")
    plain, ours = run(script), run("-m", "engine", script)
    assert (ours.returncode, ours.stderr) == (plain.returncode, plain.stderr)


def test_a_missing_script_is_said_so() -> None:
    ours = run("-m", "engine", "/no/such/script.py")
    assert ours.returncode == 2 and "can't open file '/no/such/script.py'" in ours.stderr


def test_torch_is_the_engine_one_object_per_module(tmp_path: Path) -> None:
    script = tmp_path / "a.py"
    script.write_text(
        "import torch, engine\n"
        "import torch.autograd\n"
        "from torch.autograd import backward\n"
        "import engine.autograd\n"
        "assert torch is engine and torch.autograd is engine.autograd\n"
        "assert backward is engine.autograd.backward\n"
        "assert engine.autograd.__spec__.name == 'engine.autograd'\n"
        "try:\n    import torch.no_such_part\nexcept ModuleNotFoundError as e:\n    print(e)\n"
    )
    ours = run("-m", "engine", script)
    assert (ours.stdout, ours.stderr) == ("No module named 'torch.no_such_part'\n", "")


def test_the_modules_that_scripts_import_are_there(tmp_path: Path) -> None:
    script = tmp_path / "a.py"
    script.write_text(
        "import torch, engine\n"
        "import torch.nn as nn\nimport torch.nn.functional as F\nimport torch.optim as optim\n"
        "from torch.utils.data import DataLoader\n"
        "assert nn is engine.nn and F is nn.functional and optim is engine.optim\n"
        "import engine.utils.data\nassert DataLoader is engine.utils.data.DataLoader\n"
    )
    assert run("-m", "engine", script).stderr == ""


def test_record_keeps_a_run_and_render_draws_it(tmp_path: Path) -> None:
    script, kept = tmp_path / "a.py", tmp_path / "a.run"
    script.write_text(regression(4))
    made = run(ROOT / "main.py", "record", script, "-o", kept)
    assert made.returncode == 0 and made.stdout.endswith("done\n")
    picture = tmp_path / "graph.svg"
    drawn = run(ROOT / "main.py", "render", kept, "-o", picture, "--backward", "2")
    assert (drawn.returncode, drawn.stderr) == (0, "")
    assert "<svg" in picture.read_text()


def test_render_says_what_is_wrong(tmp_path: Path) -> None:
    script, kept = tmp_path / "a.py", tmp_path / "a.run"
    script.write_text(regression(2))
    assert run(ROOT / "main.py", "record", script, "-o", kept).returncode == 0
    for words, message in (
        ((kept, "-o", "a.gif"), ".svg, .png, .pdf or .dot"),
        ((kept, "-o", "a.svg", "--backward", "9"), "there is no backward 9; it has 0 to 1"),
        ((script, "-o", "a.svg"), "is not a Gradwalk recording"),
        ((tmp_path / "none", "-o", "a.svg"), "No such file"),
    ):
        wrong = run(ROOT / "main.py", "render", *words, cwd=tmp_path)
        assert wrong.returncode == 1 and message in wrong.stderr and wrong.stderr.count("\n") == 1


def test_a_recorded_script_that_raises_keeps_its_failure(tmp_path: Path) -> None:
    from app.session.recording import Recording
    from app.session.session import Session

    script, kept = tmp_path / "a.py", tmp_path / "a.run"
    script.write_text("print('one')\nraise RuntimeError('two')\n")
    made = run(ROOT / "main.py", "record", script, "-o", kept)
    assert made.returncode == 1 and "RuntimeError: two" in made.stderr
    session = Session()
    session.open_recording(Recording(kept))
    assert session.state == "failed" and session.failure is not None and session.failure.line == 2
