"""torch.linalg: linear algebra, filled from the records of
engine/ops/{decomposition,solving,linalg,matrix}.py."""

from engine import faces as _faces
from engine.ops.decomposition import LinAlgError

_faces.fill(globals(), "linalg")

__all__ = ["LinAlgError"]
