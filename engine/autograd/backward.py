"""The backward walk: from the roots, always the youngest node that is ready."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from engine.autograd import modes
from engine.autograd import node as nodes
from engine.autograd.node import AccumulateGrad, Node, edge


class BackwardRun:
    """One call of backward, as an object that can be stepped.

    `ready` holds the nodes that can run, youngest first; `buffers` the gradients that have arrived so far. A
    debugger drives it with step(); everybody else with finish(). state() and restore() go back to any earlier
    point, as long as keep_saved stands (saved tensors are then let go by close() alone)."""

    keep_saved = False
    needed: set | None = None
    _wanted: set | frozenset = frozenset()
    _stops: set | frozenset = frozenset()
    _tie = 0

    def __init__(self, roots: list[tuple[Node, int]], grads: list, *, keep_graph: bool, create_graph: bool,
                 captures: list[tuple[Node, int]] | None = None, accumulate_only: set | None = None) -> None:
        self.roots = roots
        self.keep_graph, self.create_graph, self.captures = keep_graph, create_graph, captures
        self.captured: dict = {}
        self.buffers: dict[Node, list] = {}
        self.ready: list[tuple[int, int, Node]] = []
        self.waiting: dict[Node, int] = {}
        self.done: list[Node] = []
        self._count()
        if captures is not None or accumulate_only is not None:
            self._aim(captures, accumulate_only)
        for (fn, nr), g in zip(roots, grads):
            self._arrive(fn, nr, g)
        waiting = self.waiting
        for fn in {fn: None for fn, _ in roots}:
            if waiting[fn] == 0:
                self._push(fn)

    def _aim(self, captures: list[tuple[Node, int]] | None, accumulate_only: set | None) -> None:
        """Only what leads to these has to run."""
        targets = set() if captures is None else {n for n, _ in captures}
        if accumulate_only is not None:
            targets |= accumulate_only
        self.needed = self._on_the_way_to(targets)
        self._wanted = set(captures or ())
        self._stops = set() if captures is None else {c for c in captures if isinstance(c[0], AccumulateGrad)}

    def _count(self) -> None:
        """How many edges lead to each node from nodes that will run."""
        waiting = self.waiting
        for fn, _ in self.roots:
            waiting[fn] = 0
        stack = list(waiting)
        while stack:
            for fn, _ in stack.pop().next_functions:
                if fn is not None:
                    if fn in waiting:
                        waiting[fn] += 1
                    else:
                        waiting[fn] = 1
                        if fn.next_functions:
                            stack.append(fn)

    def _on_the_way_to(self, targets: set) -> set:
        """Nodes from which a target can be reached."""
        producers: dict[Node, list[Node]] = {}
        stack, seen = [fn for fn, _ in self.roots], {fn for fn, _ in self.roots}
        while stack:
            n = stack.pop()
            for fn, _ in n.next_functions:
                if fn is not None:
                    producers.setdefault(fn, []).append(n)
                    if fn not in seen:
                        seen.add(fn)
                        stack.append(fn)
        found = set(targets)
        stack = list(targets)
        while stack:
            for n in producers.get(stack.pop(), ()):
                if n not in found:
                    found.add(n)
                    stack.append(n)
        return found

    def _push(self, fn: Node) -> None:
        self._tie += 1
        heapq.heappush(self.ready, (-fn.sequence, self._tie, fn))

    def _arrive(self, fn: Node, nr: int, g: Any) -> None:
        buffer = self.buffers.get(fn)
        if buffer is None:
            if nr == 0 and fn.metas is None:
                self.buffers[fn] = [g]
                return
            buffer = self.buffers[fn] = [None] * max(fn.outputs, nr + 1)
        have = buffer[nr]
        buffer[nr] = g if have is None else have if g is None else have + g

    @property
    def next_node(self) -> Node | None:
        """The node that step() will run, or None at the end."""
        while self.ready:
            node = self.ready[0][2]
            if self.needed is None or node in self.needed:
                return node
            self._skip()
        return None

    def _skip(self) -> None:
        node = heapq.heappop(self.ready)[2]
        self.buffers.pop(node, None)
        for fn, _ in node.next_functions:
            if fn is not None:
                self._one_less(fn)

    def _one_less(self, fn: Node) -> None:
        left = self.waiting[fn] = self.waiting[fn] - 1
        if left == 0:
            self._push(fn)

    def incoming(self) -> list:
        """The gradients that stand before the next node."""
        node = self.next_node
        return [] if node is None else self.buffers.get(node, [None] * node.outputs)

    def step(self) -> tuple[Node, list, Any]:
        """Run one node: (node, gradients that came in, gradients that go out, one for each edge)."""
        node = self.next_node
        assert node is not None
        heapq.heappop(self.ready)
        grads = self.buffers.pop(node, None) or [None] * node.outputs
        if node.tensor_hooks is not None or node.pre_hooks is not None or node.retained is not None:
            grads = before(node, grads)
        if self.captures is not None:
            for nr, g in enumerate(grads):
                if (node, nr) in self._wanted:
                    self.captured[node, nr] = g
            if (node, 0) in self._stops or not node.next_functions:
                return node, grads, ()
        if all(g is None for g in grads):
            out: Any = (None,) * len(node.next_functions)
        else:
            out = self._apply(node, grads)
        if node.post_hooks:
            out = after(node, out, grads)
        if not self.keep_graph and not self.keep_saved:
            node.release()
        elif self.keep_saved:
            self.done.append(node)
        for (fn, nr), g in zip(node.next_functions, out):
            if fn is not None:
                if g is not None:
                    self._arrive(fn, nr, g)
                self._one_less(fn)
        return node, grads, out

    def _apply(self, node: Node, grads: list) -> Any:
        if not modes.anomaly:
            return node.apply(grads)
        try:
            out = node.apply(grads)
        except Exception as e:
            raise with_forward_line(e, node) from e
        for i, g in enumerate(out):
            if g is not None and np.isnan(np.asarray(g._a)).any():
                raise with_forward_line(
                    RuntimeError(f"Function '{node.name()}' returned nan values in its {i}th output."), node)
        return out

    def finish(self, trace: list | None = None, until: Collection = ()) -> int:
        """Run all that is left, or until something is in `until`; how many nodes ran.

        trace: takes what step() gives for each."""
        count = 0
        if self.needed is None and self.captures is None and not self.keep_saved and not modes.anomaly:
            count = self._finish_all(trace, until)
        while not until and self.next_node is not None:
            done = self.step()
            count += 1
            if trace is not None:
                trace.append(done)
        return count

    def _finish_all(self, trace: list | None, until: Collection) -> int:
        """finish() for the common call: every node runs, nothing is captured or put back."""
        count = 0
        ready, buffers, waiting, keep = self.ready, self.buffers, self.waiting, self.keep_graph
        push, pop = heapq.heappush, heapq.heappop
        tie = self._tie
        while ready and not until:
            count += 1
            node = pop(ready)[2]
            grads = buffers.pop(node, None)
            if grads is None:
                grads = [None] * node.outputs
            if node.tensor_hooks is not None or node.pre_hooks is not None or node.retained is not None:
                grads = before(node, grads)
            out: Any
            if grads[0] is None and all(g is None for g in grads):
                out = (None,) * len(node.next_functions)
            else:
                out = node.apply(grads)
            if node.post_hooks:
                out = after(node, out, grads)
            if not keep:
                node.release()
            for (fn, nr), g in zip(node.next_functions, out):
                if fn is None:
                    continue
                if g is not None:
                    buffer = buffers.get(fn)
                    if buffer is None and nr == 0 and fn.metas is None:
                        buffers[fn] = [g]
                    else:
                        self._arrive(fn, nr, g)
                left = waiting[fn] = waiting[fn] - 1
                if left == 0:
                    tie += 1
                    push(ready, (-fn.sequence, tie, fn))
                    self._tie = tie
            if trace is not None:
                trace.append((node, grads, out))
            # A leaf takes a gradient that nobody else holds as its own: these must not hold it.
            grads = out = g = buffer = None
        return count

    def drive(self) -> None:
        """Run to the end with grad mode as asked, under the observer's eye where there is one."""
        before_mode = modes.grad_enabled
        modes.grad_enabled = self.create_graph
        try:
            if modes.observer is None:
                self.finish()
            else:
                modes.observer.drive(self)
        finally:
            modes.grad_enabled = before_mode
            self.close()

    def close(self) -> None:
        """Let go of saved tensors that were kept for going back."""
        if self.keep_saved and not self.keep_graph:
            for node in self.done:
                node.release()
        self.done = []

    def state(self) -> tuple:
        """All that step() changes in this run (leaves' .grad are the caller's to keep)."""
        return (list(self.ready), {n: list(b) for n, b in self.buffers.items()}, dict(self.waiting),
                dict(self.captured), len(self.done), self._tie)

    def restore(self, state: tuple) -> None:
        """Go back to what state() gave."""
        ready, buffers, waiting, captured, done, self._tie = state
        self.ready, self.waiting, self.captured = list(ready), dict(waiting), dict(captured)
        self.buffers = {n: list(b) for n, b in buffers.items()}
        del self.done[done:]


