"""Names that tutorials call, each used in a typical way: the engine's result beside PyTorch's."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

torch = pytest.importorskip("torch")

from tests.conformance import api_use

SNIPPETS = api_use.snippets()


@pytest.mark.parametrize("name", list(SNIPPETS))
def test_a_name_works_as_pytorchs(name: str) -> None:
    if name.startswith("torchvision") and find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    row = api_use.check(name, SNIPPETS[name])
    assert not row["first"]
    assert not row["raises"], "PyTorch itself refuses this use"


def test_the_comparison_sees_numbers_types_and_graphs() -> None:
    x, y = torch.ones(2, requires_grad=True), api_use.engine.ones(2, requires_grad=True)
    assert api_use.difference(x * 2, y * 2) is None
    assert api_use.difference(x * 2, y * 2.1)
    assert api_use.difference(x * 2, (y * 2).detach())
    assert api_use.difference(x * 2, (y * 2).double())
    assert api_use.difference([x, 1], [y, 2])
    assert api_use.difference("Linear(in_features=2)", "Linear(in_features=3)")
