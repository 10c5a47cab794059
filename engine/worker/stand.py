"""What is done while the run stands: tensors are fetched and set, expressions evaluated."""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.optim.optimizer import Optimizer
from engine.protocol import event as happened
from engine.protocol import request as ask
from engine.recorders.digest import digest_of
from engine.recorders.name import variables
from engine.recorders.walk import BackwardWalk
from engine.worker.explain import Place, answer
from engine.worker.expression import Expression, ExpressionError, text_of
from engine.worker.scope import Scope
from engine.worker.slot import SlotError, read, window, write

if TYPE_CHECKING:
    from engine.worker.pilot import Pilot

UNDO = "undo"
"""A SetValue with this expression takes back the last one of its slot."""


class Stand:
    """Obeys requests about values where the run stands, and says of others why they cannot be obeyed."""

    def __init__(self, pilot: Pilot) -> None:
        self._pilot = pilot
        self._walk: BackwardWalk | None = None
        self._names: dict[str, Any] = {}
        self._frame: FrameType | None = None
        self._stands = False
        self._undo: dict[tuple[int, str], list[Callable[[], None]]] = {}

    def at(self, walk: BackwardWalk | None, names: dict[str, Any], frame: FrameType | None) -> None:
        """The run stands here: in a backward, or (walk None) in the forward."""
        self._walk, self._names, self._frame, self._stands = walk, names, frame, True

    def leave(self) -> None:
        """The run goes on."""
        self._walk, self._names, self._frame, self._stands = None, {}, None, False
        self._undo.clear()

    def obey(self, request: ask.Request) -> None:
        """Do what this request asks; a failure is told as RequestFailed."""
        if self._pilot.look_after(request):
            return
        tag = getattr(request, "tag", "")
        try:
            if isinstance(request, ask.Fetch):
                self.fetch(request, self._walk)
            elif isinstance(request, ask.Evaluate):
                self._evaluate(request)
            elif isinstance(request, ask.SetValue):
                self._set(request)
            elif isinstance(request, ask.Explain):
                pilot = self._pilot
                place = Place(pilot.recorder, self._walk, self._names, self._frame, pilot.last, pilot.ran)
                self._pilot.outbox.put(answer(request, place))
            else:
                self._fail(tag, f"{type(request).__name__} cannot be obeyed here.")
        except (SlotError, ExpressionError) as error:
            self._fail(tag, str(error))
        except Exception as error:
            self._fail(tag, f"{type(error).__name__}: {error}")

    def refuse(self, request: ask.Request) -> None:
        """Take a request that came while the script runs; say so where it needs a stop."""
        if not self._pilot.look_after(request):
            self._fail(getattr(request, "tag", ""), "The run must stand for this; press Pause first.")

    def fetch(self, request: ask.Fetch, walk: BackwardWalk | None) -> None:
        """Send the asked tensor of this walk, or of the forward's last op where there is no walk."""
        try:
            if walk is not None and request.node >= 0:
                array = read(walk, request.node, request.what)
            else:
                array = self._scope(walk, request.node)[request.what]
            self._pilot.outbox.put(window(request.tag, request.what, array, request.index, request.limit))
        except SlotError as error:
            self._fail(request.tag, str(error))
        except KeyError:
            self._fail(request.tag, f"“{request.what}” is not known here.")
        except Exception as error:
            self._fail(request.tag, f"{type(error).__name__}: {error}")

    def _scope(self, walk: BackwardWalk | None, node: int, names: dict[str, Any] | None = None) -> Scope:
        own = self._names if names is None else names
        return Scope(own, walk, node, self._frame, self._pilot.recorder.names)

    def _evaluate(self, request: ask.Evaluate) -> None:
        node = request.node
        if node < 0 and self._walk is not None:
            node = self._walk.index
        value = Expression(request.expression).value(self._scope(self._walk, node))
        digest = digest_of(value) if isinstance(value, np.ndarray) and value.size > 1 else None
        self._pilot.outbox.put(
            happened.ValueEvaluated(request.tag, request.expression, text_of(value), digest)
        )

    def _set(self, request: ask.SetValue) -> None:
        if request.what == "lr":
            self._set_rate(request)
            return
        key = (request.node, request.what)
        if request.expression.strip() == UNDO:
            undone = self._undo.get(key)
            if not undone:
                raise SlotError("There is no edit of this value to take back.")
            undone.pop()()
            text = "edit taken back"
        else:
            self._undo.setdefault(key, []).append(self._write(request))
            text = request.expression
        backward = self._walk.number if self._walk is not None else self._pilot.recorder.backward
        self._pilot.outbox.put(happened.ValueSet(backward, request.node, request.what, text))
        self._show(request)

    def _write(self, request: ask.SetValue) -> Callable[[], None]:
        walk = self._walk
        if walk is None or request.node < 0:
            old = self._scope(walk, request.node).get(request.what)
            if type(old) is int or type(old) is float:
                return self._write_number(request, old)
            if not isinstance(old, np.ndarray):
                raise SlotError(f"“{request.what}” is no tensor that can be changed here.")
        else:
            old = np.asarray(read(walk, request.node, request.what))
        new = self._new_value(request, old)
        if walk is not None and request.node >= 0:
            node, what = request.node, request.what
            undo = write(walk, node, what, new)
            if what.partition(":")[0] not in ("grad", "incoming", "leaf_grad"):
                return undo
            forget = walk.note_edit(lambda: write(walk, node, what, new))

            def take_back() -> None:
                undo()
                forget()

            return take_back
        kept = old.copy()
        old[...] = new.astype(old.dtype)
        return lambda: old.__setitem__(..., kept)

    def _write_number(self, request: ask.SetValue, old: float) -> Callable[[], None]:
        """Change a plain number of the script itself; one of a function is out of reach while it runs."""
        name, frame = request.what, self._frame
        while frame is not None and name not in frame.f_locals and frame.f_locals is not frame.f_globals:
            frame = frame.f_back
        if frame is None or frame.f_locals is not frame.f_globals or name not in frame.f_globals:
            raise SlotError(f"{name} belongs to a function; only the script's own numbers can be changed.")
        space = frame.f_globals
        value = self._new_value(request, np.asarray(old)).item()
        space[name] = int(value) if type(old) is int and float(value).is_integer() else value
        return lambda: space.__setitem__(name, old)

    def _new_value(self, request: ask.SetValue, old: np.ndarray) -> np.ndarray:
        names = {**self._names, "zeros": np.zeros_like(old), "ones": np.ones_like(old), "old": old, "x": old}
        if request.what.partition(":")[0] in ("grad", "incoming", "leaf_grad"):
            names["grad"] = old
        value = Expression(request.expression).value(self._scope(self._walk, request.node, names))
        value = np.asarray(value)
        if value.dtype.kind not in "fciub":
            raise SlotError("The expression gives no number.")
        if request.index:
            changed = old.copy()
            try:
                changed[tuple(request.index)] = value
            except (IndexError, ValueError) as error:
                raise SlotError(str(error)) from None
            return changed
        try:
            return np.broadcast_to(value, old.shape)
        except ValueError:
            raise SlotError(f"A value of shape {list(value.shape)} does not fit {list(old.shape)}.") from None

    def _set_rate(self, request: ask.SetValue) -> None:
        groups = [g for o in self._optimizers() for g in o.param_groups if "lr" in g]
        if not groups:
            raise SlotError("No optimizer has stepped yet and none is in view, so no learning rate is known.")
        old = float(groups[0]["lr"])
        value = float(
            Expression(request.expression).value(Scope({"lr": old, "old": old}, None, -1, self._frame))
        )
        for group in groups:
            group["lr"] = value
        self._pilot.outbox.put(happened.ValueSet(self._pilot.recorder.backward, -1, "lr", f"{value:g}"))

    def _optimizers(self) -> list[Any]:
        """Those that have stepped; before the first step, those that the script can see here."""
        known = list(self._pilot.recorder.optimizers)
        if known:
            return known
        seen = {id(v): v for _, v in variables(self._frame) if isinstance(v, Optimizer)}
        return list(seen.values())

    def _show(self, request: ask.SetValue) -> None:
        walk = self._walk
        if walk is None or request.node < 0:
            return
        digest = digest_of(read(walk, request.node, request.what))
        if digest is None:
            return
        if request.what == "value":
            self._pilot.outbox.put(happened.ValuesSampled(walk.number, {request.node: digest}))
        elif request.what.partition(":")[0] in ("grad", "incoming", "leaf_grad"):
            self._pilot.outbox.put(happened.ValuesSampled(walk.number, {}, {request.node: digest}))

    def _fail(self, tag: str, message: str) -> None:
        self._pilot.outbox.put(happened.RequestFailed(tag, message))
