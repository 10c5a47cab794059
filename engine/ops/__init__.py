"""The records: each op's forward, derivative, names, formula and sentence in one place, by theme.

record.py   the families of records, and how a record becomes a function, a method and a node
formula.py  `f`: the functions that formulas are written in
typeset.py  a record's derivatives as LaTeX, read from its lambdas; what no lambda says stands in
            gradient_words.py, and what no record says of its forward in formula_words.py
The rest are the records. Importing this package loads them all. May import: engine.core, engine.autograd.
"""
