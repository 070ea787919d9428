"""Which background a text means: `blur`, `none`, a colour, or a file with a picture or a film."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from realtime.background import Background
from realtime.background.blur import BlurredBackground
from realtime.background.colour import COLOURS, ColourBackground, bgr_of
from realtime.background.transparent import NoBackground
from realtime.core.errors import OptionError, nearest
from realtime.core.language import _
from realtime.core.paths import user_path
from realtime.imaging.frame import Size

BLUR, NONE, TRANSPARENT = "blur", "none", "transparent"
OWN_WORDS = frozenset({BLUR, NONE, TRANSPARENT, *COLOURS})


def open_background(
    text: str, frame: Size, *, waits: bool, others: Callable[[], Sequence[str]] = tuple
) -> Background | None:
    """Open a background for frames of some size; None where the room shall be seen. `waits`: recorded material, of
    which no picture may come late. `others`: names what else might have been meant. Raises OptionError for what means
    nothing, and what reading a file raises.
    """
    if text.lower() == NONE:
        return None
    if text.lower() in ("", BLUR):
        return BlurredBackground()
    if text.lower() == TRANSPARENT:
        return NoBackground()
    bgr = bgr_of(text)
    if bgr is not None:
        return ColourBackground(text, bgr)
    path = user_path(text)
    if text.startswith("#") or not path.exists():
        known = nearest(text, [BLUR, NONE, TRANSPARENT, *COLOURS, *others()])
        raise OptionError(
            _(
                "background:{text}: no such file or colour{known}; it may be blur, none, transparent, #RRGGBB, a "
                "picture, a film or walk",
                text=text,
                known=known,
            )
        )
    from realtime.background.pictures import FilmBackground, StillBackground
    from realtime.cameras import kind_of
    from realtime.picture_files.reader import read_picture

    if kind_of(text) == "still":
        return StillBackground(path.name, read_picture(path))
    if kind_of(text) in ("video", "folder"):
        return FilmBackground(path.name, text, frame, waits=waits)
    raise OptionError(_("background:{text} is neither a picture nor a film; name a file", text=text))
