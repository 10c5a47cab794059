"""Sequences of different lengths: packed one after the other, or padded to one length.

Source: torch.nn.utils.rnn.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import engine


class PackedSequence_(NamedTuple):
    """The fields of a PackedSequence."""

    data: Any
    batch_sizes: Any
    sorted_indices: Any
    unsorted_indices: Any


def invert_permutation(permutation: Any) -> Any:
    """The permutation that undoes the given one."""
    if permutation is None:
        return None
    output = engine.empty_like(permutation)
    output.scatter_(0, permutation, engine.arange(0, permutation.numel(), device=permutation.device))
    return output


class PackedSequence(PackedSequence_):
    """Sequences, longest first, stored step by step: all first elements, then all second ones ..."""

    __module__ = "torch.nn.utils.rnn"

    def __new__(
        cls, data: Any, batch_sizes: Any = None, sorted_indices: Any = None, unsorted_indices: Any = None
    ) -> PackedSequence:
        if batch_sizes is None and isinstance(data, (tuple, list)):
            if len(data) != 2:
                raise AssertionError(
                    f"Expected data to be a tuple of (data, batch_sizes), got {len(data)} values"
                )
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is not None and batch_sizes.device.type != "cpu":
            raise ValueError(
                "batch_sizes should always be on CPU. Make a PackedSequence with pack_sequence or "
                "pack_padded_sequence of nn.utils.rnn rather than by hand."
            )
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The sequence with its data cast or moved."""
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else self._with(data)

    def _with(self, data: Any) -> PackedSequence:
        return type(self)(data, self.batch_sizes, self.sorted_indices, self.unsorted_indices)

    def double(self) -> PackedSequence:
        """The sequence as float64."""
        return self.to(dtype=engine.double)

    def float(self) -> PackedSequence:
        """The sequence as float32."""
        return self.to(dtype=engine.float)

    def half(self) -> PackedSequence:
        """The sequence as float16."""
        return self.to(dtype=engine.half)

    def long(self) -> PackedSequence:
        """The sequence as int64."""
        return self.to(dtype=engine.long)

    def int(self) -> PackedSequence:
        """The sequence as int32."""
        return self.to(dtype=engine.int)

    def short(self) -> PackedSequence:
        """The sequence as int16."""
        return self.to(dtype=engine.short)

    def char(self) -> PackedSequence:
        """The sequence as int8."""
        return self.to(dtype=engine.int8)

    def byte(self) -> PackedSequence:
        """The sequence as uint8."""
        return self.to(dtype=engine.uint8)

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The sequence on the CPU."""
        return self.to("cpu")

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The sequence on a GPU."""
        return self.to(*(args or ("cuda",)), **kwargs)

    def pin_memory(self) -> PackedSequence:
        """The sequence in pinned memory."""
        return self._with(self.data.pin_memory())

    @property
    def is_cuda(self) -> bool:
        """Whether the data is on a GPU."""
        return self.data.is_cuda

    def is_pinned(self) -> bool:
        """Whether the data is in pinned memory."""
        return self.data.is_pinned()


def pack_padded_sequence(
    input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """A PackedSequence of padded sequences of given lengths. Shapes: (T, N, *), (N,)."""
    if not isinstance(lengths, engine.Tensor):
        lengths = engine.as_tensor(lengths, dtype=engine.int64, device="cpu")
    sorted_indices = None
    if not enforce_sorted:
        lengths, sorted_indices = engine.sort(lengths, descending=True)
        input = input.index_select(0 if batch_first else 1, sorted_indices)
    data, batch_sizes = engine._pack_padded_sequence(input, lengths, batch_first)
    return PackedSequence(data, batch_sizes, sorted_indices, None)


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple:
    """(padded sequences, lengths) of a PackedSequence. Shapes: (T, N, *), (N,)."""
    longest = sequence.batch_sizes.size(0)
    if total_length is not None:
        if total_length < longest:
            raise ValueError(
                "Expected total_length to be at least the length "
                "of the longest sequence in input, but got "
                f"total_length={total_length} and max sequence length being {longest}"
            )
        longest = total_length
    padded, lengths = engine._pad_packed_sequence(
        sequence.data, sequence.batch_sizes, batch_first, padding_value, longest
    )
    order = sequence.unsorted_indices
    if order is None:
        return padded, lengths
    return padded.index_select(0 if batch_first else 1, order), lengths[order.cpu()]


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Any:
    """Sequences of different lengths in one tensor. Shapes: list of (L, *) → (T, N, *)."""
    if isinstance(sequences, engine.Tensor):
        sequences = list(sequences)
    elif not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    sequences = list(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    longest = max(s.size(0) for s in sequences)
    rest = tuple(sequences[0].size()[1:])
    shape = (len(sequences), longest) if batch_first else (longest, len(sequences))
    out = engine.full((*shape, *rest), padding_value, dtype=sequences[0].dtype, device=sequences[0].device)
    for i, s in enumerate(sequences):
        n = s.size(0)
        start = longest - n if padding_side == "left" else 0
        row = out.select(0 if batch_first else 1, i)
        row.narrow(0, start, n).copy_(s)
    return out


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list:
    """The sequences that pad_sequence was given."""
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    longest = padded_sequences.shape[1]
    places = engine.arange(longest, device=lengths.device)
    return [sequence[places < length] for sequence, length in zip(padded_sequences, lengths)]


def pack_sequence(sequences: list, enforce_sorted: bool = True) -> PackedSequence:
    """A PackedSequence of sequences of different lengths."""
    lengths = engine.as_tensor([s.size(0) for s in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list:
    """The sequences that pack_sequence was given."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
