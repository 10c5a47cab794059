"""What is known of a run, without Qt: views read it, actions change it, links feed it.

signal.py     a list of callbacks
graph.py      the graph that is shown: nodes, edges, modules, state of the walk
rule.py       rules of thumb with their thresholds, and which are on
op_formula.py the formula of an op as it was called
symptom.py    what each of them finds in a session
gain.py       by how much each node makes the gradient larger or smaller
walk.py       moves the state of one backward along its events, both ways
timeline.py   the list of backwards and the playhead
history.py    what happened inside each backward, kept in memory
recording.py  the same, read from a recorded run
console.py    printed text, a bounded ring of lines
curve.py      scalars over steps, growing arrays
failure.py    why a run failed
breakpoint.py breakpoints as the session keeps them
undo.py       what a person did and can take back
waiting.py    what is being waited for, in words
travel.py     strides, goals, and the way back by repeating the run
chronicle.py  in which order ops, backwards, optimizer steps and edits came
optimizer_walk.py  the playhead over what an optimizer did to each parameter
moment.py     digests of all that is shown at one place; the stop before, a pinned one
difference.py what changed between two moments, by aligned nodes
finding.py    what was found about nodes: NaN, dead units, a checked gradient
explanation.py an answer to “why” as a page of rows
inquiry.py    one question at a time, asked once at each stop
errand.py     goes to a place of the run first, then does there what was wanted
refusal.py    which tensor a refused backward needed
reproduction.py files that show a NaN again, written into a chosen folder
fork.py       the script repeated in a second child to the same place, with one edit
comparison.py two futures side by side
knob.py       the plain numbers of a script that one may want to turn
what_if.py    the run with and without an edit, as two forks
playback.py   plays a run by itself, at a chosen speed, both ways
receipt.py    writes down in a session what each event tells
session.py    `Session`: all of the above in one place, and requests out

May import engine.protocol and numpy; nothing else of the app.
"""
