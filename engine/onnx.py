"""torch.onnx: not part of this engine."""

from engine.absent import absent

__getattr__ = absent("torch.onnx", "it exports programs for other runtimes")
