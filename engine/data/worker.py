"""The child processes of a loader: each fetches and collates the batches it is told to."""

from __future__ import annotations

import os
import queue
import random
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from typing import Any, NamedTuple

import numpy as np

import engine

torch: Any = engine

CHECK_INTERVAL_S = 5.0


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """Which worker this process is, of how many, with which seed and data set."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """What this worker process is; None in the main process."""
    return _info


class Plan(NamedTuple):
    """How to get from indices to a batch."""

    iterable: bool
    dataset: Any
    batched: bool
    collate: Callable
    drop_last: bool

    def fetcher(self) -> Callable[[Any], Any]:
        """A function from indices to the batch; StopIteration where a stream has ended."""
        return self._from_stream() if self.iterable else self._from_indices

    def _from_indices(self, wanted: Any) -> Any:
        dataset = self.dataset
        if not self.batched:
            return self.collate(dataset[wanted])
        several = getattr(dataset, "__getitems__", None)
        return self.collate(several(wanted) if several else [dataset[i] for i in wanted])

    def _from_stream(self) -> Callable[[Any], Any]:
        stream = iter(self.dataset)
        ended = False

        def fetch(wanted: Any) -> Any:
            nonlocal ended
            if ended:
                raise StopIteration
            if not self.batched:
                return self.collate(next(stream))
            samples = []
            for _ in wanted:
                try:
                    samples.append(next(stream))
                except StopIteration:
                    ended = True
                    break
            if not samples or (self.drop_last and len(samples) < len(wanted)):
                raise StopIteration
            return self.collate(samples)

        return fetch


class Failure:
    """An error of a worker with its traceback as text, to be raised in the main process."""

    def __init__(self, where: str) -> None:
        self.kind: Any = sys.exc_info()[0] or RuntimeError
        self.text = f"Caught {self.kind.__name__} {where}.\nOriginal {traceback.format_exc()}"

    def reraise(self) -> None:
        """Raise the error again, with the worker's traceback in its message."""
        if self.kind is KeyError:
            raise KeyError(_Verbatim(self.text))
        try:
            error = self.kind(self.text)
        except Exception:
            raise RuntimeError(self.text) from None
        raise error


class _Verbatim(str):
    """A text that a KeyError shows with its line breaks."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class StreamEnded(NamedTuple):
    """What a worker answers when its stream has no more samples."""

    worker: int


class Again(NamedTuple):
    """What a persistent worker is told, and answers, when a new pass begins."""

    worker: int = -1


def _packed(data: Any, where: str) -> Any:
    """The batch as bytes; what cannot be sent is an error that the main process shows."""
    if isinstance(data, (Failure, StreamEnded)):
        return data
    try:
        return bytes(ForkingPickler.dumps(data))
    except Exception:
        return Failure(where)


def work(
    plan: Plan, tasks: Any, results: Any, done: Any, base_seed: int, init: Any, number: int, count: int
) -> None:
    """Serve `tasks` until None comes or the parent is gone: (i, indices) in, (i, batch) out."""
    global _info
    try:
        random.seed(base_seed + number)
        torch.manual_seed(base_seed + number)
        halves = [number, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
        np.random.seed(np.random.SeedSequence(halves).generate_state(4))
        _info = WorkerInfo(number, count, base_seed + number, plan.dataset)
        where = f"in DataLoader worker process {number}"
        broken: Any = None
        try:
            if init is not None:
                init(number)
            fetch = plan.fetcher()
        except Exception:
            broken = Failure(where)
        parent = os.getppid()
        ended = False
        while os.getppid() == parent:
            try:
                task = tasks.get(timeout=CHECK_INTERVAL_S)
            except queue.Empty:
                continue
            if task is None:
                break
            if isinstance(task, Again):
                results.put((Again(number), None))
                ended = False
                fetch = plan.fetcher()
                continue
            if done.is_set() or ended:
                continue
            place, wanted = task
            data: Any
            if broken is not None:
                data, broken = broken, None
            else:
                try:
                    data = fetch(wanted)
                except Exception as e:
                    if isinstance(e, StopIteration) and plan.iterable:
                        data, ended = StreamEnded(number), True
                    else:
                        data = Failure(where)
            results.put((place, _packed(data, where)))
            del data, task
    except KeyboardInterrupt:
        pass  # the main process shows it
    if done.is_set():
        results.cancel_join_thread()
        results.close()