def with_forward_line(error: Exception, node: Node) -> Exception:
    """The error, with the forward line of the node that failed."""
    if not node.made_at:
        return error
    inside = [f for f in node.made_at if "/engine/" not in f.filename.replace("\\", "/")]
    where = (inside or node.made_at)[-1]
    return type(error)(f"{error} It was recorded at {where.filename}:{where.lineno}: {where.line}")


def before(node: Node, grads: list) -> list:
    """Tensor hooks, pre-hooks and retain_grad of a node, in PyTorch's order."""
    grads = list(grads)
    if node.tensor_hooks is not None:
        for nr, hooks in list(node.tensor_hooks.items()):
            if nr < len(grads) and grads[nr] is not None:
                for hook in list(hooks.values()):
                    changed = hook(grads[nr])
                    if changed is not None:
                        grads[nr] = changed
    if node.pre_hooks:
        for hook in list(node.pre_hooks.values()):
            changed = hook(tuple(grads))
            if changed is not None:
                grads = list(changed) if isinstance(changed, (tuple, list)) else [changed]
    if node.retained is not None:
        for nr, ref in node.retained.items():
            t = ref()
            if t is not None and grads[nr] is not None:
                have = t.__dict__.get("grad")
                t.grad = grads[nr].clone() if have is None else have + grads[nr]
    return grads


