"""What the engine's process and the app say to each other: events, requests, framing, version.

event.py    facts in the past tense, from the child process or a recorded run
request.py  imperatives, from the app
framing.py  batches of messages as length-prefixed MessagePack
May import: the standard library, msgspec. Light enough to import in any process.
"""

VERSION = (1, 1)
"""(major, minor). A minor version only adds; a reader refuses another major in words."""
