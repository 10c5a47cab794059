"""A node as a page of a textbook: the rule, then what came in, what was saved, what goes out."""

from __future__ import annotations

import html
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.look import font
from app.look.number import duration_text, figure, shape_text
from app.look.theme import theme
from app.session.graph import Node, NodeState
from app.session.op_formula import forward_formula
from app.session.session import NodeInfo, Session
from engine.protocol.event import Digest, RuleTold, TensorFetched

from .blank import BlankOr
from .chain_rule import Rule, input_name, rules_of, told
from .digest_text import digest_line, digest_of
from .dock import Dock
from .inspector_part import KeyHints, SlotRow, caption, muted
from .parameter_page import build_parameter_page
from .rule_card import RuleCard
from .tensor_table import array_of

PICTURE_LIMIT = 1 << 14
RULE_REST_MS = 150
"""The numbers of a rule are asked for where one rests so long, so that walking on is never held up."""


class InspectorDock(Dock):
    """Inspector: what is selected, else the node where the walk stands. The newer of the two is shown."""

    key = "inspector"
    title = "Inspector"
    slot_opened = Signal(int, str)
    line_chosen = Signal(str, int)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.page = QWidget()
        self.column = QVBoxLayout(self.page)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(self.page)
        whole = QWidget()
        layout = QVBoxLayout(whole)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.area, 1)
        layout.addWidget(
            KeyHints([("F10", "step"), ("Shift F10", "back"), ("F5", "continue"), ("E", "edit")])
        )
        self.body = BlankOr("empty.inspector", whole)
        self.setWidget(self.body)
        self.rows: list[SlotRow] = []
        self.headline, self.subtitle = QLabel(), QLabel()
        self._shown: object = None
        self._focus: tuple[str, int] = ("", -1)
        self._node = -1
        self._last_here: object = None
        self._moment: object = None
        self._asked: dict[str, str] = {}
        self._serial = 0
        self._pictured: dict[str, object] = {}
        self.card: RuleCard | None = None
        self._rules_asked: dict[str, int] = {}
        self._rule_node = -1
        self.rest = QTimer(self)
        self.rest.setSingleShot(True)
        self.rest.setInterval(RULE_REST_MS)
        self.rest.timeout.connect(self._ask_now)
        self._rules_shown: dict[str, object] = {}

    # -- which node ------------------------------------------------------------------------------------------

    def _choose(self, changes: frozenset[str]) -> tuple[str, int]:
        """The newer of two: what was selected, and where the walk stands."""
        session = self.session
        chosen = (session.selection.kind, session.selection.id)
        here = session.here.id if session.here is not None else -1
        phase, serial = self._phase()
        place = (session.timeline.backward, session.timeline.position, here, phase, serial)
        moved, self._last_here = place != self._last_here, place
        if "selection" in changes and chosen[0]:
            return chosen
        if phase and (moved or self._focus[0] == phase):
            return (phase, serial)
        if self._focus[0] in ("forward", "optimizer"):
            self._focus = chosen
        if here >= 0 and (moved or not self._focus[0] or not chosen[0]):
            return ("node", here)
        if "selection" in changes or "graph" in changes or "replaced" in changes:
            return chosen
        return self._focus if self._focus[0] else chosen

    def _phase(self) -> tuple[str, int]:
        """'forward' or 'optimizer' with a number where the run stands there, else ''."""
        session = self.session
        standing = session.standing
        if standing is None or not session.timeline.following:
            return "", -1
        if standing.phase == "forward" and session.forward:
            return "forward", session.forward[-1].serial
        if standing.phase == "optimizer" and session.optimizer is not None:
            updates = session.optimizer_walk
            # Another parameter is another page.
            return "optimizer", (session.optimizer.step << 20) + (updates.position if updates else 0)
        return "", -1

    def look(self, changes: frozenset[str]) -> None:
        """Choose what to show; build its page if it is another; then fill in what is known."""
        if changes & {"replaced", "graph"}:
            self._shown = None
        self._focus = kind, number = self._choose(changes)
        info = self._info(number) if kind == "node" else None
        self.body.show_widget(bool(kind) and (kind != "node" or info is not None))
        if not kind or (kind == "node" and info is None):
            self._shown = None
            return
        key = (self.session.graph.hash, kind, number, bool(info and info.op), theme().name)
        if key != self._shown:
            self._shown = key
            self._build(kind, number, info)
            self._moment = None
        if info is not None:
            self._subtitle(info.node)
        elif kind == "edge":
            info = self._info(self.session.graph.edges[number].target)
        if info is not None:
            self._node = info.node.id
            self._fill(info)
        self._fill_rules()

    def _info(self, number: int) -> NodeInfo | None:
        """The node with its op: the one of its grad_fn, rather than a composite of the same name."""
        info = self.session.node_info(number)
        if info is not None and info.node.kind == "op":
            info.op = self.session.op_entry(info.node.name) or info.op
        return info

    # -- the page --------------------------------------------------------------------------------------------

    def _build(self, kind: str, number: int, info: NodeInfo | None) -> None:
        page = QWidget()
        self.column = QVBoxLayout(page)
        self.column.setContentsMargins(16, 16, 16, 8)
        self.column.setSpacing(12)
        self.rows = []
        self.card = None
        self._pictured.clear()
        self._rules_shown.clear()
        self.headline = QLabel()
        self.headline.setObjectName("Title")
        self.headline.setFont(font.title())
        self.headline.setWordWrap(True)
        self.subtitle = muted()
        self.subtitle.setTextFormat(Qt.TextFormat.RichText)
        self.subtitle.linkActivated.connect(self._link)
        head = QVBoxLayout()
        head.setSpacing(4)
        head.addWidget(self.headline)
        head.addWidget(self.subtitle)
        self.column.addLayout(head)
        if info is not None:
            self._build_node(info)
        elif kind == "edge":
            self._build_edge(number)
        elif kind == "forward":
            self._build_forward()
        elif kind == "optimizer":
            self._build_optimizer()
        else:
            self._build_module(number)
        self.column.addStretch(1)
        old = self.area.takeWidget()
        self.area.setWidget(page)
        self.page = page
        if old is not None:
            old.deleteLater()

    def _section(self, heading: str, whats: list[str], plain: list[str] | None = None) -> None:
        if not whats and not plain:
            return
        box = QVBoxLayout()
        box.setSpacing(8)
        box.addWidget(caption(heading))
        for what in whats:
            row = SlotRow(what)
            row.opened.connect(lambda w: self.slot_opened.emit(self._node, w))
            self.rows.append(row)
            box.addWidget(row)
        if plain:
            label = muted("   ".join(plain))
            label.setFont(font.mono(12))
            box.addWidget(label)
        self.column.addLayout(box)

    def _build_node(self, info: NodeInfo) -> None:
        node, op = info.node, info.op
        self.headline.setText(node.name)
        if op is not None and op.text:
            self.column.addWidget(muted(op.text))
        rules = rules_of(info, self.session.graph)
        if op is not None and op.formula and node.kind == "op":
            self.column.addWidget(RuleCard("Forward", [Rule(forward_formula(op, node), "", "")]))
        if rules:
            self._build_rules("Chain rule" if node.kind == "op" else "Accumulation", rules)
        if node.kind == "input":
            self._section("Value", ["value"])
            self.column.addWidget(muted("It does not require grad, so no gradient is computed for it."))
        elif node.kind == "leaf":
            self._section("Value", ["value"])
            self._section("Gradient in", ["incoming:0"])
            self._section("Its .grad", ["leaf_grad"])
        else:
            self._section("Gradient in", [f"incoming:{k}" for k in range(self._outputs(info))])
            self._section(
                "Saved for backward",
                [f"saved:{s.name}" for s in node.saved if not s.text],
                [f"{s.name} = {s.text}" for s in node.saved if s.text],
            )
            out = [e for e in info.inputs if self.session.graph.nodes[e.source].kind != "input"]
            self._section("Gradients out", [f"outgoing:{e.slot}" for e in out])

    @staticmethod
    def _outputs(info: NodeInfo) -> int:
        return max([len(info.node.incoming), 1, *(e.output + 1 for e in info.outputs)])

    def _build_edge(self, number: int) -> None:
        graph = self.session.graph
        edge = graph.edges[number]
        source, target = graph.nodes[edge.source], graph.nodes[edge.target]
        self.headline.setText(f"{source.name} → {target.name}")
        self.subtitle.setText(f"a value of shape {shape_text(edge.shape)}")
        info = self._info(target.id)
        if info is None or source.kind == "input":
            self.column.addWidget(muted("No gradient goes back along it."))
            return
        rules = rules_of(NodeInfo(info.node, info.op, [edge], info.outputs), graph)
        if rules:
            self._build_rules("Chain rule", rules)
        self._section("Gradient in", ["incoming:0"])
        self._section("Gradient back along it", [f"outgoing:{edge.slot}"])

    def _build_rules(self, heading: str, rules: list[Rule]) -> None:
        self.card = RuleCard(heading, rules)
        self.column.addWidget(self.card)

    def _build_forward(self) -> None:
        """The forward op that just ran: its formula, its result, and the ops before it."""
        ran = self.session.forward[-1]
        op = self.session.op_entry(ran.name) or self.session.op_entry(ran.op)
        self.headline.setText(ran.op)
        place = f"{Path(ran.file).name}:{ran.line}" if ran.line else ""
        words = ["forward", ran.module, place, ran.name]
        self.subtitle.setText(" &nbsp;·&nbsp; ".join(html.escape(w) for w in words if w))
        if op is not None and op.text:
            self.column.addWidget(muted(op.text))
        if op is not None and op.formula:
            self.column.addWidget(RuleCard("Forward", [Rule(op.formula, "", "")]))
        if ran.digest is not None:
            kind = ran.digest.dtype.removeprefix("torch.")
            self.column.addWidget(caption("Result"))
            self.column.addWidget(muted(f"{shape_text(ran.digest.shape)} {kind}\n{digest_line(ran.digest)}"))
        earlier = self.session.forward[-13:-1]
        if earlier:
            self.column.addWidget(caption("Before it"))
            lines = [
                f"{e.line:>4}  {e.op}  {shape_text(e.digest.shape) if e.digest else ''}" for e in earlier
            ]
            label = muted("\n".join(lines))
            label.setFont(font.mono(12))
            self.column.addWidget(label)

    def _build_optimizer(self) -> None:
        """The optimizer's step: which parameters it moves, and how fast."""
        step = self.session.optimizer
        assert step is not None
        updates = self.session.optimizer_walk
        if updates is not None and updates.current is not None:
            place = f"parameter {updates.position + 1} of {len(updates)}"
            rate = f"learning rate {figure(updates.current.lr)}"
            words = [step.optimizer, place, rate]
            if updates.current.after is not None:
                words.insert(1, shape_text(updates.current.after.shape))
            self.headline.setText(updates.current.name)
            self.subtitle.setText(" &nbsp;·&nbsp; ".join(html.escape(word) for word in words))
            build_parameter_page(updates, self.column)
            return
        self.headline.setText(step.optimizer)
        self.subtitle.setText(f"optimizer &nbsp;·&nbsp; step {step.step}")
        self.column.addWidget(caption("Learning rate"))
        self.column.addWidget(muted(", ".join(figure(lr) for lr in dict.fromkeys(step.lr)) or "–"))
        self.column.addWidget(caption("Parameters"))
        label = muted("\n".join(step.names) or "–")
        label.setFont(font.mono(12))
        self.column.addWidget(label)

    def _build_module(self, number: int) -> None:
        call = self.session.graph.modules[number]
        self.headline.setText(call.path or call.type)
        self.subtitle.setText(" · ".join(html.escape(t) for t in (call.type, call.detail) if t))
        names = [self.session.graph.nodes[i].name for i in call.nodes]
        self.column.addWidget(caption("Nodes inside"))
        self.column.addWidget(muted("\n".join(names) or "Only other modules."))

    # -- what is known now -----------------------------------------------------------------------------------

    def _fill(self, info: NodeInfo) -> None:
        node = info.node
        self._ask(node)
        for row in self.rows:
            tag = self._asked.get(row.what, "")
            answer = self.session.fetched.get(tag)
            wrong = self.session.fetch_errors.get(tag, "")
            digest = self._digest(node, row.what) or self._whole(answer)
            name, line = self._words(info, row.what, digest)
            if digest is None and answer is None:
                line = self._absence(node, row.what, wrong) if not line else line
            row.say(name, line)
            if answer is not None and self._pictured.get(row.what) is not answer:
                self._pictured[row.what] = answer
                signed = row.what.startswith(("incoming", "outgoing", "leaf_grad")) or None
                row.heat.set_values(array_of(answer.data, answer.dtype, tuple(answer.shape)), signed)
            elif answer is None and not row.heat.is_empty and wrong:
                row.heat.set_values(None)

    def _subtitle(self, node: Node) -> None:
        graph = self.session.graph
        words = []
        if 0 <= node.module < len(graph.modules):
            call = graph.modules[node.module]
            words.append(html.escape(" · ".join(t for t in (call.path.rpartition(".")[2], call.type) if t)))
        if node.line:
            accent = theme().hex("accent")
            place = html.escape(f"{Path(node.file).name}:{node.line}")
            words.append(f'<a href="line" style="color:{accent};text-decoration:none">{place}</a>')
        if node.kind == "leaf":
            words.append(f"leaf · {shape_text(node.shape)} {node.dtype.removeprefix('torch.')}")
        elif node.kind == "input":
            words.append(f"{shape_text(node.shape)} {node.dtype.removeprefix('torch.')}")
        if node.duration_ns:
            words.append(duration_text(node.duration_ns))
        text = " &nbsp;·&nbsp; ".join(words)
        if self.subtitle.text() != text:
            self.subtitle.setText(text)

    def _link(self, _: str) -> None:
        node = self.session.node(self._focus[1])
        if node is not None:
            self.line_chosen.emit(node.file, node.line)

    def _digest(self, node: Node, what: str) -> Digest | None:
        kind, _, place = what.partition(":")
        if kind == "value":
            return node.value
        if kind == "leaf_grad":
            return node.grad
        parts = {"incoming": node.incoming, "outgoing": node.outgoing}.get(kind, ())
        if place.isdigit() and int(place) < len(parts):
            return parts[int(place)]
        return node.grad if what == "incoming:0" and node.kind == "op" else None

    @staticmethod
    def _whole(answer: TensorFetched | None) -> Digest | None:
        if answer is None or answer.whole is not None:
            return answer.whole if answer is not None else None
        return digest_of(array_of(answer.data, answer.dtype, tuple(answer.shape)), answer.dtype)

    def _words(self, info: NodeInfo, what: str, digest: Digest | None) -> tuple[str, str]:
        node, graph = info.node, self.session.graph
        kind, _, place = what.partition(":")
        line = digest_line(digest) if digest is not None else ""
        shape = digest.shape if digest is not None else node.shape
        dtype = (digest.dtype if digest is not None else node.dtype).removeprefix("torch.")
        if kind == "saved":
            part = next((s for s in node.saved if s.name == place), None)
            if part is not None and digest is None:
                shape, dtype = part.shape, part.dtype.removeprefix("torch.")
            return self._mono(place, f"{shape_text(shape)} {dtype}"), line
        if kind == "incoming":
            name = "∂L/∂y" if node.kind == "op" else "∂L/∂w"
            if place != "0":
                name += place
            return self._mono(name, f"{shape_text(shape)} {dtype}"), line
        if kind == "outgoing":
            edge = next((e for e in info.inputs if e.slot == int(place)), None)
            target = graph.nodes[edge.source] if edge is not None else None
            name = html.escape(target.name if target is not None else input_name(info.op, int(place)))
            if target is not None and target.kind == "leaf":
                name = f'<span style="color:{theme().hex("leaf_text")}">{name}</span>'
            out = shape_text(edge.shape if edge is not None else ())
            if digest is not None:
                line = f"norm {figure(digest.norm)}" + self._after(node, target, digest)
            return f"→ {name} &nbsp;{out}", line
        name = {"value": "value", "leaf_grad": ".grad"}.get(kind, kind)
        return self._mono(name, f"{shape_text(shape)} {dtype}"), line

    @staticmethod
    def _mono(name: str, rest: str) -> str:
        return f"{html.escape(name)} &nbsp;{html.escape(rest)}"

    @staticmethod
    def _after(node: Node, target: Node | None, digest: Digest) -> str:
        odd = "".join(f" · {n} {w}" for n, w in ((digest.nans, "NaN"), (digest.infs, "Inf")) if n)
        if target is not None and target.kind == "leaf":
            return " · adds to .grad" + odd
        incoming = next((d for d in node.incoming if d is not None), None)
        if incoming is not None and incoming.norm:
            return f" · gain {figure(digest.norm / incoming.norm, 2)}" + odd
        return odd

    def _absence(self, node: Node, what: str, wrong: str) -> str:
        if what.startswith("outgoing") and node.state is not NodeState.DONE:
            return "known after this step" if node.state is NodeState.HERE else "not reached yet"
        if what.startswith(("incoming", "leaf_grad")) and node.state is NodeState.TO_COME:
            return "not reached yet"
        if what.startswith("outgoing"):
            return wrong or "no gradient here"
        return wrong or ("pause to look inside" if self.session.state == "running" else "")

    # -- numbers ---------------------------------------------------------------------------------------------

    def _ask(self, node: Node) -> None:
        """Ask for the pictures once at each place where the walk stands."""
        session = self.session
        timeline = session.timeline
        moment = (self._shown, timeline.backward, timeline.position, session.state, len(session.edits))
        if moment == self._moment or session.state == "running":
            return
        self._moment = moment
        self._ask_rules(node.id)
        self._serial += 1
        for tag in self._asked.values():
            session.fetched.pop(tag, None)
            session.fetch_errors.pop(tag, None)
        self._asked = {}
        for row in self.rows:
            if row.what.startswith("outgoing") and node.state is not NodeState.DONE:
                continue
            if row.what.startswith("incoming") and node.state is NodeState.TO_COME:
                continue
            tag = f"inspector:{row.what}:{self._serial}"
            self._asked[row.what] = tag
            session.fetch(tag, node.id, row.what, (), PICTURE_LIMIT)

    def _ask_rules(self, node: int) -> None:
        """Have the engine tell the rules of the card with the numbers of this moment, once one rests here."""
        session = self.session
        for tag in self._rules_asked:
            session.explained.pop(tag, None)
            session.fetch_errors.pop(tag, None)
        self._rules_asked = {}
        self._rule_node = node
        self.rest.start()

    def _ask_now(self) -> None:
        session, node = self.session, self._rule_node
        if self.card is None or session.state != "paused" or not session.timeline.following:
            return
        for rule in self.card.rules:
            if rule.slot >= 0:
                tag = f"rule:{node}:{rule.slot}"
                self._rules_asked[tag] = rule.slot
                session.explain(tag, "rule", node, slot=rule.slot)

    def _fill_rules(self) -> None:
        session = self.session
        if self.card is None:
            return
        if session.state != "paused" or not session.timeline.following:
            self._rules_shown.clear()
            for rule in self.card.rules:
                self.card.show_rule(rule)
            return
        for tag, slot in self._rules_asked.items():
            answer = session.explained.get(tag)
            if isinstance(answer, RuleTold) and self._rules_shown.get(tag) is not answer:
                self._rules_shown[tag] = answer
                rule = next(r for r in self.card.rules if r.slot == slot)
                self.card.show_rule(told(rule, answer, session.node(answer.node)))

    def retheme(self) -> None:
        """Set the page anew in the colours of the theme."""
        if getattr(self, "_shown", None) is not None:
            self._shown = None
            self.tell(frozenset({"cursor"}))
