"""Define-by-run differentiation; also torch.autograd.

modes.py     grad mode, anomaly mode, the observer
node.py      Node, SavedTensor, AccumulateGrad
backward.py  the walk
function.py  the user's own Function
view.py      views and in-place changes: CopySlices, rebased history
May import: engine.core.
"""

from engine.autograd.backward import backward, grad

__all__ = ["backward", "grad"]
