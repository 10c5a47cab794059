"""What is seen, and how."""

from __future__ import annotations

from .action import Action

ACTIONS = (
    Action("view.palette", "Find…", "View", lambda w: w.show_palette(), "Ctrl+K",
           "Find actions, nodes, ops and lines by name.", "search"),
    Action("view.theme_system", "Theme of the system", "View", lambda w: w.choose_theme("system"),
           text="Follow the desktop's theme.", separator=True),
    Action("view.theme_light", "Light theme", "View", lambda w: w.choose_theme("light"), text="Light colours."),
    Action("view.theme_dark", "Dark theme", "View", lambda w: w.choose_theme("dark"), text="Dark colours."),
    Action("view.toggle_theme", "Switch theme", "", lambda w: w.toggle_theme(), "Ctrl+Shift+T",
           "Light to dark and back."),
    Action("view.zoom_fit", "Zoom to fit", "View", lambda w: w.zoom("fit"), "F",
           "Show the whole graph.", enabled=lambda s: bool(s.graph.nodes), canvas_only=True, separator=True),
    Action("view.zoom_selection", "Zoom to selection", "View", lambda w: w.zoom("selection"), "Shift+F",
           "Show what is selected, or the node where the walk stands.",
           enabled=lambda s: bool(s.graph.nodes), canvas_only=True),
    Action("view.zoom_in", "Zoom in", "View", lambda w: w.zoom("in"), "Ctrl++", "Closer.",
           enabled=lambda s: bool(s.graph.nodes)),
    Action("view.zoom_out", "Zoom out", "View", lambda w: w.zoom("out"), "Ctrl+-", "Farther.",
           enabled=lambda s: bool(s.graph.nodes)),
    Action("view.edge_forward", "Along an edge, forward", "", lambda w: w.walk_edge("forward"), "Right",
           "Select the node that this value flows into.", enabled=lambda s: bool(s.graph.nodes), canvas_only=True),
    Action("view.edge_back", "Along an edge, back", "", lambda w: w.walk_edge("back"), "Left",
           "Select the node that this value came from.", enabled=lambda s: bool(s.graph.nodes), canvas_only=True),
    Action("view.edge_up", "The neighbour before", "", lambda w: w.walk_edge("up"), "Up",
           "Select the neighbour before this one.", enabled=lambda s: bool(s.graph.nodes), canvas_only=True),
    Action("view.edge_down", "The neighbour after", "", lambda w: w.walk_edge("down"), "Down",
           "Select the neighbour after this one.", enabled=lambda s: bool(s.graph.nodes), canvas_only=True),
    Action("view.reset_panels", "Put all panels back", "View", lambda w: w.reset_panels(),
           text="The arrangement of the first start.", separator=True),
)
