"""The samples with a planted fault do and print the same on PyTorch and on the engine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parents[2]
FAULTS = (
    "dead_relu",
    "forgotten_zero_grad",
    "changed_in_place",
    "detached",
    "integer_input",
    "log_of_zero",
    "masked_division",
    "exploding_rnn",
)


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit status, what was printed, and the first words of the last line of the error."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    last = done.stderr.strip().rpartition("\n")[2]
    return done.returncode, done.stdout, last.partition(" Hint")[0]


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_sample_does_the_same_on_both(name: str) -> None:
    script = f"resources/samples/{name}.py"
    status, printed, error = run("-m", "engine", script)
    assert run(script) == (status, printed, error)
    assert (status != 0) == (name == "changed_in_place")
