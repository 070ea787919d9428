"""The gallery.toml that `realtime gallery --example` writes: it runs as it is, and its comments tell what else is."""

from __future__ import annotations

from realtime.core.language import N_, _

EXAMPLE = """\
# What hangs on the wall, where and when.   realtime gallery gallery.toml
# What is missing here, and what to do:     realtime gallery gallery.toml --check
# A line that begins with # is a remark: take the # away and it counts.

[gallery]
name = "gallery"
# camera = "C920"                  # number or name ('realtime devices' lists them); left out: the first one
# hours = ["Tue-Sun 10:00-18:00", "Fri 20:00-02:00"]    # outside them the screen is black and the camera off
# zone = "Europe/Berlin"           # whose clock counts; left out: this computer's
order = "in turn"                  # or "random"
fade_s = 2.0                       # seconds in which one picture fades into the next
# pause_s = 5.0                    # before that, the last picture stands still for so long
# standby = false                  # leave the screens on outside the opening hours

# What hangs, one [[item]] for each. 'realtime effects' lists the effects; files lie beside this file.
[[item]]
name = "Grace Hopper"
effect = "portrait"                # your own: "portrait:painting.portrait"
hangs = "20 min"                   # or "1 h", "90 s"
waits_for_nobody = true            # it does not change while somebody looks at it ...
waits_at_most = "5 min"            # ... for longer than this
# hours = "Mon-Fri 10:00-14:00"    # when it may hang, within the opening hours

[item.set]                         # 'realtime effects portrait' lists what can be set
wander = true

[[item]]
name = "Night"
effect = "style:night"
hangs = "10 min"

# Where it hangs, one [[screen]] for each ('realtime devices' lists them). Without any: all of it on the first screen.
[[screen]]
name = "wall"
screen = "0"
# rotate = 90                      # a screen hung on its side: 0, 90, 180 or 270, clockwise
# items = ["Grace Hopper"]         # left out: all
# view_left = 0.2                  # of this screen alone, what [view] says of all

# Where in the camera's picture, seen as in a mirror, viewers stand: 0 is its left and upper edge, 1 the other.
# [view]
# view_left = 0.1
# view_right = 0.9

# Anything that 'realtime run --help' lists, by the same names; [screen.options] for one screen alone.
[options]
detector = "full"
# size = "1920x1080"
# label = "synthetic"
"""
_REMARKS = (
    N_("What hangs on the wall, where and when."),
    N_("What is missing here, and what to do:"),
    N_("A line that begins with # is a remark: take the # away and it counts."),
    N_("number or name ('realtime devices' lists them); left out: the first one"),
    N_("outside them the screen is black and the camera off"),
    N_("whose clock counts; left out: this computer's"),
    N_('or "random"'),
    N_("seconds in which one picture fades into the next"),
    N_("before that, the last picture stands still for so long"),
    N_("leave the screens on outside the opening hours"),
    N_("What hangs, one [[item]] for each. 'realtime effects' lists the effects; files lie beside this file."),
    N_('your own: "portrait:painting.portrait"'),
    N_('or "1 h", "90 s"'),
    N_("it does not change while somebody looks at it ..."),
    N_("... for longer than this"),
    N_("when it may hang, within the opening hours"),
    N_("'realtime effects portrait' lists what can be set"),
    N_(
        "Where it hangs, one [[screen]] for each ('realtime devices' lists them). Without any: all of it on the first "
        "screen."
    ),
    N_("a screen hung on its side: 0, 90, 180 or 270, clockwise"),
    N_("left out: all"),
    N_("of this screen alone, what [view] says of all"),
    N_("Where in the camera's picture, seen as in a mirror, viewers stand: 0 is its left and upper edge, 1 the other."),
    N_("Anything that 'realtime run --help' lists, by the same names; [screen.options] for one screen alone."),
)


def example() -> str:
    """Return the file, its remarks in the language in use."""
    text = EXAMPLE
    for remark in _REMARKS:
        text = text.replace(f"# {remark}", f"# {_(remark)}")
    return text
