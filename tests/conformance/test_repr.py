"""What is printed, beside PyTorch, character for character."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from tests.conformance import representations

TEXTS = dict(representations.texts())


@pytest.mark.parametrize("what", list(TEXTS))
def test_a_text_is_pytorchs(what: str) -> None:
    assert representations.difference(TEXTS[what]) is None


def test_there_are_tensors_of_every_type_and_option() -> None:
    names = [n for n in TEXTS if n.startswith("tensor ")]
    assert len(names) >= 400
    for option in representations.OPTIONS:
        assert any(n.endswith(f" {option}") for n in names)
