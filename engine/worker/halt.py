"""Standing: what is told on arrival, and the wait for the request that goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.protocol import event as happened
from engine.protocol import request as ask
from engine.recorders.digest import digest_of
from engine.recorders.structure import made
from engine.recorders.walk import BackwardWalk
from engine.worker.reason import Why

if TYPE_CHECKING:
    from engine.worker.pilot import Pilot


class Halt:
    """The run stands somewhere until it is told to go on; requests about values are obeyed meanwhile."""

    def __init__(self, pilot: Pilot) -> None:
        self._pilot = pilot
        self.is_standing = False

    # -- in a backward ---------------------------------------------------------------------------------------

    def in_backward(self, walk: BackwardWalk, why: Why) -> None:
        """Stand before the walk's next node, or at its end; steps back are made here."""
        pilot = self._pilot
        producer, pilot.reasons.nan = pilot.reasons.nan, -1
        pilot.reasons.arrived()
        self._stand_at(walk)
        self._tell(walk, *why, producer)
        self.is_standing = True
        while True:
            request = pilot.inbox.take()
            assert request is not None
            there = _behind(walk, request)
            if there is not None:
                self._walk_back(walk, there)
            elif self._goes_on(request, walk):
                break
        self.is_standing = False

    def _stand_at(self, walk: BackwardWalk) -> None:
        names = {"iteration": walk.number, "backward": walk.number, "position": walk.position}
        self._pilot.stand.at(walk, names, self._pilot.frame())

    def _walk_back(self, walk: BackwardWalk, position: int) -> None:
        pilot = self._pilot
        if walk.back_to(position):
            pilot.told = walk.position
            self._stand_at(walk)
            pilot.outbox.put(happened.WalkedBack(walk.number, walk.index, walk.position))
        else:
            message = "This is as far back as one can go in this backward."
            pilot.outbox.put(happened.RequestFailed("step", message))
        self._tell(walk, "step", "", -1)

    def _tell(self, walk: BackwardWalk, why: str, text: str, producer: int) -> None:
        recorder, outbox = self._pilot.recorder, self._pilot.outbox
        recorder.tell_entered(walk)
        node = walk.node
        shown = producer if producer >= 0 else walk.index
        note = made(walk.structure.nodes[shown]) if shown >= 0 else made(node) if node is not None else None
        file, line = (note.file, note.line) if note is not None else ("", 0)
        outbox.put(
            happened.RunPaused(
                why, "backward", walk.number, shown, walk.position, file, line, text, recorder.serial
            )
        )
        outbox.flush()

    # -- elsewhere -------------------------------------------------------------------------------------------

    def after_op(self, why: Why, op: str, names: dict[str, Any], result: Any, begin: int) -> None:
        """Stand in the forward, and tell of what ran last, begun after op number `begin`."""
        pilot = self._pilot
        recorder = pilot.recorder
        file, line = recorder.places.here()
        first = result[0] if isinstance(result, tuple) and result else result
        node = getattr(first, "_fn", None)
        open_ones = recorder.composites
        pilot.outbox.put(
            happened.OpRan(
                recorder.serial,
                op,
                node.name() if node is not None else "",
                line,
                file,
                (),
                digest_of(getattr(first, "_a", None)),
                "" if recorder.call is None else recorder.names.module(recorder.call.module),
                len(open_ones),
                tuple(name for name, _ in open_ones),
                tuple(start for _, start in open_ones),
                max(1, recorder.serial - begin),
            )
        )
        names = {"iteration": recorder.backward, "result": first, **names}
        self.elsewhere(why[0], "forward", names, file, line, why[1] or op)

    def elsewhere(
        self, why: str, phase: str, names: dict[str, Any], file: str, line: int, text: str
    ) -> None:
        """Stand in the forward or at an optimizer's step."""
        pilot = self._pilot
        recorder = pilot.recorder
        pilot.reasons.arrived()
        with recorder.silence():
            pilot.stand.at(None, names, pilot.frame())
            serial = recorder.serial
            paused = happened.RunPaused(why, phase, recorder.backward, -1, 0, file, line, text, serial)
            pilot.outbox.put(paused)
            pilot.outbox.flush()
            self.is_standing = True
            while True:
                request = pilot.inbox.take()
                assert request is not None
                if isinstance(request, ask.Step) and request.kind in ("back", "start"):
                    message = "The way back from here is to repeat the run; the app does so."
                    pilot.outbox.put(happened.RequestFailed("step", message))
                    pilot.outbox.put(paused)
                    pilot.outbox.flush()
                elif self._goes_on(request, None):
                    break
            self.is_standing = False

    def _goes_on(self, request: ask.Request, walk: BackwardWalk | None) -> bool:
        """Obey a request while standing; true when the run is to go on."""
        pilot, reasons = self._pilot, self._pilot.reasons
        if not pilot.obey(request):
            pilot.stand.obey(request)
            pilot.outbox.flush()
            return False
        if isinstance(request, ask.Pause):
            reasons.pause_since = None
            return False
        reasons.leave(walk)
        pilot.stand.leave()
        if reasons.stride not in ("node", "op", "into") or walk is None or walk.node is None:
            pilot.outbox.put(happened.RunResumed())
        return True


def _behind(walk: BackwardWalk, request: ask.Request) -> int | None:
    """The earlier position of this backward that a request asks for; None for any other request."""
    if isinstance(request, ask.Step):
        return {"back": walk.position - 1, "start": walk.first}.get(request.kind)
    if not isinstance(request, ask.RunTo) or request.op >= 0:
        return None
    if request.node >= 0:
        order = walk.structure.definition.order
        there = order.index(request.node) if request.node in order else -1
    elif request.backward == walk.number and request.phase == "backward":
        there = request.position
    else:
        return None
    return there if walk.first <= there < walk.position else None
