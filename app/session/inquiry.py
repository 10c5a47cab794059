"""`Inquiry`: one question at a time, asked once at each stop, and what is known of its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from app.session.explanation import TOPICS, Page, page_of
from app.session.session import Session

PATIENCE_S = 0.2
"""After so long without an answer one is told that it is being asked."""
REST_S = 0.12
"""Walking on, one is not asked at each step: an answer may take longer than a step."""
ON_VARIABLES = frozenset({"gradient", "versions", "nan"})
"""Topics that can be asked of a variable by its name."""
ON_DEMAND = frozenset({"trust"})
"""Topics that cost too much to be asked at every stop."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom the question is about: a node of the shown graph, or (node -1) a variable of the script."""

    node: int = -1
    variable: str = ""

    @property
    def is_nothing(self) -> bool:
        """Whether there is no subject."""
        return self.node < 0 and not self.variable


class Inquiry:
    """What is being asked of the run where it stands.

    topic: one of `TOPICS`; subject: the selected node, else the one where the walk stands, else a variable.
    page: the last answer to this very question, kept while the run goes on."""

    def __init__(self, session: Session, clock: Callable[[], float] = monotonic) -> None:
        self.session = session
        self.waits = False
        """Whether it will be asked a little later: `look` is to be called again."""
        self._clock = clock
        self.topic = TOPICS[0]
        self.subject = Subject()
        self.page: Page | None = None
        self.page_place = ""
        """Where the run stood when `page` was told."""
        self.error = ""
        self._question: object = None
        self._stop: object = None
        self._tag = ""
        self._asked_s = -1e9
        self._asked_stop: object = None
        self._serial = 0
        self._wanted = False
        self._place = ""

    # -- what is asked ---------------------------------------------------------------------------------------

    def turn_to(self, topic: str) -> None:
        """Another topic."""
        self.topic = topic
        self._wanted = False

    def ask_of(self, variable: str) -> None:
        """Ask of a variable of the script; one that is a leaf's own name asks of that leaf."""
        known = next((n.id for n in self.session.graph.nodes if n.kind == "leaf" and n.name == variable), -1)
        self.subject = Subject(known) if known >= 0 else Subject(-1, variable)
        if known < 0 and variable and self.topic not in ON_VARIABLES:
            self.topic = TOPICS[0]
        self._wanted = False

    def follow(self, selection_changed: bool) -> None:
        """Turn to what is selected, else to where the walk stands; a variable stays until another node is
        selected."""
        session = self.session
        chosen = session.selected_node
        if chosen is not None and (selection_changed or not self.subject.variable):
            self.subject = Subject(chosen.id)
        elif chosen is None and not self.subject.variable:
            here = session.here
            if here is not None:
                self.subject = Subject(here.id)
            elif not 0 <= self.subject.node < len(session.graph.nodes):
                self.subject = Subject()

    def demand(self) -> None:
        """Ask now, even what is not asked at every stop; again where it was refused."""
        self._wanted = True
        if self.topic in ON_DEMAND or self.error:
            self._stop = None

    # -- what is known ---------------------------------------------------------------------------------------

    @property
    def stands(self) -> bool:
        """Whether the run stands where the playhead is, so that it can answer."""
        session = self.session
        return session.state == "paused" and session.timeline.following and session.standing is not None

    @property
    def is_about_all(self) -> bool:
        """Whether the topic needs no subject."""
        return self.topic == "nan"

    @property
    def status(self) -> str:
        """'nothing' (no subject), 'told', 'stale' (an answer from another place), 'refused', 'asking',
        'unasked' (waits for a demand), 'running', 'recorded' or 'elsewhere'."""
        session = self.session
        if self.subject.is_nothing and not self.is_about_all:
            return "nothing"
        if self._tag:
            return "asking"
        if self.error and self._fresh():
            return "refused"
        if self.waits:
            return "asking"
        if self.page is not None:
            return "told" if self._fresh() else "stale"
        if self.stands:
            return "unasked"
        if session.is_recording:
            return "recorded"
        return "running" if session.state == "running" else "elsewhere"

    @property
    def is_slow(self) -> bool:
        """Whether an answer has been waited for so long that one should be told."""
        return bool(self._tag) and self._clock() - self._asked_s >= PATIENCE_S

    @property
    def name(self) -> str:
        """The subject in words."""
        if self.subject.variable:
            return self.subject.variable
        node = self.session.node(self.subject.node)
        return node.name if node is not None else ""

    def place_text(self) -> str:
        """Where the playhead is: 'iteration 41, node 2 of 5'."""
        current = self.session.timeline.current
        standing = self.session.standing
        if standing is not None and standing.phase != "backward":
            return f"{standing.phase} of iteration {standing.backward + (standing.phase == 'forward')}"
        if current is None:
            return ""
        place = min(self.session.timeline.position + 1, current.count)
        return f"iteration {current.number + 1}, node {place} of {current.count}"

    # -- asking ----------------------------------------------------------------------------------------------

    def look(self) -> bool:
        """Ask where there is something new to ask, and take over an answer; whether anything changed."""
        before = (self.status, self.page, self.error, self._question)
        subject = Subject() if self.is_about_all else self.subject
        question = (self.topic, subject, self.session.graph.hash, self.session.started)
        if question != self._question:
            self._question, self._stop, self.page, self.error, self._tag = question, None, None, "", ""
        self._take()
        self.waits = False
        stop = (self.session.standing, len(self.session.edits))
        new = self.stands and (self._stop is None or not self._same(stop)) and not self._tag
        if new and not (subject.is_nothing and not self.is_about_all):
            if self._wanted or self.topic not in ON_DEMAND:
                walks = self.session.standing is not self._asked_stop
                self.waits = walks and not self._wanted and self._clock() - self._asked_s < REST_S
                if not self.waits:
                    self._ask(subject, stop)
        if self._tag and not self.stands:
            self._tag = ""
        return (self.status, self.page, self.error, self._question) != before

    def _same(self, stop: tuple[object, int]) -> bool:
        kept = self._stop
        return isinstance(kept, tuple) and kept[0] is stop[0] and kept[1] == stop[1]

    def _fresh(self) -> bool:
        return self.stands and self._same((self.session.standing, len(self.session.edits)))

    def _ask(self, subject: Subject, stop: tuple[object, int]) -> None:
        for late in (self.session.explained, self.session.fetch_errors):
            for tag in [t for t in late if t.startswith("why:") and t.count(":") == 2]:
                late.pop(tag, None)
        self._serial += 1
        self._tag = f"why:{self.topic}:{self._serial}"
        self._stop, self._wanted, self._asked_s = stop, False, self._clock()
        self._asked_stop = self.session.standing
        self._place = self.place_text()
        self.session.explain(self._tag, self.topic, subject.node, subject.variable)
        self._take()

    def _take(self) -> None:
        told, wrong = self.session.explained, self.session.fetch_errors
        if self._tag in told:
            self.page, self.error = page_of(told.pop(self._tag)), ""
            self.page_place = self._place
        elif self._tag in wrong:
            self.page, self.error = None, wrong.pop(self._tag)
        else:
            return
        self._tag = ""
