"""Options: every choice a user has, in one place. The command line and the presets are both made from it, by
`option_reading.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from realtime import effects
from realtime.core.errors import OptionError, nearest
from realtime.core.frame_rates import parse_rate
from realtime.core.language import N_, _
from realtime.core.paths import user_path
from realtime.disclosure.label import CORNERS, LabelStyle
from realtime.faces import DETECTORS
from realtime.imaging.frame import Size
from realtime.models.runtime.providers import Provider
from realtime.outputs.splitting import Split, parse_split
from realtime.remote.address import Address, parse_address
from realtime.remote.midi.map import Binding, Control, parse_binding
from realtime.session.option_values import effect_spec, one_number, one_of, one_whole_number, output_spec, summaries
from realtime.sound.spec import FEATURES, DriveSpec, SoundSpec


def _option(
    default: Any,
    group: str,
    metavar: str,
    help: str | Callable[[], str],  # noqa: A002 - argparse's word
    read: Callable[[str], Any] = str,
    *,
    flag: str = "",
) -> Any:
    """One field of Options. A tuple as default: repeatable. A bool or None with `flag="--x/--no-x"`: a switch.

    `help`: a marked text, or what makes it where it tells of other tables.
    """
    metadata = {"group": group, "metavar": metavar, "help": help, "read": read, "flag": flag}
    return dataclasses.field(default=default, metadata=metadata)


_IN, _MADE, _OUT, _SOUND, _LONG, _TOLD = (
    N_("what comes in"),
    N_("what is made of it"),
    N_("where it goes"),
    N_("what is heard"),
    N_("for how long"),
    N_("what is told"),
)


@dataclasses.dataclass(frozen=True)
class Options:
    """What a run was asked to do. Every field is `--field-name` and the preset's `field-name`."""

    source: str | None = _option(
        None,
        _IN,
        "SOURCE",
        N_(
            "a camera by number (0) or name, a video file, a picture, a folder of numbered pictures, a network stream "
            "(rtsp://…), or demo; default: camera 0, or the demo where there is none"
        ),
    )
    size: Size | None = _option(
        None, _IN, "WxH", N_("size asked of the camera and given to what is made (1280x720)"), Size.parse
    )
    fps: float | None = _option(
        None,
        _IN,
        "N",
        N_(
            "frames per second asked of the camera and given to a virtual camera (30); of a folder of pictures: "
            "how fast they play (what they say themselves, else 30); also as 30000/1001"
        ),
        parse_rate,
    )
    mirror: bool | None = _option(
        None,
        _IN,
        "",
        N_(
            "exchange left and right, as in a looking glass; default: yes for a webcam that only you look at, no where "
            "others see it (virtual camera, file, pipe)"
        ),
        flag="--mirror/--no-mirror",
    )
    every_frame: bool = _option(
        False, _IN, "", N_("recorded material: every frame, without hurry, none dropped"), flag="--every-frame"
    )
    loop: bool = _option(False, _IN, "", N_("recorded material: begin again at its end"), flag="--loop")
    # "full" by default: "short" loses a viewer who steps back to 1.5 m (a face of 90 of 1280 pixels), "full" sees
    # faces of 60 and of 600 alike; it costs 1.8 ms a frame more on one core.
    detector: str = _option(
        "full",
        _IN,
        "NAME",
        lambda: _("{detectors}; default: full", detectors=summaries(DETECTORS)),
        one_of(*DETECTORS),
    )
    effect: tuple[str, ...] = _option(
        (),
        _MADE,
        "NAME[:ARG]",
        lambda: _("repeat it to chain effects; {effects}; default: portrait", effects=summaries(effects.EFFECTS)),
        effect_spec,
    )
    scene: str | None = _option(
        None, _MADE, "NAME", N_("begin with this scene: its number, its name or its file; 'realtime scenes' lists them")
    )
    scenes: Path | None = _option(
        None, _MADE, "FOLDER", N_("the folder of the scenes; default: the one that 'realtime scenes' names"), user_path
    )
    scene_fade: float = _option(
        0.5,
        _MADE,
        "S",
        N_("how many seconds a scene takes to come, where it says nothing of that; 0: a cut; default: 0.5"),
        one_number(0, 60, N_(" seconds")),
    )
    painting: Path | None = _option(
        None, _MADE, "FILE", N_("portrait: the whole painting, where the pack's frames show only the head"), user_path
    )
    set: tuple[str, ...] = _option(
        (), _MADE, "EFFECT.KEY=VALUE", N_("a setting of an effect; 'realtime effects NAME' lists them")
    )
    quality: str | None = _option(
        None,
        _MADE,
        "auto|fixed",
        N_(
            "style, also one chosen later with a key: auto works at a smaller size where the model is slower than the "
            "camera; fixed always at the full one; default: auto"
        ),
        one_of("auto", "fixed"),
    )
    provider: str = _option(
        "",
        _MADE,
        "NAME",
        lambda: _(
            "what models run on: {providers}; default: the best that works",
            providers=", ".join(provider.value for provider in Provider),
        ),
        lambda text: Provider.parse(text).value,
    )
    label: str = _option(
        LabelStyle().text,
        _MADE,
        "TEXT",
        N_("what is written onto pictures that show a face which is not the camera's; default: synthetic"),
    )
    label_corner: str = _option(
        LabelStyle().corner,
        _MADE,
        "CORNER",
        lambda: _("{corners}; default: {corner}", corners=", ".join(CORNERS), corner=LabelStyle().corner),
        one_of(*CORNERS),
    )
    label_size: float = _option(
        LabelStyle().height_share,
        _MADE,
        "SHARE",
        lambda: _(
            "the label's height as a share of the picture's; default: {share:g}", share=LabelStyle().height_share
        ),
        one_number(0.02, 0.25),
    )
    label_font: Path | None = _option(
        None,
        _MADE,
        "FILE.ttf",
        N_("the font of its letters; default: its own, or one of this system that has them"),
        user_path,
    )
    no_label: bool = _option(
        False, _MADE, "", N_("no label on them; many countries and platforms require one"), flag="--no-label"
    )
    output: tuple[str, ...] = _option(
        (),
        _OUT,
        "OUTPUT",
        N_(
            "repeat it for several at once; window; fullscreen[:SCREEN]; kiosk[:SCREEN]: the same, and only "
            "Ctrl+Alt+Q ends it; camera[:BACKEND[:DEVICE]]: a virtual camera; out.mp4, .mkv, .mov, .webm, .gif; "
            "out.png, .jpg: the last picture; folder/: numbered PNGs; -: raw BGR frames on standard output; "
            "none; default: window"
        ),
        output_spec,
    )
    screen: int = _option(0, _OUT, "N", N_("the screen a window opens on, counted from 0"), one_whole_number(0, 31))
    rotate: int = _option(
        0,
        _OUT,
        "DEGREES",
        N_("turn the picture clockwise on a screen hung on its side: 0, 90, 180, 270"),
        lambda text: int(one_of("0", "90", "180", "270")(text)),
    )
    hud: bool = _option(
        False, _OUT, "", N_("show fps, age and milliseconds on the window (only there; key: i)"), flag="--hud"
    )
    fresh: bool = _option(
        False, _OUT, "", N_("forget what was chosen in the window the last time: look, source, size"), flag="--fresh"
    )
    overwrite: bool = _option(False, _OUT, "", N_("replace files that exist"), flag="--overwrite")
    split: Split | None = _option(
        None,
        _OUT,
        "2h|4GB",
        N_(
            "a recording goes on in another file (out-002.mp4) after so long, or where it has become so large; both as "
            "2h,4GB; never; default: 2h,4GB, and never for a film"
        ),
        parse_split,
    )
    sign: Path | None = _option(
        None,
        _OUT,
        "FILE.pem",
        N_("sign what is kept (PNG, MP4, MOV) as C2PA describes: certificate and private key in one file"),
        user_path,
    )
    keep_in: Path | None = _option(
        None,
        _OUT,
        "FOLDER",
        N_("where the keys for snapshot and record save to; default: your folders for pictures and for videos"),
        user_path,
    )
    sound: SoundSpec | None = _option(
        None,
        _SOUND,
        "MIC>OUT",
        N_(
            "take a microphone to a sound output, as much later as the picture is, and into recordings; in "
            "quotes; each a name, a part of one, a number ('realtime devices') or default; MIC alone: only into "
            "recordings and for --drive; a file in place of MIC: played again and again"
        ),
        SoundSpec.parse,
    )
    sound_offset: float = _option(
        0.0,
        _SOUND,
        "MS",
        N_(
            "sound comes so many milliseconds later than measured (negative: earlier): what a camera needs "
            "before it gives its picture (0)"
        ),
        one_number(-2000, 2000, N_(" milliseconds")),
    )
    drive: tuple[DriveSpec, ...] = _option(
        (),
        _SOUND,
        "PARAMETER=FEATURE[:...]",
        lambda: _(
            "let the sound move a parameter, style.strength=level:attack=0.05,release=0.4,range=0.2..1; features: "
            "{features}",
            features="; ".join(f"{name}: {_(what)}" for name, what in FEATURES.items()),
        ),
        DriveSpec.parse,
    )
    frames: int | None = _option(None, _LONG, "N", N_("stop after so many frames"), one_whole_number(1, 10**9))
    seconds: float | None = _option(
        None, _LONG, "S", N_("stop after so many seconds"), one_number(0.01, 1e7, N_(" seconds"))
    )
    stats: Path | None = _option(
        None, _TOLD, "FILE.json", N_("write what was counted and measured, each minute and at the end"), user_path
    )
    remote: Address | None = _option(
        None,
        _TOLD,
        "[HOST:]PORT",
        N_(
            "a page to see and change everything in a browser, and the same for programs; PORT alone: from this "
            "machine; with a HOST (0.0.0.0: all addresses of this machine) from others too, who need a token "
            "(docs/remote.md)"
        ),
        parse_address,
    )
    osc: Address | None = _option(
        None,
        _TOLD,
        "[HOST:]PORT",
        N_(
            "take parameters and commands over OSC; PORT alone: from this machine; with a HOST from its network too, "
            "without a password; 'realtime osc' lists the addresses"
        ),
        parse_address,
    )
    osc_to: tuple[Address, ...] = _option(
        (), _TOLD, "HOST:PORT", N_("tell every change over OSC, for motor faders; repeat it for several"), parse_address
    )
    midi: str | None = _option(
        None,
        _TOLD,
        "DEVICE",
        N_(
            "knobs, faders and keys of this MIDI device: its name or a part of it ('realtime devices'); what they move "
            "is in a preset's table [midi] (docs/osc-midi.md)"
        ),
    )
    midi_bind: tuple[tuple[Control, Binding], ...] = _option(
        (),
        _TOLD,
        "CONTROL=WHAT",
        N_("one more line of that table: 'cc 1.20=style.strength 0.2..1', 'note 1.60=next-effect'"),
        parse_binding,
    )
    midi_learn: Path | None = _option(
        None,
        _TOLD,
        "FILE.toml",
        N_("learn: change a parameter, then move a knob, and it has it; the map is written to this preset"),
        user_path,
    )
    midi_takeover: bool = _option(
        True,
        _TOLD,
        "",
        N_("a knob that stands elsewhere than the value moves it only once it passes it; default: yes"),
        flag="--midi-takeover/--no-midi-takeover",
    )

    @property
    def label_style(self) -> LabelStyle:
        """What the label is to look like."""
        return LabelStyle(self.label, self.label_corner, self.label_size, self.label_font)

    def effect_settings(self) -> dict[str, dict[str, str]]:
        """Return the settings by effect: `{"portrait": {"wander": "off"}}`. Raises OptionError for a misshapen one."""
        settings: dict[str, dict[str, str]] = {}
        for text in self.set:
            left, equals, value = text.partition("=")
            name, dot, key = left.strip().partition(".")
            if not (equals and dot and key):
                raise OptionError(
                    _("--set {text}: write it as EFFECT.KEY=VALUE, for example portrait.wander=off", text=text)
                )
            if name not in effects.effect_names():
                names = effects.effect_names()
                raise OptionError(
                    _("--set {text}: no effect '{name}'{hint}", text=text, name=name, hint=nearest(name, names))
                )
            settings.setdefault(name, {})[key.strip().replace("-", "_")] = value.strip()
        if self.painting is not None:
            settings.setdefault("portrait", {})["painting"] = str(self.painting)
        if self.quality is not None:
            settings.setdefault("style", {})["quality"] = self.quality
        return settings


FIELDS: dict[str, dataclasses.Field[Any]] = {field.name: field for field in dataclasses.fields(Options)}
