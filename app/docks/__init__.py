"""The panels around the canvas; each reads the session, draws, and passes clicks on.

dock.py           `Dock`: a panel with a title, told what changed, refreshed only while it is visible
blank.py          a sentence in the middle of an empty panel
source.py         the script: numbers, colours, the current line, breakpoints; its text view in code_view.py
outline.py        classes and functions of the script
modules.py        modules and parameters, with the norms of their gradients
breakpoints.py    where the run will stop
watch.py          expressions kept in view
inspector.py      a node as a page of a textbook; its parts in inspector_part.py and formula_view.py
parameter_page.py what an optimizer's step did to one parameter, on that page
rule_card.py      the chain rule on that page; its words in chain_rule.py
why.py            why a gradient is so, a tensor's life, trust, NaN; parts: why_part.py, cause_tree.py
curves.py         scalars over iterations; axes in axis.py
gradient_flow.py  how the gradient shrinks and grows from the loss down
waterfall.py      the bars of it
findings.py       rules of thumb and what they find; the box for a threshold in threshold_box.py
console.py        what the script printed; its text view in console_view.py
what_changed.py   what changed since the stop before; its rows in change_list.py, its words in change_text.py
what_if.py        two futures of the run; their curves in future_plot.py
tensor.py         a tensor as numbers, heat map and histogram; its model in tensor_table.py

May import app.session, app.look, engine.protocol and Qt; never another dock's insides.
"""
