"""The window: the picture on a screen, what is drawn over it, and what keys and mouse do there. Main thread.

window.py     Window and Fullscreen, the outputs: opening, drawing, events
kiosk.py      Kiosk: a screen that nothing ends
screens.py    which screens there are, and SDL's display on them; x11.py: what an X server may do to it
fitting.py    the picture, turned and scaled to the screen
canvas.py     the screen as the viewer sees it, upright where it hangs on its side
untouched.py  the camera's picture, while B is held
overlay.py    HUD, messages and help over the picture (hud.py, message.py, panels.py)
shortcuts.py  what keys do, and how the help lists them; keys.py: which key was meant, on any keyboard
clipboard.py  the system's clipboard
tray/         everything at hand over the picture
"""
