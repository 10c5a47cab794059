"""Graphs made by hand, as the engine would send them: to test layout and canvas and to look at them."""

from __future__ import annotations

from app.session.graph import Edge, Graph, ModuleCall, Node, NodeState
from engine.protocol.event import Digest, SavedPart


class GraphMaker:
    """Collects nodes, edges and modules into a `Graph`."""

    def __init__(self, name: str) -> None:
        self.graph = Graph(hash=name)

    def module(self, path: str, type_name: str, parent: int = -1, detail: str = "") -> int:
        """Number of a new module call."""
        modules = self.graph.modules
        modules.append(ModuleCall(len(modules), path, type_name, parent, detail))
        if parent >= 0:
            modules[parent].children.append(len(modules) - 1)
        return len(modules) - 1

    def node(self, kind: str, name: str, module: int = -1, shape: tuple[int, ...] = (),
             saved: tuple[str, ...] = (), text: str = "") -> int:
        """Number of a new node."""
        nodes = self.graph.nodes
        parts = tuple(SavedPart(part, shape, "float32") for part in saved)
        nodes.append(Node(len(nodes), kind, name, "", shape, "float32", module, "script.py", len(nodes) + 1,
                          parts, text))
        if module >= 0:
            self.graph.modules[module].nodes.append(len(nodes) - 1)
        return len(nodes) - 1

    def op(self, name: str, inputs: list[int], module: int = -1, shape: tuple[int, ...] = (),
           saved: tuple[str, ...] = (), text: str = "") -> int:
        """Number of a new op node that takes the results of `inputs`."""
        node = self.node("op", name, module, shape, saved, text)
        for slot, source in enumerate(inputs):
            edges = self.graph.edges
            edges.append(Edge(len(edges), source, node, slot, 0, self.graph.nodes[source].shape))
        return node

    def leaf(self, name: str, module: int = -1, shape: tuple[int, ...] = ()) -> int:
        """Number of a new leaf with gradient."""
        return self.node("leaf", name, module, shape)

    def input(self, name: str, shape: tuple[int, ...] = ()) -> int:
        """Number of a new tensor without gradient."""
        return self.node("input", name, -1, shape)

    def done(self, root: int) -> Graph:
        """The graph, with the order in which backward runs it."""
        self.graph.root = root
        self.graph.order = [n.id for n in reversed(self.graph.nodes) if n.kind != "input"]
        return self.graph

    def linear(self, source: int, path: str, name: str, parent: int, sizes: tuple[int, int],
               rows: tuple[int, ...]) -> int:
        """A linear layer as its own module; the result's node."""
        module = self.module(path, "Linear", parent, f"{sizes[0]} → {sizes[1]}")
        bias = self.leaf(f"{name}.bias", module, (sizes[1],))
        weight = self.leaf(f"{name}.weight", module, (sizes[1], sizes[0]))
        turned = self.op("TBackward0", [weight], module, (sizes[0], sizes[1]))
        return self.op("AddmmBackward0", [bias, source, turned], module, (*rows, sizes[1]),
                       ("mat1", "mat2"), "y = x Wᵀ + b")


def quickstart() -> Graph:
    """One linear layer and a mean squared error."""
    make = GraphMaker("quickstart")
    module = make.module("linear", "Linear", -1, "3 → 2")
    bias = make.leaf("linear.bias", module, (2,))
    x = make.input("input", (10, 3))
    weight = make.leaf("linear.weight", module, (2, 3))
    turned = make.op("TBackward0", [weight], module, (3, 2))
    addmm = make.op("AddmmBackward0", [bias, x, turned], module, (10, 2), ("mat1", "mat2"), "y = x Wᵀ + b")
    label = make.input("label", (10, 2))
    return make.done(make.op("MseLossBackward0", [addmm, label], -1, (), ("self", "target")))


