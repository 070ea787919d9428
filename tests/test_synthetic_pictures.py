"""Which pictures carry the label, and what each frame tells of how it was made."""

from __future__ import annotations

import dataclasses
import datetime
import json
import logging
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime import __version__, effects
from realtime.control.parameters import Parameters
from realtime.core.registry import RegistryEntry
from realtime.core.settings import setting
from realtime.core.specs import EffectSpec
from realtime.core.stats import RunStats
from realtime.disclosure.label import Label, LabelStyle
from realtime.effects import Effect
from realtime.effects.plain import Plain
from realtime.effects.scene import Scene
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.imaging.provenance import ALTERED, SYNTHETIC, Provenance, stated_by
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.effect_slot import EffectSlot
from realtime.session import assembly
from realtime.session.options import Options
from realtime.session.snapshots import Snapshots
from tests.doubles import DrawnCamera, KeepingOutput
from tests.synthetic import Swapped, told_in, xmp_of_png
from tests.test_loop import Inverted, make_loop

SIZE = Size(320, 180)


class Drawn(Plain):
    """Looks at nobody's pixels, as a portrait does."""

    uses_pixels = False

    def make(self, scene: Scene) -> Frame:
        return scene.frame.with_pixels(np.full_like(scene.frame.pixels, 7))


def frame(index: int = 0, value: int = 90) -> Frame:
    pixels = np.full((SIZE.height, SIZE.width, 3), value, np.uint8)
    pixels.flags.writeable = False
    return Frame(pixels, 0.0, index / 30, index)


def chain_of(*parts: Effect, label: Label | None = None, source_type: str = "") -> tuple[EffectChain, RunStats]:
    stats = RunStats()
    links = [EffectSlot(type(effect).__name__.lower(), effect) for effect in parts]
    return EffectChain(links, stats, label or Label(LabelStyle()), source_type=source_type), stats


def with_label(pixels: Pixels) -> Pixels:
    return Label(LabelStyle()).put_on(Frame(pixels, 0.0, 0.0, 0)).pixels


def test_the_label_is_drawn_last() -> None:
    """A style behind a swap paints over the swap, not over the label."""
    chain, stats = chain_of(Swapped(), Inverted())
    made = chain.make(frame(value=30), [])
    assert np.array_equal(made.pixels, with_label(np.full((SIZE.height, SIZE.width, 3), 30, np.uint8)))
    assert (stats.synthetic, stats.labelled) == (1, 1)
    assert stats.stages["label"].count == 1


@pytest.mark.parametrize("parts", [(Plain(),), (Inverted(),), (Drawn(),)])
def test_other_pictures_have_none(parts: tuple[Effect, ...]) -> None:
    chain, stats = chain_of(*parts)
    made = chain.make(frame(), [])
    assert len(np.unique(made.pixels)) == 1
    assert (stats.synthetic, stats.labelled) == (0, 0)


def test_a_picture_bridged_when_the_effect_fails_keeps_it() -> None:
    chain, stats = chain_of(Swapped(fails_from=1))
    good = chain.make(frame(0), [])
    bridged = [chain.make(frame(index, value=10 * index), []) for index in (1, 2)]
    assert stats.effect_failures == 2
    assert all(np.array_equal(picture.pixels, good.pixels) for picture in bridged)
    assert np.array_equal(good.pixels, with_label(~frame().pixels))
    assert {picture.provenance for picture in bridged} == {Provenance(("swapped",), SYNTHETIC)}
    chain, _ = chain_of(Swapped(fails_from=0))
    neutral = chain.make(frame(), []).pixels
    assert len(np.unique(neutral)) > 3, "also on the neutral one, where there was none"


class GivingAway(Swapped):
    """Remembers the arrays it made, for the test only."""

    gives_pictures_away = True

    def __init__(self, fails_from: int | None = None) -> None:
        super().__init__(fails_from)
        self.made: list[Pixels] = []

    def make(self, scene: Scene) -> Frame:
        frame, faces = scene.frame, scene.faces
        made = super().make(Scene(frame, faces))
        self.made.append(made.pixels)
        return made


class ReturningTheCameras(GivingAway):
    """Promises more than it keeps."""

    def make(self, scene: Scene) -> Frame:
        return scene.frame


def test_a_picture_that_was_given_away_is_not_copied() -> None:
    effect = GivingAway(fails_from=2)
    chain, _ = chain_of(effect)
    given = [frame(index, value=40 * index) for index in range(4)]
    shown = [chain.make(one, []) for one in given]
    assert shown[0].pixels is effect.made[0]
    assert shown[1].pixels is effect.made[1]
    assert shown[3].pixels is shown[2].pixels is shown[1].pixels, "bridged, and labelled once"
    for one, picture in zip(given[:2], shown[:2], strict=True):
        assert np.array_equal(picture.pixels, with_label(~one.pixels))


def test_what_comes_behind_it_gets_it_without_the_label() -> None:
    effect = GivingAway()
    chain, _ = chain_of(effect, Inverted())
    made = chain.make(frame(value=30), [])
    assert len(np.unique(effect.made[0])) == 1
    assert np.array_equal(made.pixels, with_label(frame(value=30).pixels))


