"""The numbers of a script that can be turned."""

from __future__ import annotations

from app.session.knob import knobs_of


def test_numbers_that_the_script_writes_out_are_found_fractions_first() -> None:
    source = (
        "import torch\nepochs = 20\nlearning_rate = 1e-4\nflag = True\nname = 'x'\nmomentum: float = 0.9\n"
        "shift = -0.5\nx = torch.randn(3)\nfor t in range(3):\n    inner = 1.0\ndef f():\n    local = 2.0\n"
    )
    assert knobs_of(source) == ("learning_rate", "momentum", "shift", "epochs")


def test_a_script_that_is_no_python_has_none() -> None:
    assert knobs_of("def (") == ()
