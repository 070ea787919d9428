"""A run seen and changed from outside of its window: over HTTP, OSC and MIDI.

Each is a `FrontEnd` that speaks to the `ControlChannel` alone, in the words of the command line: parameters by their
path (`style.strength`), commands by their name (`NAMED_COMMANDS`). Nothing here lists either by hand.

`address.py` reads where to listen. HTTP: `http_control.py` is the front-end; `server.py` takes connections, within
`limits.py`; `http_messages.py` reads a request and writes an answer; `access.py` says who may ask, `token.py` keeps the
token; `routes.py` is the table of what can be asked, and answers it; `descriptions.py` makes JSON of status, parameters
and commands, `openapi.py` and `metrics.py` what machines read; `picture_feed.py` makes the picture, once for all
viewers; `page/` is the page for people.

`osc.py` takes and tells values over UDP (`osc_addresses.py`, `osc_messages.py`), `midi.py` those of knobs and faders
(`midi_*.py`).

Nothing listens unless asked, only this machine is heard unless an address is given, and then only with the token. No
thread of the picture ever waits for one of these.
"""