def two_layers() -> Graph:
    """The network of the mock-up: Linear, ReLU, Linear and a mean squared error."""
    make = GraphMaker("two layers")
    x = make.leaf("x", -1, (2, 5))
    last = x
    for number, sizes in ((0, (5, 16)), (2, (16, 6))):
        module = make.module(f"model.{number}", "Linear", -1, f"{sizes[0]} → {sizes[1]}")
        weight = make.leaf(f"{number}.weight", module, (sizes[1], sizes[0]))
        bias = make.leaf(f"{number}.bias", module, (sizes[1],))
        last = make.op("AddmmBackward0", [bias, last, weight], module, (2, sizes[1]), ("self", "mat2"))
        if number == 0:
            relu = make.module("model.1", "ReLU")
            last = make.op("ReluBackward0", [last], relu, (2, 16), ("result",))
    y = make.input("y", (2, 6))
    return make.done(make.op("MseLossBackward0", [last, y], -1, (), ("self", "target")))


def _convolution(make: GraphMaker, source: int, path: str, parent: int, shape: tuple[int, ...]) -> int:
    module = make.module(path, "Conv2d", parent, "3×3")
    weight = make.leaf(f"{path}.weight", module, (shape[1], shape[1], 3, 3))
    return make.op("ConvolutionBackward0", [source, weight], module, shape, ("input", "weight"))


def _normalization(make: GraphMaker, source: int, path: str, parent: int, shape: tuple[int, ...]) -> int:
    module = make.module(path, "BatchNorm2d", parent, str(shape[1]))
    weight = make.leaf(f"{path}.weight", module, (shape[1],))
    bias = make.leaf(f"{path}.bias", module, (shape[1],))
    return make.op("NativeBatchNormBackward0", [source, weight, bias], module, shape, ("input",))


def resnet18() -> Graph:
    """A residual network of 18 layers: stem, eight blocks of two convolutions, one linear layer."""
    make = GraphMaker("resnet18")
    model = make.module("model", "ResNet")
    x = make.input("x", (8, 3, 224, 224))
    last = _convolution(make, x, "model.conv1", model, (8, 64, 112, 112))
    last = _normalization(make, last, "model.bn1", model, (8, 64, 112, 112))
    last = make.op("ReluBackward0", [last], make.module("model.relu", "ReLU", model), (8, 64, 112, 112))
    last = make.op("MaxPool2DWithIndicesBackward0", [last],
                   make.module("model.maxpool", "MaxPool2d", model), (8, 64, 56, 56))
    for layer in range(1, 5):
        group = make.module(f"model.layer{layer}", "Sequential", model)
        shape = (8, 32 << layer, 112 >> layer, 112 >> layer)
        for number in range(2):
            path = f"model.layer{layer}.{number}"
            block = make.module(path, "BasicBlock", group)
            skip = last
            last = _convolution(make, last, f"{path}.conv1", block, shape)
            last = _normalization(make, last, f"{path}.bn1", block, shape)
            last = make.op("ReluBackward0", [last], make.module(f"{path}.relu", "ReLU", block), shape)
            last = _convolution(make, last, f"{path}.conv2", block, shape)
            last = _normalization(make, last, f"{path}.bn2", block, shape)
            if layer > 1 and number == 0:
                down = make.module(f"{path}.downsample", "Sequential", block)
                skip = _convolution(make, skip, f"{path}.downsample.0", down, shape)
                skip = _normalization(make, skip, f"{path}.downsample.1", down, shape)
            last = make.op("AddBackward0", [last, skip], block, shape)
            last = make.op("ReluBackward0", [last], make.module(f"{path}.relu", "ReLU", block), shape)
    last = make.op("MeanBackward1", [last], make.module("model.avgpool", "AdaptiveAvgPool2d", model),
                   (8, 512, 1, 1))
    last = make.op("ViewBackward0", [last], model, (8, 512))
    last = make.linear(last, "model.fc", "fc", model, (512, 1000), (8,))
    loss = make.module("loss_fn", "CrossEntropyLoss")
    last = make.op("LogSoftmaxBackward0", [last], loss, (8, 1000), ("result",))
    target = make.input("target", (8,))
    return make.done(make.op("NllLossBackward0", [last, target], loss, (), ("self", "target")))


