"""Reads a pickle without running what it names: an interpreter of the opcodes that carry data.

Every class and function goes through a policy, which knows what may be built and how. There is no import,
no call and no attribute access beyond it.
"""

from __future__ import annotations

import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any

_MARK = object()


class Unpickler:
    """One pickle in `data` from `start` on; `end` is where it ended.

    Args:
        find: (module, name) to the value that stands for it.
        call: (value, args) to what REDUCE leaves.
        new: (class, args, kwargs) to a new object.
        build: (object, state), which may give another object.
        persistent: the storage of a persistent id.
    """

    def __init__(
        self,
        data: bytes,
        find: Callable[[str, str], Any],
        call: Callable[[Any, tuple], Any],
        new: Callable[[Any, tuple, dict], Any],
        build: Callable[[Any, Any], Any],
        persistent: Callable[[Any], Any],
        start: int = 0,
        encoding: str = "utf-8",
    ) -> None:
        self.raw = data
        self.data = memoryview(data)
        self.end = start
        self.find, self.call, self.new, self.build, self.persistent = find, call, new, build, persistent
        self.encoding = encoding

    def load(self) -> Any:
        """The object.

        Raises:
            UnpicklingError: the bytes are no pickle, or hold what the policy refuses.
        """
        try:
            return self._run()
        except (UnpicklingError, EOFError, MemoryError):
            raise
        except Exception as e:
            raise UnpicklingError(f"the pickle is damaged: {type(e).__name__}: {e}") from e

    # -- bytes

    def _take(self, count: int) -> memoryview:
        start, self.end = self.end, self.end + count
        if count < 0 or self.end > len(self.data):
            raise EOFError("Ran out of input")
        return self.data[start : self.end]

    def _number(self, form: str) -> int:
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _raw_line(self) -> bytes:
        start, stop = self.end, self.raw.find(b"\n", self.end)
        if stop < 0:
            raise UnpicklingError("pickle data was truncated")
        self.end = stop + 1
        return self.raw[start:stop]

    def _line(self) -> str:
        return self._raw_line().decode("utf-8")

    def _text(self, count: int, encoding: str = "utf-8") -> str:
        return bytes(self._take(count)).decode(
            encoding, "surrogatepass" if encoding == "utf-8" else "strict"
        )

    def _old_text(self, count: int) -> Any:
        raw = bytes(self._take(count))
        return raw if self.encoding == "bytes" else raw.decode(self.encoding)

    # -- stack

    def _pop(self) -> Any:
        if not self.stack or self.stack[-1] is _MARK:
            raise UnpicklingError("unexpected MARK found")
        return self.stack.pop()

    def _to_mark(self) -> list:
        stack = self.stack
        for place in range(len(stack) - 1, -1, -1):
            if stack[place] is _MARK:
                items = stack[place + 1 :]
                del stack[place:]
                return items
        raise UnpicklingError("could not find MARK")

    def _top(self, kind: type) -> Any:
        top = self.stack[-1] if self.stack else _MARK
        if not isinstance(top, kind):
            raise UnpicklingError(f"a {kind.__name__} was expected, not a {type(top).__name__}")
        return top

    def _run(self) -> Any:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        steps = _STEPS
        while True:
            code = self._take(1)[0]
            if code == 0x2E:  # STOP
                return self._pop()
            step = steps.get(code)
            if step is None:
                raise UnpicklingError(f"invalid load key, '\\x{code:02x}'.")
            step(self)

    # -- what the opcodes do

    def _set_items(self, target: Any, items: list) -> None:
        if len(items) % 2:
            raise UnpicklingError("odd number of items for SETITEMS")
        put = OrderedDict.__setitem__ if isinstance(target, OrderedDict) else dict.__setitem__
        for i in range(0, len(items), 2):
            put(target, items[i], items[i + 1])

    def _long(self, count: int) -> None:
        self.stack.append(int.from_bytes(self._take(count), "little", signed=True))

    def _int_line(self) -> None:
        text = self._line()
        self.stack.append({"00": False, "01": True}[text] if text in ("00", "01") else int(text))

    def _memoize(self, place: int) -> None:
        if not self.stack or self.stack[-1] is _MARK:
            raise UnpicklingError("nothing to remember")
        self.memo[place] = self.stack[-1]

    def _recall(self, place: int) -> None:
        if place not in self.memo:
            raise UnpicklingError(f"Memo value not found at index {place}")
        self.stack.append(self.memo[place])

    def _reduce(self) -> None:
        args, function = self._pop(), self._pop()
        if type(args) is not tuple:
            raise UnpicklingError("arguments are not a tuple")
        self.stack.append(self.call(function, args))

    def _new_object(self, named: bool) -> None:
        kwargs = self._pop() if named else {}
        args, cls = self._pop(), self._pop()
        if type(args) is not tuple or type(kwargs) is not dict:
            raise UnpicklingError("arguments are not a tuple")
        self.stack.append(self.new(cls, args, kwargs))

    def _build(self) -> None:
        state, obj = self._pop(), self._pop()
        built = self.build(obj, state)
        if built is not obj:
            for place, kept in self.memo.items():
                if kept is obj:
                    self.memo[place] = built
        self.stack.append(built)

    def _append_all(self, items: list) -> None:
        self._top(list).extend(items)

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        if type(name) is not str or type(module) is not str:
            raise UnpicklingError("STACK_GLOBAL requires str")
        self.stack.append(self.find(module, name))

    def _mapping(self, items: list) -> dict:
        made: dict = {}
        self._set_items(made, items)
        return made

    def _set_in_top(self, items: list) -> None:
        self._set_items(self._top(dict), items)

    def _set_item(self) -> None:
        value, key = self._pop(), self._pop()
        self._set_in_top([key, value])

    def _tuple(self, count: int) -> None:
        items = [self._pop() for _ in range(count)]
        self.stack.append(tuple(reversed(items)))

    def _string_line(self) -> None:
        text = self._line()
        if len(text) < 2 or text[0] != text[-1] or text[0] not in "\"'":
            raise UnpicklingError("the STRING opcode argument must be quoted")
        raw = text[1:-1].encode().decode("unicode_escape").encode("latin-1")
        self.stack.append(raw if self.encoding == "bytes" else raw.decode(self.encoding))


