"""The child process: runs a script, tells of it in events, obeys requests.

__main__.py   `python -m engine.worker SCRIPT [ARGS...]`, events on stdout, requests on stdin
child.py      puts the parts together and runs the script
inbox.py      a thread that reads requests
outbox.py     events on their way out, in batches
printed.py    what the script prints, as events; its input()
pilot.py      goes through the run, looking or hurrying
reason.py     why to stop: strides, goals, a pause, breakpoints, a NaN
producer.py   which op or node made a NaN or Inf, and which only pass it on
stride.py     when a stride through the forward is made
halt.py       standing, until told to go on
stand.py      what is done while it stands: fetch, set, evaluate
breakpoint.py breakpoints and when they hit
expression.py expressions that a person types, parsed and evaluated without eval
slot.py       the tensors of a node by their names: value, incoming:0, saved:self ...
compiling.py  tells when kernels are compiled
heartbeat.py  tells the line in which a silent script is at work
step.py       what one step of an optimizer does to each parameter
scope.py      what an expression can name where the run stands
sampler.py    looks at watched nodes while the script runs
keeper.py     what a recording keeps
record.py     runs a script and keeps its events in a file

May import all of engine but its top; nothing of the app.
"""
