"""The tray: everything that can be chosen and set, over the picture, for whoever has a mouse, a finger or a Tab key.

It comes when the mouse moves and goes by itself; it is never in what others see, and not there at all on a gallery's
screen.

    state.py        TrayState: all that is seen depends on, one immutable value
    layout.py       TrayState → Panels of widgets, each with its place; hit testing
    widgets.py      the widgets, as values
    theme.py        sizes, colours
    painter.py      Panels → layers
    icons.py        the signs on buttons
    tray.py         Tray: comes and goes, gathers the state, has it drawn when it has changed; mouse, finger, keys
    interaction.py  what its parts share: where somebody is, and what was drawn last
    actions.py      what a press on a widget means: commands, menus, parameters
    settings.py     what can be set now, and setting it
    values.py       what a slider, a wheel or a press makes of a parameter
    entry.py        what is being typed
    focus.py        where the arrow keys go

What can be chosen comes from `ControlChannel.offers`, what can be set from its `parameters`: nothing is listed here.
"""
