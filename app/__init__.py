"""The desktop app. It speaks with the engine's process only through engine.protocol.

session/ layout/ lessons/      no Qt: what is known, where things are placed, what is taught
look/ link/ actions/           colours and formulas; where events come from; what a user can do
canvases/ docks/ dialogs/      what is seen
shell/                         assembles all of it: the window, menus, settings, start
"""