def test_the_cameras_picture_is_never_written_into() -> None:
    chain, _ = chain_of(ReturningTheCameras())
    given = Frame(np.full((SIZE.height, SIZE.width, 3), 90, np.uint8), 0.0, 0.0, 0)
    made = chain.make(given, [])
    assert len(np.unique(given.pixels)) == 1
    assert np.array_equal(made.pixels, with_label(given.pixels))


def test_it_comes_and_goes_with_the_effect() -> None:
    chain, stats = chain_of(Plain())
    seen = []
    for index, effect in enumerate([None, Swapped(), None, Plain(), Inverted()]):
        if effect is not None:
            chain.replace(EffectSlot(type(effect).__name__.lower(), effect))
        made = chain.make(frame(index), [])
        assert made.provenance is not None
        seen.append((len(np.unique(made.pixels)) > 1, made.provenance.title, made.provenance.source_type))
    assert seen == [
        (False, "plain", ""),
        (True, "swapped", SYNTHETIC),
        (True, "swapped", SYNTHETIC),
        (False, "plain", ""),
        (False, "inverted", ALTERED),
    ]
    told = stats.as_json()
    assert told["synthetic"] is True
    assert (told["frames"]["synthetic"], told["frames"]["labelled"]) == (2, 2)


class Speaking(Drawn):
    """Shows a face that a parameter lets speak."""

    @dataclasses.dataclass(frozen=True)
    class Settings:
        speaks: bool = dataclasses.field(default=False, metadata=setting("speak", live=True))

    def __init__(self) -> None:
        self.parameters = Parameters(self.Settings())

    def make(self, scene: Scene) -> Frame:
        self.synthetic = self.parameters.values.speaks
        return super().make(scene)


def test_it_comes_and_goes_with_a_parameter() -> None:
    chain, _ = chain_of(Speaking())
    seen = []
    for index, speaks in enumerate([None, True, None, False]):
        if speaks is not None:
            chain.parameters.set("speaking.speaks", speaks)
        seen.append((chain.make(frame(index), []), chain.is_synthetic))
    assert [len(np.unique(made.pixels)) > 1 for made, _ in seen] == [False, True, True, False]
    assert [is_synthetic for _, is_synthetic in seen] == [False, True, True, False]


def test_the_text_reads_the_same_in_a_mirrored_picture() -> None:
    pictures = []
    for mirrored in (False, True):
        output = KeepingOutput(every=True)
        make_loop(DrawnCamera(1), [output], [Swapped()], mirrored=mirrored, label=Label(LabelStyle())).go()
        pictures.append(output.frames[0].pixels[20:])  # below the number, which is mirrored, all is grey
    assert len(np.unique(pictures[0])) > 3
    assert np.array_equal(pictures[0], pictures[1])


def test_leaving_it_out_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    stats = RunStats()
    with caplog.at_level(logging.WARNING, "realtime"):
        chain = EffectChain([EffectSlot("none", Plain())], stats)
        chain.make(frame(), [])
        assert caplog.messages == [], "nobody is deceived yet"
        for index in range(6):
            chain.replace(EffectSlot("swap", Swapped()) if index % 2 == 0 else EffectSlot("none", Plain()))
            made = chain.make(frame(index), [])
            assert len(np.unique(made.pixels)) == 1
    assert len(caplog.messages) == 1
    assert "many countries and platforms require one" in caplog.messages[0]
    assert (stats.synthetic, stats.labelled) == (3, 0)
    assert made.provenance == Provenance(("none",), ""), "the metadata are no label: they stay"


@pytest.mark.parametrize(
    ("parts", "source_type", "expected"),
    [
        ((Plain(),), "", ""),
        ((Inverted(),), "", ALTERED),
        ((Inverted(), Inverted()), "", ALTERED),
        ((Drawn(),), "", SYNTHETIC),
        ((Plain(), Swapped()), "", SYNTHETIC),
        ((Plain(),), SYNTHETIC, SYNTHETIC),
        ((Inverted(),), SYNTHETIC, SYNTHETIC),
    ],
)
def test_every_frame_tells_what_it_is(parts: tuple[Effect, ...], source_type: str, expected: str) -> None:
    chain, _ = chain_of(*parts, source_type=source_type)
    made = chain.make(frame(), [])
    assert made.provenance is not None
    assert made.provenance.source_type == expected
    assert made.with_pixels(made.pixels).provenance is made.provenance
    assert chain.make(frame(1), []).provenance is made.provenance, "the same object: whoever keeps frames compares it"