def _pushing(value: Callable[[Unpickler], Any]) -> Callable[[Unpickler], None]:
    def step(u: Unpickler) -> None:
        u.stack.append(value(u))

    return step


def _protocol(u: Unpickler) -> None:
    if u._take(1)[0] > 5:
        raise UnpicklingError("unsupported pickle protocol")


_p = pickle
_STEPS: dict[int, Callable[[Unpickler], Any]] = {
    code[0]: step
    for code, step in {
        _p.PROTO: _protocol,
        _p.FRAME: lambda u: u._take(8),
        _p.MARK: lambda u: u.stack.append(_MARK),
        _p.POP: lambda u: u.stack.pop(),
        _p.POP_MARK: lambda u: u._to_mark(),
        _p.DUP: lambda u: u.stack.append(u._top(object)),
        _p.NONE: _pushing(lambda u: None),
        _p.NEWTRUE: _pushing(lambda u: True),
        _p.NEWFALSE: _pushing(lambda u: False),
        _p.INT: lambda u: u._int_line(),
        _p.BININT: _pushing(lambda u: u._number("<i")),
        _p.BININT1: _pushing(lambda u: u._take(1)[0]),
        _p.BININT2: _pushing(lambda u: u._number("<H")),
        _p.LONG: _pushing(lambda u: int(u._line().rstrip("L"))),
        _p.LONG1: lambda u: u._long(u._take(1)[0]),
        _p.LONG4: lambda u: u._long(u._number("<i")),
        _p.FLOAT: _pushing(lambda u: float(u._line())),
        _p.BINFLOAT: _pushing(lambda u: u._number(">d")),
        _p.STRING: lambda u: u._string_line(),
        _p.BINSTRING: _pushing(lambda u: u._old_text(u._number("<i"))),
        _p.SHORT_BINSTRING: _pushing(lambda u: u._old_text(u._take(1)[0])),
        _p.UNICODE: _pushing(lambda u: u._raw_line().decode("raw_unicode_escape")),
        _p.BINUNICODE: _pushing(lambda u: u._text(u._number("<I"))),
        _p.SHORT_BINUNICODE: _pushing(lambda u: u._text(u._take(1)[0])),
        _p.BINUNICODE8: _pushing(lambda u: u._text(u._number("<Q"))),
        _p.BINBYTES: _pushing(lambda u: bytes(u._take(u._number("<I")))),
        _p.SHORT_BINBYTES: _pushing(lambda u: bytes(u._take(u._take(1)[0]))),
        _p.BINBYTES8: _pushing(lambda u: bytes(u._take(u._number("<Q")))),
        _p.BYTEARRAY8: _pushing(lambda u: bytearray(u._take(u._number("<Q")))),
        _p.EMPTY_LIST: _pushing(lambda u: []),
        _p.EMPTY_TUPLE: _pushing(lambda u: ()),
        _p.EMPTY_DICT: _pushing(lambda u: {}),
        _p.EMPTY_SET: _pushing(lambda u: set()),
        _p.LIST: _pushing(lambda u: u._to_mark()),
        _p.TUPLE: _pushing(lambda u: tuple(u._to_mark())),
        _p.TUPLE1: lambda u: u._tuple(1),
        _p.TUPLE2: lambda u: u._tuple(2),
        _p.TUPLE3: lambda u: u._tuple(3),
        _p.DICT: _pushing(lambda u: u._mapping(u._to_mark())),
        _p.FROZENSET: _pushing(lambda u: frozenset(u._to_mark())),
        _p.APPEND: lambda u: u._append_all([u._pop()]),
        _p.APPENDS: lambda u: u._append_all(u._to_mark()),
        _p.ADDITEMS: lambda u: (lambda items: u._top(set).update(items))(u._to_mark()),
        _p.SETITEM: lambda u: u._set_item(),
        _p.SETITEMS: lambda u: u._set_in_top(u._to_mark()),
        _p.GET: lambda u: u._recall(int(u._line())),
        _p.BINGET: lambda u: u._recall(u._take(1)[0]),
        _p.LONG_BINGET: lambda u: u._recall(u._number("<I")),
        _p.PUT: lambda u: u._memoize(int(u._line())),
        _p.BINPUT: lambda u: u._memoize(u._take(1)[0]),
        _p.LONG_BINPUT: lambda u: u._memoize(u._number("<I")),
        _p.MEMOIZE: lambda u: u._memoize(len(u.memo)),
        _p.GLOBAL: _pushing(lambda u: u.find(u._line(), u._line())),
        _p.STACK_GLOBAL: lambda u: u._stack_global(),
        _p.REDUCE: lambda u: u._reduce(),
        _p.NEWOBJ: lambda u: u._new_object(False),
        _p.NEWOBJ_EX: lambda u: u._new_object(True),
        _p.BUILD: lambda u: u._build(),
        _p.PERSID: _pushing(lambda u: u.persistent(u._line())),
        _p.BINPERSID: _pushing(lambda u: u.persistent(u._pop())),
    }.items()
}
