"""A driver whose child is gone after each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.end_to_end.driving import Driver


@pytest.fixture
def driver() -> Iterator[Driver]:
    made = Driver()
    yield made
    assert made.link.close(), "a child or its threads were left behind"