def test_what_holds_for_the_parts_holds_for_the_whole() -> None:
    plain, style = Provenance(("none",)), Provenance(("style:night",), ALTERED)
    swap = Provenance(("swap:a.jpg",), SYNTHETIC)
    assert plain.together_with(style) == Provenance(("none", "style:night"), ALTERED)
    assert swap.together_with(plain).together_with(swap) == Provenance(("swap:a.jpg", "none"), SYNTHETIC)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("none", "none"),
        ("style:night:0.6", "style:night:0.6"),
        ("swap:/home/me/secret/a.jpg,b.jpg, ../c d.png", "swap:a.jpg,b.jpg,c d.png"),
        ("portrait:C:\\Users\\me\\mona.portrait", "portrait:mona.portrait"),
        ("style:/home/me/night.onnx:0.5", "style:night.onnx:0.5"),
        ("swap:/m.onnx:/her.jpg", "swap:m.onnx:her.jpg"),
        ("swap:/a/m.onnx:/b/her.jpg, C:\\faces\\him.jpg", "swap:m.onnx:her.jpg,him.jpg"),
    ],
)
def test_no_folder_of_the_users_is_told(spec: str, told: str) -> None:
    assert EffectSpec.parse(spec).public_name == told


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic", SYNTHETIC),
        (b"x" * 200_000 + b"newscodes/digitalsourcetype/trainedAlgorithmicMedia", SYNTHETIC),
        (b"newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia" + b"x" * 200_000, SYNTHETIC),
        (b"newscodes/digitalsourcetype/digitalCapture", ""),
        (b"", ""),
    ],
)
def test_what_a_file_says_of_itself_is_read(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "clip.mp4").write_bytes(content)
    assert stated_by(tmp_path / "clip.mp4") == expected
    assert stated_by(tmp_path / "missing.mp4") == ""


@pytest.fixture
def swapped(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(effects.EFFECTS, "swapped", RegistryEntry("tests.synthetic", "Swapped", "for tests"))
    return "swapped"


def test_a_run_with_options_of_its_own(tmp_path: Path, swapped: str) -> None:
    """Everything put together as the command does it; every output gets the same picture."""
    stats = RunStats()
    options = Options(
        source="demo",
        size=SIZE,
        effect=(f"{swapped}:/home/me/face.jpg",),
        output=(f"{tmp_path}/frames/", f"{tmp_path}/out.mp4", "window"),
        label="made by a machine",
        label_corner="top-left",
        label_size=0.1,
        frames=3,
        every_frame=True,
    )
    run = assembly.build(options, lambda what, share: None, stats)
    run.go()
    told = json.loads(json.dumps(stats.as_json()))
    assert (told["synthetic"], told["label"], told["frames"]["labelled"]) == (True, "made by a machine", 3)
    newest = run.loop.newest
    assert newest is not None
    label = Label(LabelStyle("made by a machine", "top-left", 0.1))
    corner = np.s_[: round(0.2 * SIZE.height), : SIZE.width * 3 // 4]
    plain = Options(source="demo", size=SIZE, effect=("none",), output=("none",), frames=3, every_frame=True)
    camera = assembly.build(plain, lambda what, share: None, RunStats())
    camera.go()
    assert camera.loop.newest is not None
    marked = label.put_on(camera.loop.newest.with_pixels(~camera.loop.newest.pixels)).pixels
    assert np.array_equal(newest.pixels[corner], marked[corner])
    assert not np.array_equal(newest.pixels[corner], ~camera.loop.newest.pixels[corner])
    packet = told_in(xmp_of_png((tmp_path / "frames" / "000002.png").read_bytes()))
    assert packet["Iptc4xmpExt:DigitalSourceType"] == [SYNTHETIC]
    assert packet["stEvt:parameters"] == ["effect swapped:face.jpg"]


def test_a_snapshot_tells_it_too(tmp_path: Path) -> None:
    chain, _ = chain_of(Swapped())
    shown = chain.make(frame(), [])
    snapshots = Snapshots(tmp_path, lambda path: KeepingOutput(), lambda text: None)
    snapshots.save_picture(shown)
    snapshots.close()
    (path,) = tmp_path.glob("realtime-*.png")
    assert np.array_equal(np.asarray(cv2.imread(str(path))), shown.pixels), "with the label, bit for bit"
    packet = told_in(xmp_of_png(path.read_bytes()))
    assert packet["Iptc4xmpExt:DigitalSourceType"] == [SYNTHETIC]
    assert packet["rdf:li"][0] == f"Made with realtime {__version__}; effect: swapped; {SYNTHETIC}"
    when = datetime.datetime.fromisoformat(packet["xmp:CreateDate"][0])
    assert abs(datetime.datetime.now(datetime.UTC) - when) < datetime.timedelta(minutes=1)


def test_a_run_without_a_label_says_so_in_its_statistics(swapped: str, caplog: pytest.LogCaptureFixture) -> None:
    stats = RunStats()
    options = Options(
        source="demo", size=SIZE, effect=(swapped,), output=("none",), frames=2, every_frame=True, no_label=True
    )
    with caplog.at_level(logging.WARNING, "realtime"):
        assembly.build(options, lambda what, share: None, stats).go()
    told = stats.as_json()
    assert (told["synthetic"], told["label"], told["frames"]["synthetic"], told["frames"]["labelled"]) == (
        True,
        None,
        2,
        0,
    )
    assert sum("--no-label" in message for message in caplog.messages) == 1
