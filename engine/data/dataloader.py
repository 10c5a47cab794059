"""DataLoader: batches of a data set, in this process or from worker processes."""

from __future__ import annotations

import itertools
import math
import multiprocessing
import multiprocessing.context
import os
import pickle
import queue
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import engine
from engine.data.collate import default_collate, default_convert
from engine.data.dataset import IterableDataset
from engine.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler, random_seed
from engine.data.worker import CHECK_INTERVAL_S, Again, Failure, Plan, StreamEnded, get_worker_info, work

torch: Any = engine

T_co = TypeVar("T_co", covariant=True)

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]


class _DatasetKind:
    """The two kinds of data sets by number."""

    Map = 0
    Iterable = 1


class _InfiniteConstantSampler(Sampler):
    """None without end: a stream needs no indices."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


class DataLoader(Generic[T_co]):
    """Iterates over a data set in batches.

    Args:
        dataset: by index (`__getitem__`, `__len__`) or a stream (IterableDataset).
        batch_size: samples a batch; None gives single samples.
        shuffle: a new random order for each pass.
        num_workers: child processes that fetch ahead; 0 fetches here.
    Source: torch.utils.data.DataLoader, whose draws from the random stream it repeats.
    """

    __initialized = False
    _FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = 2 if num_workers > 0 and prefetch_factor is None else prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order
        stream = isinstance(dataset, IterableDataset)
        self._dataset_kind = _DatasetKind.Iterable if stream else _DatasetKind.Map
        if stream:
            for name, value in (
                ("shuffle", shuffle or None),
                ("sampler", sampler),
                ("batch_sampler", batch_sampler),
            ):
                if value is not None:
                    raise ValueError(
                        f"DataLoader with IterableDataset: expected unspecified {name} option, but got "
                        f"{name}={value}"
                    )
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and "
                    "drop_last"
                )
            batch_size, drop_last = None, False
        elif batch_size is None and drop_last:
            raise ValueError(
                "batch_size=None option disables auto-batching and is mutually exclusive with drop_last"
            )
        if sampler is None:
            if stream:
                sampler = _InfiniteConstantSampler()
            elif shuffle:
                sampler = RandomSampler(dataset, generator=generator)
            else:
                sampler = SequentialSampler(dataset)
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.generator = generator
        self.collate_fn = collate_fn or (default_collate if self._auto_collation else default_convert)
        self.persistent_workers = persistent_workers
        self.__initialized = True
        self._IterableDataset_len_called: int | None = None
        self._iterator: Any = None
        self.check_worker_number_rationality()

    @property
    def multiprocessing_context(self) -> Any:
        """The context that makes the worker processes; None is the platform's own."""
        return self.__multiprocessing_context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context: Any) -> None:
        if context is not None:
            if self.num_workers == 0:
                raise ValueError(
                    "multiprocessing_context can only be used with multi-process loading (num_workers > 0), "
                    f"but got num_workers={self.num_workers}"
                )
            if isinstance(context, str):
                known = multiprocessing.get_all_start_methods()
                if context not in known:
                    raise ValueError(
                        "multiprocessing_context option should specify a valid start method in "
                        f"{known!r}, but got multiprocessing_context={context!r}"
                    )
                context = multiprocessing.get_context(context)
            if not isinstance(context, multiprocessing.context.BaseContext):
                raise TypeError(
                    "multiprocessing_context option should be a valid context object or a string specifying "
                    f"the start method, but got multiprocessing_context={context}"
                )
        self.__multiprocessing_context = context

    def __setattr__(self, attr: str, val: Any) -> None:
        if self.__initialized and attr in self._FIXED:
            raise ValueError(
                f"{attr} attribute should not be set after {type(self).__name__} is initialized"
            )
        super().__setattr__(attr, val)

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        return self.batch_sampler if self._auto_collation else self.sampler

    def __iter__(self) -> Any:
        if self.num_workers == 0:
            return _HereIterator(self)
        if not self.persistent_workers:
            return _WorkerIterator(self)
        if self._iterator is None:
            self._iterator = _WorkerIterator(self)
        else:
            self._iterator._reset(self)
        return self._iterator

    def __len__(self) -> int:
        if self._dataset_kind == _DatasetKind.Map:
            return len(self._index_sampler)
        length = self._IterableDataset_len_called = len(self.dataset)
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else math.ceil(length / self.batch_size)

    def check_worker_number_rationality(self) -> None:
        """Warn if there are to be more workers than processors."""
        if not self.num_workers:
            return
        processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        if processors is None or self.num_workers > processors:
            known = "" if hasattr(os, "sched_getaffinity") else " (`cpuset` is not taken into account)"
            suggestion = (
                "DataLoader is not able to compute a suggested max number of worker in current system."
                if processors is None
                else f"Our suggested max number of worker in current system is {processors}{known}, which is "
                "smaller than what this DataLoader is going to create."
            )
            warnings.warn(
                f"This DataLoader will create {self.num_workers} worker processes in total. {suggestion} "
                "Please "
                "be aware that excessive worker creation might get DataLoader running slow or even freeze, "
                "lower the worker number to avoid potential slowness/freeze if necessary.",
                stacklevel=3,
            )


