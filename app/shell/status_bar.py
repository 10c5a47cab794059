"""One sentence on the left, quiet figures on the right."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.look.font import CJK_PACKAGE, cjk_family
from app.look.number import bytes_text, duration_text
from app.session.session import Session

HEIGHT_PX = 26
_WORDS = {
    "empty": "",
    "ready": "Ready",
    "running": "Running",
    "paused": "Paused",
    "ended": "Ended",
    "failed": "Failed",
    "lost": "Lost",
}
_TOKENS = {
    "running": "ok_text",
    "paused": "accent",
    "failed": "grad_text",
    "lost": "grad_text",
    "ended": "quiet",
    "ready": "quiet",
}


def standing_iteration(session: Session) -> int:
    """The iteration, from 1, in whose forward or optimizer step the run stands."""
    standing = session.standing
    if standing is None:
        return session.timeline.backward + 1
    return standing.backward + (1 if standing.phase == "forward" else 0)


def state_sentence(session: Session) -> str:
    """What goes on, in words: 'before AddmmBackward0, node 2 of 6, backward of iteration 41'."""
    if session.work is not None:
        return f"{session.work.what}, {session.work.done} of {session.work.total}"
    if session.input_asked is not None:
        return "the script waits for a line: type it in the console"
    if session.waiting:
        return session.waiting
    timeline, walk, here = session.timeline, session.walk, session.here
    if session.state == "running" and timeline.following:
        return f"iteration {timeline.backward + 1}" if timeline.backward >= 0 else "before the first backward"
    updates = session.optimizer_walk
    if updates is not None and updates.current is not None and timeline.following:
        change, ratio = updates.current, updates.ratio
        moved = f", moved by {ratio:.2g} of itself" if ratio is not None else ""
        return (
            f"{change.name}, parameter {updates.position + 1} of {len(updates)}{moved}: step of "
            f"{updates.stepped.optimizer}, iteration {standing_iteration(session)}"
        )
    if session.standing is not None and session.standing.phase != "backward" and timeline.following:
        place = f"{session.standing.phase} of iteration {standing_iteration(session)}"
        text = f"after {session.standing.text}, {place}" if session.standing.text else place
        return f"{text}, line {session.standing.line}" if session.standing.line else text
    if here is not None and walk is not None:
        why = session.standing.why if session.standing is not None and timeline.following else ""
        told = (
            f" ({session.standing.text or why})" if session.standing and why in ("breakpoint", "nan") else ""
        )
        return (
            f"before {here.name}, node {walk.position + 1} of {walk.count}, "
            f"backward of iteration {walk.backward + 1}{told}"
        )
    if walk is not None and walk.standing and walk.count:
        return f"at the end of backward of iteration {walk.backward + 1}"
    if session.state == "ended" and session.ended is not None:
        status = session.ended.exit_status
        end = "" if not status else f", exit status {status}"
        return f"after {duration_text(session.ended.duration_s * 1e9)}{end}"
    if session.state in ("failed", "lost") and session.failure is not None:
        kind = f"{session.failure.type}: " if session.failure.type else ""
        return (kind + session.failure.message).split("\n")[0]
    if session.state == "ready":
        return "press Run, or F5"
    return ""


class StatusBar(QWidget):
    """Looks at the session when told; `say` puts a sentence there until the next change of state."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setObjectName("StatusBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT_PX)
        self.state, self.sentence = QLabel(), QLabel()
        self.state.setObjectName("State")
        self.device, self.time, self.saved, self.letters = QLabel(), QLabel(), QLabel(), QLabel()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 0, 16, 0)
        layout.setSpacing(16)
        layout.addWidget(self.state)
        layout.addWidget(self.sentence, 1)
        for label in (self.device, self.time, self.saved, self.letters):
            layout.addWidget(label)
        self._said = ""
        self._said_in = ""
        self.sentence.setMinimumWidth(40)

    def say(self, text: str) -> None:
        """Show a sentence of the moment."""
        self._said, self._said_in = text, self.session.state
        self.look()

    def look(self, changes: frozenset[str] = frozenset()) -> None:
        """Write what is so now."""
        session = self.session
        state = session.state
        if self._said and self._said_in != state:
            self._said = ""
        self.setVisible(True)
        word = "Replay" if session.is_recording and state == "ended" else _WORDS.get(state, state)
        self.state.setText(f"●  {word}" if word else "")
        self.state.setVisible(bool(word))
        token = _TOKENS.get(state, "quiet")
        if self.state.property("token") != token:
            self.state.setProperty("token", token)
            self._colour()
        self.sentence.setText(self._said or state_sentence(session))
        last = session.timeline.current
        leaf = next((n.dtype for n in session.graph.nodes if n.dtype), "")
        texts = (
            (self.device, f"CPU · {leaf.removeprefix('torch.')}" if leaf else ""),
            (self.time, f"backward {duration_text(last.duration_ns)}" if last and last.duration_ns else ""),
            (
                self.saved,
                f"saved for backward {bytes_text(last.saved_bytes)}" if last and last.saved_bytes else "",
            ),
            (
                self.letters,
                ""
                if state != "empty" or cjk_family()
                else f"No Chinese, Japanese or Korean font found: install {CJK_PACKAGE} to read such text",
            ),
        )
        for label, text in texts:
            label.setText(text)
            label.setVisible(bool(text))

    def _colour(self) -> None:
        from app.look.theme import theme

        self.state.setStyleSheet(f"color: {theme().hex(self.state.property('token') or 'accent')}")

    def retheme(self) -> None:
        """The state's colour in the theme."""
        self._colour()
