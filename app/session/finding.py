"""What was found about nodes while somebody asked, and the first loss that was no number."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from engine.protocol import event as happened

KINDS = ("nan", "differs", "cut", "dead", "saturated", "unsure", "agrees")
_CUTS = ("detach", "data", "no_grad", "inference", "integer", "copied", "number", "numpy")
_REASONS = {"dead units": "dead", "saturated": "saturated"} | dict.fromkeys(_CUTS, "cut")
_VERDICTS = {"agrees": "agrees", "differs": "differs", "not differentiable": "unsure"}


@dataclass(slots=True)
class Findings:
    """Per backward and node what was found there (a kind of `KINDS`); a later answer replaces an earlier
    one."""

    first_bad_loss: int | None = None
    """The first backward whose loss is NaN or Inf."""
    first_bad_value: float = 0.0
    _found: dict[int, dict[int, str]] = field(default_factory=dict)
    _compared: dict[str, tuple[str, dict[int, str]]] = field(default_factory=dict)

    def at(self, backward: int) -> dict[int, str]:
        """Node -> what was found there in this backward. Read only."""
        return self._found.get(backward, {})

    def compare(self, source: str, graph: str, nodes: dict[int, str]) -> bool:
        """Mark these nodes of the graph with this hash ('changed', 'new', 'spoiled') instead of what this
        source marked before; whether that is news."""
        news = self._compared.get(source, ("", {})) != (graph, nodes)
        self._compared[source] = (graph, nodes)
        return news

    def compared(self, graph: str) -> dict[int, str]:
        """What is marked in this graph by a comparison. Read only."""
        return {n: kind for at, nodes in self._compared.values() if at == graph for n, kind in nodes.items()}

    def learn(self, event: happened.Event, backward: int) -> None:
        """Take over what an answer, a stop or the begin of a backward tells."""
        if isinstance(event, happened.BackwardStarted):
            value = event.value
            if value is not None and not math.isfinite(value) and self.first_bad_loss is None:
                self.first_bad_loss, self.first_bad_value = event.backward, value
        elif isinstance(event, happened.RunPaused):
            if event.why == "nan":
                self._note(event.backward, event.node, "nan")
        elif isinstance(event, happened.GradientExplained):
            for reason in event.reasons:
                self._note(backward, reason.node, _REASONS.get(reason.kind, ""))
        elif isinstance(event, happened.NanTraced):
            for cause in event.causes:
                if cause.verdict == "produced":
                    self._note(backward, cause.node, "nan")
        elif isinstance(event, happened.TrustChecked):
            self._note(backward, event.node, _VERDICTS.get(event.verdict, ""))

    def _note(self, backward: int, node: int, kind: str) -> None:
        if node >= 0 and kind:
            self._found.setdefault(backward, {})[node] = kind