def after(node: Node, out: Any, grads: list) -> Any:
    """Post-hooks of a node."""
    for hook in list(node.post_hooks.values()):
        changed = hook(tuple(out), tuple(grads))
        if changed is not None:
            out = changed if isinstance(changed, (tuple, list)) else (changed,)
    return out


def root_gradient(t: Any, g: Any, what: str = "grad") -> Any:
    """The gradient to start from at `t`: the given one, or 1 for a scalar.

    Raises: RuntimeError where none can be made, or shapes differ."""
    Tensor = nodes.Tensor
    if g is None:
        if not t._rg:
            raise RuntimeError("element 0 of tensors does not require grad and does not have a grad_fn")
        if t.numel() != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        if t._a.dtype.kind not in "fc" and t._a.dtype.name != "bfloat16":
            raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got "
                               f"{t.dtype}")
        return Tensor._of(t._a.dtype.type(1) if t._a.ndim == 0 else np.ones(t._a.shape, t._a.dtype))
    if tuple(g.shape) != tuple(t.shape):
        raise RuntimeError(f"Mismatch in shape: grad_output[0] has a shape of {g.shape} and output[0] has a "
                           f"shape of "
                           f"{t.shape}.")
    return g


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add to .grad of the leaves the gradient of the sum of `tensors` (each weighed by its grad_tensor).

    Source: torch.autograd.backward"""
    ts = _listed(tensors)
    gs = _listed(grad_tensors if grad_tensors is not None else grad_variables) or [None] * len(ts)
    if inputs is not None:
        inputs = _listed(inputs)
        if not inputs:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    if len(ts) != len(gs):
        raise RuntimeError(f"got {len(ts)} tensors and {len(gs)} gradients")
    roots: list[Any] = []
    grads: list[Any] = []
    for t, g in zip(ts, gs):
        grads.append(root_gradient(t, g))
        if not t._rg:
            raise RuntimeError("element 0 of tensors does not require grad and does not have a grad_fn")
        roots.append(edge(t))
    only = None
    if inputs is not None:
        only = set()
        for t in inputs:
            fn, nr = edge(t)
            if fn is None:
                raise RuntimeError("One of the differentiated Tensors does not require grad")
            if t._fn is not None:
                t.retain_grad()
            only.add(fn)
    keep = create_graph if retain_graph is None else retain_graph
    BackwardRun(roots, grads, keep_graph=keep, create_graph=create_graph, accumulate_only=only).drive()


def grad(outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool | None = None,
         create_graph: bool = False, only_inputs: bool = True, allow_unused: bool | None = None,
         is_grads_batched: bool = False, materialize_grads: bool = False) -> tuple:
    """The gradients of `outputs` with respect to `inputs`, given back instead of accumulated.

    Source: torch.autograd.grad"""
    outs, ins = _listed(outputs), _listed(inputs)
    gs = _listed(grad_outputs) or [None] * len(outs)
    if is_grads_batched:
        return _batched_grad(outs, ins, gs, retain_graph, create_graph, allow_unused)
    roots: list[Any] = []
    grads: list[Any] = []
    for t, g in zip(outs, gs):
        g = root_gradient(t, g)
        if not t._rg:
            raise RuntimeError("element 0 of tensors does not require grad and does not have a grad_fn")
        roots.append(edge(t))
        grads.append(g)
    wanted = []
    for t in ins:
        if not t._rg:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
        wanted.append(edge(t))
    keep = create_graph if retain_graph is None else retain_graph
    run = BackwardRun(roots, grads, keep_graph=keep, create_graph=create_graph, captures=wanted)  # type: ignore[arg-type]
    run.drive()
    found = []
    for t, w in zip(ins, wanted):
        g = run.captured.get(w)
        if g is None and materialize_grads:
            g = nodes.Tensor._of(np.zeros(t.shape, t._a.dtype))
        if g is None and not allow_unused:
            raise RuntimeError("One of the differentiated Tensors appears to not have been used in the "
                               "graph. Set "
                               "allow_unused=True if this is the desired behavior.")
        found.append(g)
    return tuple(found)


def _batched_grad(
    outs: list, ins: list, gs: list, retain: bool | None, create: bool, unused: bool | None
) -> tuple:
    """vmap over the first dimension of grad_outputs: one walk for each, stacked."""
    n = gs[0].shape[0]
    rows = [grad(outs, ins, [g[i] for g in gs], True if i < n - 1 else retain, create, allow_unused=unused)
            for i in range(n)]
    from engine import stack

    return tuple(None if col[0] is None else stack(list(col)) for col in zip(*rows))


def _listed(x: Any) -> list:
    if x is None:
        return []
    if isinstance(x, (tuple, list)):
        return list(x)
    if isinstance(x, nodes.Tensor):
        return [x]
    return list(x) if isinstance(x, Sequence) or hasattr(x, "__iter__") else [x]
