"""A backward that is stepped: every way back leads to the same bits, whatever memory it may use."""

from __future__ import annotations

import pytest

import engine as torch
from engine.autograd import modes
from engine.recorders.digest import digest_of
from engine.recorders.name import ModuleNames
from engine.recorders.structure import Structures, order_of
from engine.recorders.walk import BackwardWalk


class Watcher:
    """An observer that hands each backward to a function."""

    def __init__(self, conduct) -> None:
        self.structures = Structures(ModuleNames())
        self.conduct = conduct

    def drive(self, run) -> None:
        structure, _ = self.structures.of(run, None)
        self.conduct(BackwardWalk(run, 0, structure))

    def __getattr__(self, name: str):
        return lambda *_: None


@pytest.fixture
def watched():
    def watch(conduct) -> None:
        modes.observer = Watcher(conduct)

    yield watch
    modes.observer = None


def graph():
    torch.manual_seed(3)
    w = torch.randn(3, 3, requires_grad=True)
    w.grad = torch.ones(3, 3)
    h = torch.ones(2, 3)
    for _ in range(4):
        h = torch.tanh(h @ w + h)
    return w, (h * h).sum()


def bits(walk: BackwardWalk, w) -> tuple:
    pending = {
        walk.structure.index[n]: [None if g is None else g.tolist() for g in b]
        for n, b in walk.run.buffers.items()
    }
    return walk.index, pending, w.grad.tolist()


@pytest.mark.parametrize("budget", [1 << 30, 100, 0])
def test_every_earlier_position_is_reached_again_bit_by_bit(watched, budget: int) -> None:
    w, loss = graph()

    def conduct(walk: BackwardWalk) -> None:
        walk.budget_bytes = budget
        walk.keep()
        seen = [bits(walk, w)]
        while walk.node is not None:
            walk.step()
            seen.append(bits(walk, w))
        for position in reversed(range(walk.count)):
            assert walk.back_to(position)
            assert bits(walk, w) == seen[position]
            walk.step()
            assert bits(walk, w) == seen[position + 1]
        assert walk.back_to(0) and not walk.back_to(5)
        walk.run.finish()

    watched(conduct)
    held = w.grad
    loss.backward()
    modes.observer = None
    assert w.grad is held
    again, loss = graph()
    loss.backward()
    assert w.grad.tolist() == again.grad.tolist()


def test_the_order_is_known_before_the_walk(watched) -> None:
    _, loss = graph()

    def conduct(walk: BackwardWalk) -> None:
        told = [walk.structure.index[n] for n in order_of(walk.run)]
        went = []
        while walk.node is not None:
            went.append(walk.index)
            walk.skip()
        assert went == told == list(walk.structure.definition.order)

    watched(conduct)
    loss.backward()


def test_the_same_structure_has_the_same_hash_and_is_told_once(watched) -> None:
    told = []

    class Once(Watcher):
        def drive(self, run) -> None:
            structure, new = self.structures.of(run, None)
            told.append((structure.definition.hash, new))
            run.finish()

    modes.observer = Once(None)
    for _ in range(3):
        graph()[1].backward()
    graph()[1].exp().backward()
    assert [new for _, new in told] == [True, False, False, True]
    assert len({hash for hash, _ in told}) == 2


def test_a_digest_counts_what_is_not_a_number() -> None:
    digest = digest_of(torch.tensor([3.0, -4.0, 0.0, float("nan"), float("inf")])._a)
    assert (digest.norm, digest.min, digest.max, digest.zeros, digest.negatives) == (5.0, -4.0, 3.0, 1, 1)
    assert (digest.nans, digest.infs, digest.shape, digest.dtype) == (1, 1, (5,), "float32")
    for kind, name in ((torch.bfloat16, "bfloat16"), (torch.bool, "bool"), (torch.int64, "int64")):
        assert digest_of(torch.ones(2, dtype=kind)._a).dtype == name
    assert digest_of(torch.ones(0)._a).shape == (0,)
    assert digest_of(None) is None
