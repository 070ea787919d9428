"""One run of the program: its options, its parts put together, its supervisor.

options.py        every choice a user has; option_values.py: read from text, option_reading.py: command line, presets
assembly.py       puts the parts together, which *_opening.py, *_planning.py and beside.py open
supervisor.py     obeys commands while it runs, and tells what is going on; snapshots.py, in_calls.py: its helpers
remembered.py     what was chosen by hand, for the next time
scenes/, offers/  looks kept under a name; what a window may offer to choose
"""