def _check_workers(count: int, timeout: float, prefetch: int | None, persistent: bool) -> None:
    if count < 0:
        raise ValueError(
            "num_workers option should be non-negative; use num_workers=0 to disable multiprocessing."
        )
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if count == 0 and prefetch is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing.let num_workers > 0 to enable "
            "multiprocessing, otherwise set prefetch_factor to None."
        )
    if prefetch is not None and prefetch < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent and count == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")


class _BaseDataLoaderIter:
    """One pass over a loader."""

    def __init__(self, loader: DataLoader) -> None:
        self._loader_length = loader._IterableDataset_len_called
        self._iterable = loader._dataset_kind == _DatasetKind.Iterable
        self._dataset = loader.dataset
        self._plan = Plan(
            self._iterable, loader.dataset, loader._auto_collation, loader.collate_fn, loader.drop_last
        )
        self._index_sampler = loader._index_sampler
        self._num_workers = loader.num_workers
        if loader.pin_memory and not torch.cuda.is_available():
            warnings.warn(
                "'pin_memory' argument is set as true but no accelerator is found, then device pinned memory "
                "won't be used.",
                stacklevel=4,
            )
        self._timeout = loader.timeout
        self._sampler_iter = iter(self._index_sampler)
        self._base_seed = random_seed(loader.generator)
        self._num_yielded = 0

    def __iter__(self) -> Any:
        return self

    def _next_data(self) -> Any:
        raise NotImplementedError

    def __next__(self) -> Any:
        data = self._next_data()
        self._num_yielded += 1
        said = self._loader_length
        if self._iterable and said is not None and self._num_yielded > said:
            advice = (
                "For multiprocessing data-loading, this could be caused by not properly configuring the "
                "IterableDataset replica at each worker. Please see "
                "https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset for examples."
                if self._num_workers > 0
                else ""
            )
            warnings.warn(
                f"Length of IterableDataset {self._dataset} was reported to be {said}(when accessing "
                f"len(dataloader)), but {self._num_yielded} samples have been fetched. {advice}",
                stacklevel=2,
            )
        return data

    def next(self) -> Any:
        """The next batch, as scripts of old wrote it."""
        return self.__next__()

    def __len__(self) -> int:
        return len(self._index_sampler)

    def __getstate__(self) -> Any:
        raise NotImplementedError("{} cannot be pickled", type(self).__name__)


class _HereIterator(_BaseDataLoaderIter):
    """Fetches in this process."""

    def __init__(self, loader: DataLoader) -> None:
        super().__init__(loader)
        self._fetch = self._plan.fetcher()

    def _next_data(self) -> Any:
        return self._fetch(next(self._sampler_iter))


