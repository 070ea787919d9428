"""A gallery's wall: what hangs on which screen and when, unattended, for months. One file says all of it.

    config_file.py  gallery.toml, read and checked; config.py: what it says, as values
    example.py      one that runs as it is
    check.py        what is missing on this machine, each with its next step
    programme/      schedule.py: which item hangs and what comes next, a pure function; hours.py: opening hours;
                    player.py: the front-end that hangs it in a run
    processes/      supervisor.py: one child for each screen, watched; screen.py: such a child; camera_process.py:
                    the camera of several
    calibration/    where people stand, found by watching one; how a portrait looks from its place

A screen is a process of its own (`realtime gallery FILE --screen NAME --child`): whatever a driver or a library does to
it, the supervisor beside it lives and starts it again. It is told what hung and what was set, on its standard input,
which is also its lifeline; it tells what it shows on its standard output.
"""