def gpt(blocks: int = 96, width: int = 768) -> Graph:
    """A transformer of `blocks` blocks, some 69 nodes each: 96 give about 6,600."""
    make = GraphMaker(f"gpt{blocks}")
    rows = (4, 128)
    model = make.module("model", "GPT", -1, f"{blocks} blocks")
    tokens = make.input("tokens", rows)
    embedding = make.module("model.wte", "Embedding", model, f"50257 × {width}")
    table = make.leaf("wte.weight", embedding, (50257, width))
    last = make.op("EmbeddingBackward0", [table, tokens], embedding, (*rows, width))
    mask = make.input("mask", (128, 128))
    positions = make.leaf("wpe.weight", model, (128, width))
    last = make.op("AddBackward0", [last, positions], model, (*rows, width))
    group = make.module("model.blocks", "Sequential", model)
    for number in range(blocks):
        path = f"model.blocks.{number}"
        block = make.module(path, "Block", group)
        skip = last
        last = _layer_norm(make, last, f"{path}.ln1", block, (*rows, width))
        attention = make.module(f"{path}.attn", "Attention", block, "12 heads")
        parts = []
        for name in ("q", "k", "v"):
            part = make.op("ViewBackward0", [last], attention, (512, width))
            part = make.linear(part, f"{path}.attn.{name}", f"{path}.attn.{name}", attention, (width, width),
                               (512,))
            part = make.op("ViewBackward0", [part], attention, (*rows, width))
            part = make.op("ViewBackward0", [part], attention, (*rows, 12, width // 12))
            parts.append(make.op("TransposeBackward0", [part], attention, (4, 12, 128, width // 12)))
        turned = make.op("TransposeBackward1", [parts[1]], attention, (4, 12, width // 12, 128))
        score = make.op("UnsafeViewBackward0", [make.op(
            "BmmBackward0", [parts[0], turned], attention, (48, 128, 128), ("self", "mat2"))], attention)
        score = make.op("DivBackward0", [score], attention, (4, 12, 128, 128))
        score = make.op("MaskedFillBackward0", [score, mask], attention, (4, 12, 128, 128))
        score = make.op("SoftmaxBackward0", [score], attention, (4, 12, 128, 128), ("result",))
        mixed = make.op("BmmBackward0", [score, parts[2]], attention, (48, 128, width // 12),
                        ("self", "mat2"))
        mixed = make.op("TransposeBackward0", [mixed], attention, (4, 128, 12, width // 12))
        mixed = make.op("CloneBackward0", [mixed], attention, (4, 128, 12, width // 12))
        mixed = make.op("UnsafeViewBackward0", [mixed], attention, (512, width))
        last = make.linear(mixed, f"{path}.attn.proj", f"{path}.attn.proj", attention, (width, width), (512,))
        last = make.op("ViewBackward0", [last], attention, (*rows, width))
        skip = last = make.op("AddBackward0", [skip, last], block, (*rows, width))
        last = _layer_norm(make, last, f"{path}.ln2", block, (*rows, width))
        mlp = make.module(f"{path}.mlp", "MLP", block)
        last = make.linear(last, f"{path}.mlp.fc", f"{path}.mlp.fc", mlp, (width, 4 * width), rows)
        last = make.op("GeluBackward0", [last], make.module(f"{path}.mlp.act", "GELU", mlp),
                       (*rows, 4 * width))
        last = make.linear(last, f"{path}.mlp.proj", f"{path}.mlp.proj", mlp, (4 * width, width), rows)
        last = make.op("AddBackward0", [skip, last], block, (*rows, width))
    last = _layer_norm(make, last, "model.ln_f", model, (*rows, width))
    head = make.module("model.lm_head", "Linear", model, f"{width} → 50257")
    turned = make.op("TBackward0", [table], head, (width, 50257))
    last = make.op("MmBackward0", [last, turned], head, (512, 50257), ("self", "mat2"))
    last = make.op("LogSoftmaxBackward0", [last], -1, (512, 50257), ("result",))
    target = make.input("target", (512,))
    return make.done(make.op("NllLossBackward0", [last, target], -1, (), ("self", "target")))


def _layer_norm(make: GraphMaker, source: int, path: str, parent: int, shape: tuple[int, ...]) -> int:
    module = make.module(path, "LayerNorm", parent, str(shape[-1]))
    weight = make.leaf(f"{path}.weight", module, (shape[-1],))
    bias = make.leaf(f"{path}.bias", module, (shape[-1],))
    return make.op("NativeLayerNormBackward0", [source, weight, bias], module, shape, ("input",))


def chain(nodes: int = 100_000, grouped: bool = True) -> Graph:
    """A chain of residual blocks of ten nodes, up to `nodes`; ungrouped it is one level of all."""
    make = GraphMaker(f"chain{nodes}{grouped}")
    last = make.input("x", (8, 64))
    stages: dict[int, int] = {}
    for number in range(max(1, nodes // 10)):
        module = -1
        if grouped:
            stage = number // 100
            if stage not in stages:
                stages[stage] = make.module(f"stage{stage}", "Sequential")
            module = make.module(f"stage{stage}.{number}", "Block", stages[stage], "64")
        skip = last
        for part in range(3):
            weight = make.leaf(f"{number}.{part}.weight", module, (64, 64))
            last = make.op("MmBackward0", [last, weight], module, (8, 64), ("self", "mat2"))
            last = make.op("TanhBackward0", [last], module, (8, 64), ("result",))
        last = make.op("AddBackward0", [skip, last], module, (8, 64))
    return make.done(make.op("SumBackward0", [last], -1, ()))


def recurrent(steps: int = 40) -> Graph:
    """A recurrent cell whose one weight is used at every step: a hub."""
    make = GraphMaker(f"recurrent{steps}")
    weight = make.leaf("weight", -1, (8, 8))
    turned = make.op("TBackward0", [weight], -1, (8, 8))
    last = make.input("h0", (1, 8))
    for _ in range(steps):
        last = make.op("TanhBackward0", [make.op("MmBackward0", [last, turned], -1, (1, 8))], -1, (1, 8))
    return make.done(make.op("SumBackward0", [last], -1, ()))


def diamond() -> Graph:
    """Raw tensors with several ways from leaf to loss: what a first lesson draws."""
    make = GraphMaker("diamond")
    w, x, b = make.leaf("w"), make.leaf("x"), make.leaf("b")
    y = make.op("AddBackward0", [make.op("MulBackward0", [w, x], saved=("self", "other")), b])
    branches = [make.op(name, [y], saved=("result",)) for name in ("TanhBackward0", "SigmoidBackward0",
                                                                   "ExpBackward0")]
    both = make.op("MulBackward0", branches[:2], saved=("self", "other"))
    return make.done(make.op("AddBackward0", [both, branches[2], y]))


def walked(graph: Graph, position: int) -> Graph:
    """The same graph with the walk standing before node `position` of its order."""
    for node in graph.nodes:
        node.state, node.incoming, node.outgoing, node.grad = NodeState.TO_COME, (), (), None
    for edge in graph.edges:
        edge.grad = None
    for place, node_id in enumerate(graph.order[: position + 1]):
        node = graph.nodes[node_id]
        node.state = NodeState.DONE if place < position else NodeState.HERE
        norm = 2.0 / (1 + place) + 0.01
        node.grad = Digest(node.shape, node.dtype, norm, -norm / 2, norm / 3, 0.01 * norm)
        if place < position:
            for edge in graph.edges_into(node_id):
                if graph.nodes[edge.source].kind != "input":
                    edge.grad = Digest(edge.shape, "float32", 0.8 * norm, -norm / 2, norm / 3, 0.01 * norm)
    return graph
