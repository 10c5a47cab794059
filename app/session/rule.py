"""Rules of thumb about a run: each with a threshold that can be moved, and what it finds. No Qt.

The words of a rule stand in resources/i18n under 'rule.<key>': title, text, found, advice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.session import symptom
from app.session.symptom import Finding

if TYPE_CHECKING:
    from app.session.session import Session

MOST = 200
"""No rule names more places than this."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. unit: 'factor', 'norm', 'share' or 'count' of what is held against the threshold, '' where
    there is none; above: a finding lies above the threshold, not below."""

    key: str
    find: Callable[[Session, float], list[Finding]]
    threshold: float = 0.0
    unit: str = ""
    above: bool = True


RULES = (
    Rule("loss_not_finite", symptom.loss_not_finite),
    Rule("not_finite", symptom.not_finite),
    Rule("no_gradient", symptom.no_gradient),
    Rule("dead", symptom.dead, 0.9, "share"),
    Rule("saturated", symptom.saturated, 0.1, "share", above=False),
    Rule("vanishing", symptom.vanishing, 1e-4, "factor", above=False),
    Rule("exploding", symptom.exploding, 100.0, "norm"),
    Rule("steep", symptom.steep, 100.0, "factor"),
    Rule("update_large", symptom.update_large, 0.1, "factor"),
    Rule("update_small", symptom.update_small, 1e-6, "factor", above=False),
    Rule("piled_up", symptom.piled_up),
    Rule("loss_stuck", symptom.loss_stuck, 100.0, "count"),
)
"""Causes before what follows from them: a node is marked by the first."""
BY_KEY = {rule.key: rule for rule in RULES}


class RuleBook:
    """Which rules are on and where their thresholds lie; what they find in a session.

    revision grows with each change of a rule."""

    def __init__(self) -> None:
        self.revision = 0
        self._thresholds: dict[str, float] = {}
        self._off: set[str] = set()

    def threshold(self, key: str) -> float:
        """Where the rule's threshold lies."""
        return self._thresholds.get(key, BY_KEY[key].threshold)

    def set_threshold(self, key: str, value: float) -> None:
        """Move a threshold. Raises: KeyError for a rule that there is not."""
        if BY_KEY[key].threshold == value:
            self._thresholds.pop(key, None)
        else:
            self._thresholds[key] = value
        self.revision += 1

    def is_on(self, key: str) -> bool:
        """Whether the rule is looked at."""
        return key not in self._off

    def set_on(self, key: str, yes: bool) -> None:
        """Look at this rule, or not. Raises: KeyError for a rule that there is not."""
        (self._off.discard if yes else self._off.add)(BY_KEY[key].key)
        self.revision += 1

    def findings(self, session: Session) -> list[Finding]:
        """What the rules that are on find now, in the order of `RULES`."""
        found: list[Finding] = []
        for rule in RULES:
            if self.is_on(rule.key):
                found += rule.find(session, self.threshold(rule.key))[:MOST]
        return found

    def kept(self) -> dict[str, str]:
        """What differs from the beginning, as short texts to be remembered."""
        keys = set(self._thresholds) | self._off
        return {key: f"{int(self.is_on(key))} {self.threshold(key)!r}" for key in sorted(keys)}

    def restore(self, kept: Mapping[str, str]) -> None:
        """Take over what was remembered; what cannot be read is left as it is."""
        for key, text in kept.items():
            on, _, value = text.partition(" ")
            try:
                self.set_threshold(key, float(value))
                self.set_on(key, on == "1")
            except (KeyError, ValueError):
                continue
