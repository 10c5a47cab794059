"""Things that open over the window.

palette.py     the command palette: actions, nodes, ops and lines by name
keys.py        all keys on one page
preference.py  theme, motion, sampling
about.py       version and licences

May import app.session, app.actions, app.look and Qt.
"""
