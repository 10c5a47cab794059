"""Puts the window together and starts it.

start.py       `main`: application, fonts, theme, window
window.py      `MainWindow`: bars, pages, and what actions ask of a window
workbench.py   the docks around the canvas, and their arrangement
pulse.py       tells the views what changed, at most thirty times a second
opening.py     opens scripts and recordings away from the window's thread, and says what is wrong with them
top_bar.py     script, where we are, transport, search
timeline.py    the whole run under the top bar, and the nodes of one iteration
playback_bar.py plays it by itself; its beat in clock.py
status_bar.py  one sentence on the left, figures on the right
futures.py     brings “what if” and “what changed” to their panels, gives forks their children
asking.py      brings “why” to its panel, goes where it can be answered, and offers to
notice.py      a bar that says what went wrong and what to try
welcome.py     the first page: samples, recent files
setting.py     what is remembered per user
shortcut.py    actions as Qt actions: menus and keys
screenshot.py  drives the real window and writes the README's pictures

May import everything of the app.
"""
