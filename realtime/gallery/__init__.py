"""A gallery's wall: what hangs on which screen and when, unattended, for months. One file says all of it.

    config.py       gallery.toml, read and checked                example.py    one that runs as it is
    hours.py        opening hours                                 durations.py  how long something hangs
    programme.py    which item hangs, what comes next, and when: a pure function of clocks and faces
    player.py       the front-end that hangs it in a run          overrides.py  what people set meanwhile
    screen.py       one screen: a child process that runs         reports.py    the line a second that it writes
    keeper.py       what becomes of a child that ends or stands   supervisor.py one child for each screen, watched
    notify.py       what systemd is told                          service.py    units that start all of it by themselves
    journal.py      the log                                       state.py      what outlasts a power cut
    check.py        what is missing, each with its next step      standby.py    screens asleep outside the opening hours
    calibration.py  where people stand, found by watching one         views.py      how a portrait looks from its place
    camera_process.py  the camera of several screens              table_lines.py  numbers written into gallery.toml
    watched_file.py whether somebody has changed gallery.toml

A screen is a process of its own (`realtime gallery FILE --screen NAME --child`): whatever a driver or a library does to
it, the supervisor beside it lives and starts it again. It is told what hung and what was set, on its standard input,
which is also its lifeline; it tells what it shows on its standard output.
"""
