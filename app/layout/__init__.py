"""From a graph to a picture's geometry, without Qt.

text_width.py  how wide words are in the picture's typeface
outline.py     a graph's structure as plain columns, which can be sent to another process
fold.py        what is visible when these modules are open: items, satellites, edges
scene.py       the result: rectangles, groups, curves and labels as numpy columns
level.py       one level of items to be placed, and the same when placed
rank.py        which column each item stands in
order.py       the order within columns with few crossings
place.py       coordinates within columns with straight edges (Brandes-Köpf)
layered.py     the three above and the routing of edges: our own layout of one level
dot.py         the same by Graphviz, in a child process with a time limit
compose.py     all levels, put together into a scene
planner.py     scenes made off the caller's thread, kept, and delivered by a callback
child.py       what runs in the child process

May import app.session.graph and numpy; nothing of Qt.
"""
