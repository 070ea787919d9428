"""What the window's keys do, and how its help lists them."""

from __future__ import annotations

from collections.abc import Sequence

from realtime.control.commands import (
    Command,
    KeepFace,
    LearnRest,
    NextParameter,
    Quit,
    SaveSnapshot,
    SetMirrored,
    SetPaused,
    SetRecording,
    StepEffect,
    StepParameter,
)
from realtime.core.language import N_
from realtime.imaging.sdl import pygame
from realtime.outputs.window.overlay import KeyHelp

COMMANDS: dict[int, Command] = {
    pygame.K_m: SetMirrored(),
    pygame.K_SPACE: SetPaused(),
    pygame.K_p: SetPaused(),
    pygame.K_RIGHT: StepEffect(1),
    pygame.K_n: StepEffect(1),
    pygame.K_LEFT: StepEffect(-1),
    pygame.K_UP: StepParameter(1),
    pygame.K_DOWN: StepParameter(-1),
    pygame.K_d: NextParameter(),
    pygame.K_l: LearnRest(),
    pygame.K_s: SaveSnapshot(),
    pygame.K_k: KeepFace(),
    pygame.K_u: KeepFace("swap"),
    pygame.K_r: SetRecording(),
    pygame.K_q: Quit(),
}
"""Of keys that mean one command, wherever the window is. Letters are those of a Latin keyboard (`keys.latin_key`)."""

LEAVES = frozenset({pygame.K_q, pygame.K_ESCAPE, pygame.K_f})
"""The keys with which a window is left or changed; a picture that was asked for as fullscreen stays."""

_HELP_FULLSCREEN = KeyHelp(("F",), N_("fullscreen"))
_HELP_QUIT = KeyHelp(("Q", "Esc"), N_("quit"))
_HELP_QUIT_FULLSCREEN = KeyHelp(("Ctrl+Q",), N_("quit"))
_HELP_TRAY = (
    KeyHelp((N_("Mouse"), "Tab"), N_("everything there is, at hand")),
    KeyHelp(("0", "9"), N_("the look or scene of that number")),
    KeyHelp(("Shift+0",), N_("keep what you see as a scene")),
    KeyHelp(("B",), N_("hold: without the effect; drag: a split")),
    KeyHelp(("C", "V"), N_("next camera; in my calls")),
)
"""Where somebody sits before the screen."""
_HELP = (
    *_HELP_TRAY,
    KeyHelp(("M",), N_("mirror")),
    KeyHelp((N_("Space"), "P"), N_("pause")),
    KeyHelp(("left", "right"), N_("previous, next effect or style")),
    KeyHelp(("up", "down"), N_("more, less of the effect")),
    KeyHelp(("D",), N_("what up and down change")),
    KeyHelp(("L",), N_("learn your face at rest (puppet)")),
    KeyHelp(("S",), N_("save a picture")),
    KeyHelp(("K", "U"), N_("save a walk's face; wear it")),
    KeyHelp(("R",), N_("record, stop recording")),
    _HELP_FULLSCREEN,
    KeyHelp(("I",), N_("how it goes, in words; again: in figures")),
    KeyHelp(("H", "F1"), N_("this help")),
    _HELP_QUIT,
)


def help_of(*, is_fullscreen_output: bool) -> Sequence[KeyHelp]:
    """Return what the help lists; of the output `fullscreen`, where nobody sits before the screen, the shorter list."""
    if not is_fullscreen_output:
        return _HELP
    left_out = (*_HELP_TRAY, _HELP_FULLSCREEN, _HELP_QUIT)
    return (*(key for key in _HELP if key not in left_out), _HELP_QUIT_FULLSCREEN)
