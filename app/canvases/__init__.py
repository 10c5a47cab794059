"""The canvas on which a graph is seen, and the same as a picture in a file.

graph_canvas.py   `GraphCanvas`, the widget: mouse, keyboard, tooltips, menu
session_stage.py  below it: what the session tells, modules that open, selection
stage.py          below that: view, drawing, cards
canvas_view.py    which part of the scene the window shows, and how large
kept_picture.py   the last drawn picture, moved and scaled while the hand moves
scene_index.py    finds things in a scene: under the mouse, along edges
hint.py           what tooltips say
plain_formula.py  a formula as one line of text
badge.py          what was found at a node, on a small pill
marks.py          what is known of each item and wire at the cursor, as columns
scene_painter.py  draws groups, items and labels, with less detail the farther away
wire_painter.py   draws edges and the gradients beside them
card.py           what lies over the canvas: detail slider, legend, minimap
motion.py         the two movements: a gradient on its edge, a group that opens
export.py         `render_graph`: .svg, .png, .pdf and .dot without a display

May import app.session, app.layout, app.look and Qt; no dock and no dialog.
"""
