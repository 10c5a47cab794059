"""The random stream: Mersenne Twister with PyTorch's seeding, state layout and order of draws.

A generator hands out 32-bit words; ``engine.core.draw`` turns words into samples. The twister itself is
numpy's (loaded at the first draw, so that importing the engine stays cheap), and its state is read and
written in place, which makes saving and going back to a point of the stream a copy of 2.5 kB.

Source: https://docs.pytorch.org/docs/stable/generated/torch.Generator.html
"""

from __future__ import annotations

import ctypes
import math
import os
from typing import Any

import numpy as np

__all__ = ["DEFAULT_SEED", "STATE_BYTES", "Generator", "default_generator"]

DEFAULT_SEED = 67280421310721
STATE_BYTES = 5056
_WORDS = 624
# The bytes of PyTorch's saved state: seed, position, 624 words widened to 64 bits, and the two normal
# samples (one double, one float) that a Box-Muller pair may have left over.
_LAYOUT = np.dtype(
    {
        "names": [
            "seed",
            "left",
            "seeded",
            "next",
            "words",
            "normal_x",
            "normal",
            "normal_rho",
            "has_normal",
            "float_normal",
            "has_float_normal",
        ],
        "formats": ["<u8", "<i4", "<i4", "<u8", ("<u8", _WORDS), "<f8", "<f8", "<f8", "<i4", "<f4", "?"],
        "offsets": [0, 8, 12, 16, 24, 5016, 5024, 5032, 5040, 5048, 5052],
        "itemsize": STATE_BYTES,
    }
)


def _same(value: Any) -> Any:
    return value