class _WorkerIterator(_BaseDataLoaderIter):
    """Hands indices to worker processes in turn and takes the batches in the order of the indices."""

    def __init__(self, loader: DataLoader) -> None:
        super().__init__(loader)
        self._persistent = loader.persistent_workers
        self._in_order = loader.in_order
        self._ahead = (loader.prefetch_factor or 1) * self._num_workers
        context: Any = loader.multiprocessing_context or _default_context()
        self._shut = False
        self._results = context.Queue()
        self._done = context.Event()
        self._tasks: list[Any] = []
        self._workers: list[Any] = []
        for number in range(self._num_workers):
            tasks = context.Queue()
            tasks.cancel_join_thread()
            worker = context.Process(
                target=work,
                args=(self._plan, tasks, self._results, self._done, self._base_seed, loader.worker_init_fn,
                      number, self._num_workers),
                daemon=True,
            )  # fmt: skip
            worker.start()
            self._tasks.append(tasks)
            self._workers.append(worker)
        self._reset(loader, first=True)

    def _reset(self, loader: DataLoader, first: bool = False) -> None:
        self._sampler_iter = iter(self._index_sampler)
        self._num_yielded = 0
        self._loader_length = loader._IterableDataset_len_called
        self._sent, self._next_place = 0, 0
        self._turn = itertools.cycle(range(self._num_workers))
        self._open = [True] * self._num_workers
        self._busy = [0] * self._num_workers
        if not first:
            for tasks in self._tasks:
                tasks.put(Again())
            missing = self._num_workers
            while missing:
                place, _ = self._receive()
                missing -= isinstance(place, Again)
        self._worker_of: dict[int, int] = {}
        self._arrived: dict[int, Any] = {}
        for _ in range(self._ahead):
            self._send()

    def _send(self) -> None:
        try:
            wanted = next(self._sampler_iter)
        except StopIteration:
            return
        for _ in range(self._num_workers):
            number = next(self._turn)
            if self._open[number] and (
                self._in_order or self._busy[number] < self._ahead // sum(self._open)
            ):
                break
        else:
            return
        self._tasks[number].put((self._sent, wanted))
        self._worker_of[self._sent] = number
        self._busy[number] += 1
        self._sent += 1

    def _receive(self) -> Any:
        while True:
            try:
                return self._results.get(timeout=self._timeout or CHECK_INTERVAL_S)
            except queue.Empty:
                dead = [
                    str(w.pid) for n, w in enumerate(self._workers) if self._open[n] and not w.is_alive()
                ]
                if dead:
                    self._shutdown_workers()
                    raise RuntimeError(
                        f"DataLoader worker (pid(s) {', '.join(dead)}) exited unexpectedly"
                    ) from None
                if self._timeout > 0:
                    raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds") from None

    def _next_data(self) -> Any:
        while True:
            while self._next_place < self._sent and not self._is_coming(self._next_place):
                self._worker_of.pop(self._next_place, None)
                self._next_place += 1
            if self._next_place >= self._sent:
                if not self._persistent:
                    self._shutdown_workers()
                raise StopIteration
            if self._next_place in self._arrived:
                place = self._next_place
                self._next_place += 1
                return self._hand_out(place, self._arrived.pop(place))
            place, data = self._receive()
            if isinstance(data, StreamEnded):
                self._open[data.worker] = False
                if not self._persistent:
                    self._tasks[data.worker].put(None)
                self._worker_of.pop(place, None)
                self._send()
            elif place == self._next_place or not self._in_order:
                self._next_place += place == self._next_place
                return self._hand_out(place, data)
            else:
                self._arrived[place] = data

    def _is_coming(self, place: int) -> bool:
        """Whether the batch of this place is here or will be; a worker whose stream ended sends no more."""
        if place in self._arrived:
            return True
        number = self._worker_of.get(place)
        return number is not None and self._open[number]

    def _hand_out(self, place: int, data: Any) -> Any:
        self._busy[self._worker_of.pop(place)] -= 1
        self._send()
        if isinstance(data, Failure):
            data.reraise()
        return pickle.loads(data)

    def _shutdown_workers(self) -> None:
        if getattr(self, "_shut", True):
            return
        self._shut = True
        self._done.set()
        for tasks in self._tasks:
            tasks.put(None)
        for worker in self._workers:
            worker.join(timeout=CHECK_INTERVAL_S)
        for tasks in self._tasks:
            tasks.cancel_join_thread()
            tasks.close()
        for worker in self._workers:
            if worker.is_alive():
                worker.terminate()
                worker.join(timeout=CHECK_INTERVAL_S)
        self._results.close()

    def __del__(self) -> None:
        self._shutdown_workers()


def _default_context() -> Any:
    """Fork where there is fork: a script at module level needs no guard then."""
    if (
        multiprocessing.get_start_method(allow_none=True) is None
        and "fork" in multiprocessing.get_all_start_methods()
    ):
        return multiprocessing.get_context("fork")
    return multiprocessing
