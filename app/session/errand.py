"""`Errand`: goes to a place of the run first, then does there what was wanted."""

from __future__ import annotations

import math
from collections.abc import Callable

from app.session.breakpoint import Breakpoint
from app.session.session import Session
from engine.protocol import request as ask


class Errand:
    """At most one at a time. `look` is called after every change; it goes on by itself, and is dropped when
    the run is over or `drop` is called. message: how it ended, where it ended without success."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.message = ""
        self._stage = ""
        self._target = (-1, "")
        self._hunts = False
        self._then: Callable[[], object] = lambda: None
        self._child: object = None

    @property
    def is_under_way(self) -> bool:
        """Whether it is not done yet."""
        return bool(self._stage)

    @property
    def words(self) -> str:
        """What it is doing, '' where nothing is under way."""
        if not self._stage:
            return ""
        if self._stage == "hunting":
            return "Running until a NaN or Inf is made from finite numbers."
        return f"Running again to iteration {self._target[0] + 1}."

    def go(self, backward: int, then: Callable[[], object], phase: str = "backward") -> bool:
        """Repeat the run to this backward, then do that; False where nothing can be run."""
        if not self._can(backward):
            return False
        self._begin("going", (backward, phase), then, hunts=False)
        self.session.go_back_in_training(backward, phase)
        return True

    def hunt_nan(self, backward: int, then: Callable[[], object]) -> bool:
        """Repeat the run to the iteration before this backward, whose loss is NaN or Inf; stop where one is
        produced from finite numbers, then do that; False where nothing can be run."""
        if not self._can(backward):
            return False
        if backward > 0:
            self._begin("going", (backward - 1, "forward"), then, hunts=True)
            self.session.go_back_in_training(backward - 1, "forward")
        else:
            self._begin("hunting", (0, ""), then, hunts=True)
            self._run_anew()
        return True

    def drop(self) -> None:
        """Forget it; what runs goes on."""
        self._stage = ""

    def _can(self, backward: int) -> bool:
        session = self.session
        return backward >= 0 and not session.is_recording and session.path is not None

    def _begin(self, stage: str, target: tuple[int, str], then: Callable[[], object], hunts: bool) -> None:
        self._stage, self._target, self._then, self._hunts = stage, target, then, hunts
        self.message = ""

    def _run_anew(self) -> None:
        session = self.session
        kept = session.breakpoints
        session.abandon()
        session.state = "ready"
        session.breakpoints = [*kept, Breakpoint("nan", "")]
        try:
            session.run()
        finally:
            session.breakpoints = kept

    def _points(self, with_nan: bool) -> None:
        wire = [b.wire() for b in self.session.breakpoints if b.enabled]
        if with_nan:
            wire.append(Breakpoint("nan", "").wire())
        self.session.send(ask.SetBreakpoints(tuple(wire)))

    # -- on the way ------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Go on with it where the run has come to a stop."""
        session = self.session
        if not self._stage:
            return
        if session.state in ("ended", "failed", "lost", "empty"):
            if self._hunts and session.state != "empty":
                self.message = "The run came to its end, and nothing made NaN or Inf from finite numbers."
            self._stage = ""
        elif session.state == "paused" and session.standing is not None:
            if session.standing.why == "pause":
                # Somebody wants to stand here and now.
                self._points(with_nan=False)
                self._stage = ""
            elif self._stage == "going":
                self._arrive()
            elif session.standing.why == "nan":
                self._points(with_nan=False)
                self._finish()
            else:
                session.run()

    def _arrive(self) -> None:
        session = self.session
        standing = session.standing
        assert standing is not None
        backward, phase = self._target
        if standing.backward < backward or (standing.phase != phase and standing.why == "breakpoint"):
            session.run_to(backward=backward, phase=phase)
        elif self._hunts:
            self._stage = "hunting"
            self._points(with_nan=True)
            session.run()
        else:
            self._finish()

    def _finish(self) -> None:
        self._stage = ""
        self._then()


def bad_loss_text(value: float) -> str:
    """'NaN' or 'infinite'."""
    return "NaN" if math.isnan(value) else "infinite"
