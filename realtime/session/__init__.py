"""One run of the program: its options, its parts put together, its supervisor.

    options.py        every choice a user has; option_values.py, option_reading.py: how it is read
    assembly.py       puts the parts together, which *_opening.py, *_planning.py and beside.py open
    supervisor.py     obeys commands while it runs, and tells what is going on; snapshots.py, in_calls.py: its helpers
    remembered.py     what was chosen by hand, for the next time
    scenes/, offers/  looks kept under a name; what a window may offer to choose

An option that a user has is a field of `Options` and nothing else: command line, presets and help follow from it.
"""
