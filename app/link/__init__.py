"""Where a session's events come from: a live child process, or a recorded run.

child.py   one child process: threads that read, decode and write; no Qt
live.py    `LiveLink`: launches children for a session and feeds it; no Qt
bridge.py  `LinkBridge`: the one Qt object; delivers on the GUI thread, at most 60 times a second
source.py  opens a path: a script, or a recorded run

May import engine.protocol, app.session; bridge.py alone imports Qt.
"""