class Generator:
    """A source of random words that repeats exactly from the same seed, as ``torch.Generator``.

    Raises: ValueError for a seed outside 64 bits, RuntimeError for a device or seed of another kind.
    """

    # The floor above sets these two, so that saved states are Tensors there and arrays here.
    present_state: Any = staticmethod(_same)
    read_state: Any = staticmethod(_same)
    present_device: Any = staticmethod(_same)

    def __init__(self, device: Any = "cpu") -> None:
        name = str(device)
        if name.split(":")[0] != "cpu":
            raise RuntimeError(f"Generator: the random stream lives on the CPU, and device is {name!r}")
        self._seed = DEFAULT_SEED
        self._bits: Any = None
        self.fresh = True
        self.next_normal: float | None = None
        self.next_float_normal: float | None = None

    @property
    def device(self) -> Any:
        """The device whose stream this is: always the CPU."""
        return self.present_device("cpu")

    # -- seeds ---------------------------------------------------------------------------------------
    def manual_seed(self, seed: int) -> Generator:
        """This generator, started again from ``seed`` (negative seeds count back from 2**64)."""
        if not hasattr(seed, "__index__"):
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        value = seed.__index__()
        if not -(1 << 63) <= value < 1 << 64:
            raise ValueError("Overflow when unpacking long long")
        self._seed = value & 0xFFFFFFFFFFFFFFFF
        self.next_normal = self.next_float_normal = None
        self.fresh = True
        if self._bits is not None:
            self._start()
        return self

    def initial_seed(self) -> int:
        """The seed that the stream started from."""
        return self._seed

    def seed(self) -> int:
        """A new seed from the operating system, from which the stream starts again."""
        value = int.from_bytes(os.urandom(8), "little")
        self.manual_seed(value)
        return value

    # -- words ---------------------------------------------------------------------------------------
    def _open(self) -> None:
        from numpy.random import MT19937
        from numpy.random import Generator as Reader

        self._bits = MT19937(0)
        self._integers = Reader(self._bits).integers
        memory: Any = (ctypes.c_uint32 * (_WORDS + 1)).from_address(self._bits.ctypes.state_address)
        self._memory = np.frombuffer(memory, dtype=np.uint32)  # 624 words, then the position
        self._start()

    def _start(self) -> None:
        self._bits._legacy_seeding(self._seed & 0xFFFFFFFF)

    def words(self, count: int) -> np.ndarray:
        """The next ``count`` words of the stream, as uint32."""
        if self._bits is None:
            self._open()
        if count == 0:
            return np.empty(0, dtype=np.uint32)
        self.fresh = False
        if count < 64:
            return self._bits.random_raw(count).astype(np.uint32)
        return self._integers(0, 1 << 32, count, dtype=np.uint32)

    def long_words(self, count: int) -> np.ndarray:
        """The next ``count`` pairs of words as uint64, the earlier word of a pair in the upper half."""
        pairs = self.words(2 * count).view(np.uint64)
        return (pairs << np.uint64(32)) | (pairs >> np.uint64(32))

    def word(self) -> int:
        """The next word as a Python int."""
        if self._bits is None:
            self._open()
        self.fresh = False
        return int(self._bits.random_raw())

    def long_word(self) -> int:
        """The next pair of words as a Python int of 64 bits."""
        upper = self.word()
        return upper << 32 | self.word()

    def skip(self, count: int) -> None:
        """Leave out the next ``count`` words."""
        while count > 0:
            step = min(count, 1 << 20)
            self.words(step)
            count -= step

    def mark(self) -> np.ndarray:
        """The place in the stream of words, for `return_to`."""
        if self._bits is None:
            self._open()
        return self._memory.copy()

    def return_to(self, mark: np.ndarray) -> None:
        """Go back to a place that `mark` gave."""
        self._memory[:] = mark

    # -- saved states --------------------------------------------------------------------------------
    def state_bytes(self) -> np.ndarray:
        """The whole state in the 5056 bytes that ``torch.get_rng_state`` gives."""
        if self._bits is None:
            self._open()
        state = np.zeros(1, dtype=_LAYOUT)
        row = state[0]
        position = int(self._memory[_WORDS])
        row["seed"], row["seeded"], row["words"] = self._seed, 1, self._memory[:_WORDS]
        row["left"], row["next"] = (1, 0) if self.fresh else (_WORDS + 1 - position, position)
        if self.next_normal is not None:
            row["normal"], row["has_normal"] = self.next_normal, 1
        if self.next_float_normal is not None:
            row["float_normal"], row["has_float_normal"] = self.next_float_normal, True
        return state.view(np.uint8).reshape(-1)

    def load_state_bytes(self, state: np.ndarray) -> None:
        """Continue from a state that `state_bytes`, or PyTorch, has saved."""
        if state.dtype != np.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        if state.size != STATE_BYTES:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {STATE_BYTES} but found the input "
                f"RNG state size to be {state.size}"
            )
        row = np.ascontiguousarray(state).reshape(-1).view(_LAYOUT)[0]
        left, position = int(row["left"]), int(row["next"])
        if not (row["seeded"] == 1 and 0 < left <= _WORDS and 0 <= position <= _WORDS):
            raise RuntimeError("Invalid mt19937 state")
        if self._bits is None:
            self._open()
        self._seed = int(row["seed"])
        self._memory[:_WORDS] = row["words"].astype(np.uint32)
        self._memory[_WORDS] = _WORDS if left == 1 else position
        self.fresh = left == 1 and position == 0
        self.next_normal = float(row["normal"]) if row["has_normal"] else None
        self.next_float_normal = float(row["float_normal"]) if row["has_float_normal"] else None

    def get_state(self) -> Any:
        """The state as a uint8 tensor of 5056 elements (on this floor: an array)."""
        return self.present_state(self.state_bytes())

    def set_state(self, new_state: Any) -> None:
        """Continue from a state that `get_state` gave."""
        self.load_state_bytes(self.read_state(new_state))

    def clone_state(self) -> Generator:
        """A second generator that stands at the same place of the stream."""
        other = type(self)()
        other.load_state_bytes(self.state_bytes())
        return other

    graphsafe_get_state = clone_state

    def graphsafe_set_state(self, state: Generator) -> None:
        """Continue from where another generator stands."""
        self.load_state_bytes(state.state_bytes())

    def __reduce__(self) -> tuple[Any, ...]:
        return _revive, (self.state_bytes(),)

    # -- leftovers of Box-Muller pairs ---------------------------------------------------------------
    def normal_double(self) -> float:
        """The next standard normal sample in double precision; every second one is a leftover."""
        left_over = self.next_normal
        if left_over is not None:
            self.next_normal = None
            return left_over
        scale = 2.0**-53
        angle = 2.0 * math.pi * ((self.long_word() & 0x1FFFFFFFFFFFFF) * scale)
        radius = math.sqrt(-2.0 * math.log1p(-((self.long_word() & 0x1FFFFFFFFFFFFF) * scale)))
        self.next_normal = radius * math.sin(angle)
        return radius * math.cos(angle)


def _revive(state: np.ndarray) -> Generator:
    generator = Generator()
    generator.load_state_bytes(state)
    return generator


default_generator = Generator()
