"""Turns what autograd does into events.

recorder.py   `Recorder`: the observer that autograd, modules and optimizers call
structure.py  the graph of a backward: nodes, edges, modules, and a key that tells whether it is a known one
walk.py       one backward that can be stepped, both ways
name.py       names of variables, parameters and modules
place.py      the user's source line that is being executed
origin.py     where tensors without a gradient were made, and the lines at which a path to a gradient was cut
ledger.py     what each backward added to a leaf's .grad
noting.py     the part of the recorder that listens for these two
digest.py     what is told of a tensor without sending it
catalogue.py  the op records as rows for readers that have no engine

May import engine.protocol, engine.core, engine.ops, engine.autograd.
"""
