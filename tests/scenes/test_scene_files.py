"""A scene is a file that anybody can read, write and give away."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.__main__ import main
from realtime.core.errors import OptionError
from realtime.core.registry import RegistryEntry
from realtime.core.titles import effect_title
from realtime.effects import EFFECTS
from realtime.pipeline.effect_slot import SceneEffect
from realtime.session.option_reading import from_table
from realtime.session.scenes.files import Scene, SceneFolder, read_scene, scene_asked, scene_text


@pytest.fixture(autouse=True)
def grey(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EFFECTS, "grey", RegistryEntry("tests.scenes.grey", "Grey", "one grey level"))


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    scene = Scene(
        "夜 Evening",
        3,
        (SceneEffect("grey:a", {"level": 20, "kind": "plain"}), SceneEffect("grey:b", {"level": 30})),
        source="demo",
        mirror=True,
        fade_s=1.5,
    )
    path = write(tmp_path, "evening.toml", scene_text(scene))
    assert read_scene(path) == Scene(
        "夜 Evening",
        3,
        (
            SceneEffect("grey:a", {"level": "20", "kind": "plain"}),
            SceneEffect("grey:b", {"level": 30, "kind": "plain"}),
        ),
        "demo",
        True,
        1.5,
    )


def test_a_preset_is_a_scene_and_a_scene_a_preset(tmp_path: Path) -> None:
    (tmp_path / "her.jpg").touch()
    text = 'effect = "swap:her.jpg"\noutput = ["fullscreen"]\n[swap]\nstrength = 0.5\n'
    scene = read_scene(write(tmp_path, "stage.toml", text))
    assert (scene.name, scene.number, scene.source) == ("stage", None, None)
    assert scene.effects == (SceneEffect(f"swap:{tmp_path / 'her.jpg'}", {"strength": "0.5"}),)
    preset = from_table({"effect": ["grey"], "scene": {"name": "x", "number": 2}}, "preset", tmp_path)
    assert preset == {"effect": ("grey",)}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names no effect"),
        (f"effect = {['grey'] * 21}", "names 21 effects; 20 are taken at most"),
        ('effect = "gray"', "did you mean 'grey'"),
        ('effect = "grey"\n[scene]\nnummer = 1', "did you mean 'number'"),
        ('effect = "grey"\n[scene]\nnumber = -1', "from 0 to 999"),
        ('effect = "grey"\n[scene]\nnumber = true', "from 0 to 999"),
        ('effect = "grey"\n[scene]\nfade_s = 1e9', "from 0 to 60"),
        ('effect = "grey"\n[scene]\nname = "a\\nb"', "on one line"),
        ('effect = "grey"\nscene = 3', "is a table"),
        ('effect = "grey"\ngrey = [', "cannot be read"),
        ("# " + "x" * 70_000, "larger than 64 kB"),
        ("a = " + "[" * 5000, "cannot be read"),
    ],
)
def test_what_is_no_scene_is_refused_in_a_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(OptionError, match=says):
        read_scene(write(tmp_path, "scene.toml", text))


def test_numbers_are_kept_and_the_others_have_what_is_free(tmp_path: Path) -> None:
    for name, number in (("a", None), ("b", 2), ("c", 1), ("d", 2)):
        about = "" if number is None else f"[scene]\nnumber = {number}\n"
        write(tmp_path, f"{name}.toml", f'effect = "grey"\n{about}')
    write(tmp_path, "broken.toml", "effect = 3")
    folder = SceneFolder(tmp_path)
    assert [(one.number, one.name) for one in folder.list()] == [(1, "c"), (2, "b"), (3, "a"), (4, "d")]
    assert len(folder.look()[1]) == 1
    assert folder.find("3").name == folder.find("A").name == "a"
    with pytest.raises(OptionError, match="no scene '9'; there are: 1 c, 2 b, 3 a, 4 d"):
        folder.find("9")
    with pytest.raises(OptionError, match="keep one first"):
        SceneFolder(tmp_path / "nowhere").find("1")


def test_one_that_takes_a_number_puts_the_former_aside(tmp_path: Path) -> None:
    folder = SceneFolder(tmp_path / "scenes")
    png = cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1].data
    for name in ("One", "Two", "Two"):
        kept = folder.keep(Scene(name, 1, (SceneEffect("grey"),)), png)
    assert [(one.number, one.name) for one in folder.list()] == [(1, "Two")]
    assert (kept.file.name, kept.picture) == ("1-Two.toml", tmp_path / "scenes" / "1-Two.png")
    aside = sorted(path.name for path in (tmp_path / "scenes" / "replaced").iterdir())
    assert aside == ["1-One.png", "1-One.toml", "1-Two.png", "1-Two.toml"]
    assert folder.keep(Scene("../Three?", None, (SceneEffect("grey"),)), None).file.name == "2-Three.toml"


@pytest.mark.parametrize(
    ("text", "asked"),
    [("", (None, "")), ("3", (3, "")), ("3 Evening", (3, "Evening")), ("Evening 3", (None, "Evening 3")),
     ("3D", (None, "3D"))],
)  # fmt: skip
def test_a_number_a_name_or_both(text: str, asked: tuple[int | None, str]) -> None:
    assert scene_asked(text) == asked


def test_a_folder_can_be_given_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine, yours, packed = tmp_path / "mine", tmp_path / "yours", tmp_path / "evening"
    (tmp_path / "her.jpg").write_bytes(b"a face")
    (tmp_path / "room.png").write_bytes(b"a room")
    effects = (
        SceneEffect(f"swap:{tmp_path / 'her.jpg'}", {}),
        SceneEffect(f"background:{tmp_path / 'room.png'}", {"picture": str(tmp_path / "room.png")}),
    )
    SceneFolder(mine).keep(Scene("Evening", 3, effects), b"\x89PNG")
    SceneFolder(yours).keep(Scene("Mine already", 3, (SceneEffect("grey"),)), None)

    assert main(["scenes", "--scenes", str(mine), "pack", str(packed), "evening"]) == 0
    assert sorted(path.name for path in (packed / "files").iterdir()) == ["her.jpg", "room.png"]
    (tmp_path / "her.jpg").unlink()
    assert str(tmp_path) not in (packed / "3-Evening.toml").read_text("utf-8")

    assert main(["scenes", "--scenes", str(yours), "add", str(packed)]) == 0
    capsys.readouterr()
    assert main(["scenes", "--scenes", str(yours)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == ["  1  Evening       Swap: her + Background: room", "  3  Mine already  Grey"]
    got = SceneFolder(yours).find("Evening")
    assert got.effects == (f"swap:{yours}/files/her.jpg", f"background:{yours}/files/room.png")
    assert Path(got.effects[0].removeprefix("swap:")).read_bytes() == b"a face"
    assert got.picture is not None
    assert got.picture.read_bytes() == b"\x89PNG"

    assert main(["scenes", "--scenes", str(mine), "pack", str(packed)]) == 2  # it is not empty
    assert main(["scenes", "--scenes", str(tmp_path / "none")]) == 2


@pytest.mark.parametrize(
    ("spec", "title"),
    [
        ("none", "Camera"), ("portrait", "Portrait"), ("style:night", "Night"), ("style:night:0.6", "Night 60%"),
        ("style:night:60", "Night 60%"),
        ("swap:faces/her.jpg,him.jpg", "Swap: her, him"), ("portrait:mona_lisa.portrait", "Portrait: mona lisa"),
        ("background:#00ff00", "Background: #00ff00"), ("walk:nobody", "Walk: nobody"),
    ],
)  # fmt: skip
def test_effects_have_titles_that_people_read(spec: str, title: str) -> None:
    assert effect_title(spec) == title
