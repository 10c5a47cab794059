"""torch.fx: not part of this engine."""

from engine.absent import absent

__getattr__ = absent("torch.fx", "symbolic tracing rewrites programs, which are run here as they are")
