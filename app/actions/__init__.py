"""Everything a user can do, as records: menus, shortcuts, palette and keys page come from them.

action.py    `Action`: id, title, shortcut, enabled, run
file.py      open, recent, save
walk.py      run, pause, step, stop
play.py      playing by itself
compare.py   what if, what changed
why.py       asking why, checking, finding a NaN
view.py      theme, zoom, panels, pictures
help.py      keys, about
catalogue.py all of them, by id and by menu

May import app.session and Qt's keys; what a record does is done through the `Window` that it is given.
"""
