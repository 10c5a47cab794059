"""`Futures`: brings “what if” and “what changed” to their panels, and gives forks their children."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.session.session import Session
from app.session.what_if import WhatIf

if TYPE_CHECKING:
    from app.link.bridge import LinkBridge

    from .window import MainWindow
    from .workbench import Workbench


class _Feed:
    """A bridge that goes with the fork that it feeds."""

    def __init__(self, bridge: LinkBridge) -> None:
        self._bridge = bridge

    def close(self) -> None:
        """End the child; the bridge is of no use any more."""
        self._bridge.close()
        self._bridge.deleteLater()


class Futures:
    """What the window does with forks and moments."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.what_if = WhatIf(window.session, self._attach)
        window.session.replaced.connect(self._replaced)
        self._path = window.session.path

    def serve(self, bench: Workbench) -> None:
        """Give the panel its futures."""
        bench.what_if.use(self.what_if)

    def _attach(self, session: Session) -> _Feed:
        from app.link.bridge import LinkBridge

        bridge = LinkBridge(session, self._window)
        if self._window.bridge is not None:
            bridge.link.arguments = self._window.bridge.link.arguments
        return _Feed(bridge)

    def _replaced(self) -> None:
        """Another script: its futures are others. The same script run anew keeps what was seen."""
        path = self._window.session.path
        if path != self._path:
            self._path = path
            self.what_if.close()

    # -- what actions ask for --------------------------------------------------------------------------------

    def fork_here(self) -> None:
        """Show the panel, with the cursor where the edit is written."""
        bench = self._window.bench
        if bench is not None:
            bench.what_if.show()
            bench.what_if.raise_()
            self._window.pulse.flush()
            bench.what_if.offer()

    def go_on(self) -> None:
        """Run both futures on."""
        if self._window.bench is not None:
            self._window.bench.what_if.go_on()

    def cancel(self) -> None:
        """End both futures."""
        self.what_if.cancel()

    def show_changes(self) -> None:
        """Show what changed."""
        bench = self._window.bench
        if bench is not None:
            bench.what_changed.show()
            bench.what_changed.raise_()

    def pin(self) -> None:
        """Compare every later stop with this one."""
        bench = self._window.bench
        if bench is not None:
            bench.what_changed.pin_moment()
            self._window.status.say("every later stop is compared with this one")

    def unpin(self) -> None:
        """Compare with the stop before again."""
        bench = self._window.bench
        if bench is not None:
            bench.what_changed.unpin_moment()

    def close(self) -> None:
        """End the children of all forks."""
        self.what_if.cancel()
