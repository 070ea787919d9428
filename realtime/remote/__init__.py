"""A run seen and changed from outside of its window: over HTTP, OSC and MIDI.

Each is a `FrontEnd` that speaks to the `ControlChannel` alone, in the words of the command line: parameters by their
path (`style.strength`), commands by their name (`NAMED_COMMANDS`). Nothing here lists either by hand.

`address.py` reads where to listen, `descriptions.py` makes JSON of status, parameters and commands, `lamps.py` says
what desks and devices are told of switches and choices. `http/`, `osc/` and `midi/` each have their front-end in
`control.py`.

Nothing listens unless asked, only this machine is heard unless an address is given, and then only with the token. No
thread of the picture ever waits for one of these.
"""
