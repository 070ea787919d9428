from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import pytest

from realtime.core.errors import RealtimeError
from realtime.imaging.frame import Size
from realtime.session import option_reading
from realtime.session.options import FIELDS, Options
from realtime.session.preset_paths import from_folder


def parse(*words: str) -> Options:
    parser = argparse.ArgumentParser()
    option_reading.add_arguments(parser)
    return option_reading.from_arguments(parser.parse_args(words))


def test_nothing_said_is_the_default_run() -> None:
    assert parse() == Options()


def test_every_option_is_on_the_command_line_and_in_presets(tmp_path: Path) -> None:
    examples: dict[str, tuple[list[str], str]] = {
        "source": (["demo"], '"demo"'),
        "size": (["640x360"], '"640x360"'),
        "fps": (["25"], "25"),
        "mirror": ([], "true"),
        "every_frame": ([], "true"),
        "loop": ([], "true"),
        "detector": (["short"], '"short"'),
        "effect": (["none"], '["none"]'),
        "painting": (["p.jpg"], '"p.jpg"'),
        "scene": (["Evening"], '"Evening"'),
        "scenes": (["stage"], '"stage"'),
        "scene_fade": (["1.5"], "1.5"),
        "set": (["portrait.wander=off"], '["portrait.wander=off"]'),
        "quality": (["fixed"], '"fixed"'),
        "provider": (["cpu"], '"cpu"'),
        "label": (["KI"], '"KI"'),
        "label_corner": (["top-left"], '"top-left"'),
        "label_size": (["0.1"], "0.1"),
        "label_font": (["f.ttf"], '"f.ttf"'),
        "no_label": ([], "true"),
        "output": (["none"], '"none"'),
        "screen": (["1"], "1"),
        "rotate": (["90"], "90"),
        "hud": ([], "true"),
        "fresh": ([], "true"),
        "overwrite": ([], "true"),
        "split": (["2h,4GB"], '"2h,4GB"'),
        "sign": (["id.pem"], '"id.pem"'),
        "keep_in": (["kept"], '"kept"'),
        "sound": (["default>call"], '"default>call"'),
        "sound_offset": (["-20"], "-20"),
        "drive": (["style.strength=level:attack=0.1"], '"style.strength=level:attack=0.1"'),
        "frames": (["10"], "10"),
        "seconds": (["1.5"], "1.5"),
        "stats": (["s.json"], '"s.json"'),
        "remote": (["0.0.0.0:8080"], '"0.0.0.0:8080"'),
        "osc": (["9000"], "9000"),
        "midi": (["nano"], '"nano"'),
        "midi_bind": (["cc 1.20=style.strength"], '["cc 1.20=style.strength"]'),
        "midi_learn": (["learned.toml"], '"learned.toml"'),
        "midi_takeover": ([], "false"),
        "osc_to": (["10.0.0.5:9001"], '["10.0.0.5:9001"]'),
    }
    assert set(examples) == set(FIELDS), "every option has an example here"
    words: list[str] = []
    lines: list[str] = []
    for name, (arguments, toml) in examples.items():
        words += [f"--{'no-' if toml == 'false' else ''}{name.replace('_', '-')}", *arguments]
        lines.append(f"{name.replace('_', '-')} = {toml}")
    preset = tmp_path / "all.toml"
    preset.write_text("\n".join(lines), encoding="utf-8")
    said = parse(*words)
    told = parse("--preset", str(preset))
    paths = {
        name: tmp_path / getattr(said, name)
        for name in ("painting", "label_font", "scenes", "sign", "keep_in", "stats", "midi_learn")
    }
    assert dataclasses.replace(said, **paths) == told, "paths of a preset count from its folder"
    defaults = Options()
    unchanged = [f.name for f in dataclasses.fields(Options) if getattr(said, f.name) == getattr(defaults, f.name)]
    assert unchanged == []
    assert said.size == Size(640, 360)


def test_a_label_asked_for_wins_over_a_preset_without_one(tmp_path: Path) -> None:
    preset = tmp_path / "p.toml"
    preset.write_text('no-label = true\nlabel-corner = "top-left"\n', encoding="utf-8")
    assert parse("--preset", str(preset)).no_label
    said = parse("--preset", str(preset), "--label", "made up")
    assert not said.no_label
    assert (said.label_style.text, said.label_style.corner) == ("made up", "top-left")
    assert parse("--preset", str(preset), "--label", "made up", "--no-label").no_label


def test_the_command_line_wins_over_the_preset(tmp_path: Path) -> None:
    preset = tmp_path / "p.toml"
    preset.write_text("fps = 25\nhud = true\nmirror = true\n[portrait]\nwander = false\nrest = 0.5\n", encoding="utf-8")
    said = parse("--preset", str(preset), "--fps", "50", "--no-mirror", "--set", "portrait.rest=0.7")
    assert said.fps == 50
    assert said.hud
    assert said.mirror is False
    assert said.effect_settings() == {"portrait": {"wander": "false", "rest": "0.7"}}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--size", "big"], "--size: 'big' is no size: write it as WIDTHxHEIGHT"),
        (["--size", "1x1"], "out of range"),
        (["--fps", "0"], "--fps: '0' is out of range: give a number from 1 to 240"),
        (["--fps", "nan"], "out of range"),
        (["--frames", "-3"], "whole number from 1"),
        (["--seconds", "inf"], "out of range"),
        (["--screen", "x"], "whole number"),
        (["--rotate", "45"], "not one of 0, 90, 180, 270"),
        (["--effect", "portrat"], "no effect 'portrat' (did you mean 'portrait'?)"),
        (["--output", "windw"], "no output 'windw' (did you mean 'window'?)"),
        (["--output", "out.xyz"], "a video file ends in"),
        (["--label-corner", "top"], "not one of top-left, top-right, bottom-left, bottom-right (did you mean 'top-"),
        (["--label-size", "1"], "give a number from 0.02 to 0.25"),
        (["--detector", "long"], "not one of short, full"),
        (["--preset", "missing.toml"], "no such preset: missing.toml"),
    ],
)
def test_bad_values_are_one_helpful_line(words: list[str], message: str) -> None:
    with pytest.raises(RealtimeError) as caught:
        parse(*words)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("efect = 'none'", "efect: no such option (did you mean 'effect'?)"),
        ("[portrai]\nrest = 1", "no effect of that name (did you mean 'portrait'?)"),
        ("fps = 'fast'", "fps: 'fast' is out of range"),
        ("fps = [1, 2]", "fps: cannot be [1, 2]"),
        ("loop = 'yes'", "loop: write true or false"),
        ("source = true", "source: cannot be True"),
        ("fps = = 3", "mend it as TOML"),
    ],
)
def test_bad_presets_are_one_helpful_line(tmp_path: Path, text: str, message: str) -> None:
    preset = tmp_path / "bad.toml"
    preset.write_text(text, encoding="utf-8")
    with pytest.raises(RealtimeError) as caught:
        parse("--preset", str(preset))
    assert message in str(caught.value)
    assert str(preset) in str(caught.value)


def test_paths_in_a_preset_count_from_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery, elsewhere = tmp_path / "gallery", tmp_path / "elsewhere"
    (gallery / "frames").mkdir(parents=True)
    elsewhere.mkdir()
    for name in ("mona.portrait", "whole.jpg", "hall.mp4"):
        (gallery / name).touch()
    preset = gallery / "show.toml"
    monkeypatch.chdir(elsewhere)

    def told(text: str) -> Options:
        preset.write_text(text, encoding="utf-8")
        return parse("--preset", "../gallery/show.toml")

    here = Path("../gallery")
    said = told(
        'source = "hall.mp4"\neffect = ["portrait:mona.portrait", "none"]\nkeep-in = "kept"\n'
        'output = ["night.mp4", "frames/", "fullscreen:1", "-"]\n[portrait]\npainting = "whole.jpg"\nrest = 0.5\n'
    )
    assert said.source == str(here / "hall.mp4")
    assert said.effect == (f"portrait:{here / 'mona.portrait'}", "none")
    assert said.output == (str(here / "night.mp4"), f"{here / 'frames'}/", "fullscreen:1", "-")
    assert said.keep_in == here / "kept"
    assert said.effect_settings() == {"portrait": {"painting": str(here / "whole.jpg"), "rest": "0.5"}}

    for source in ("demo", "0", "rtsp://camera/live.sdp", "USB Camera"):
        assert told(f'source = "{source}"').source == source
    assert told('source = "missing.mp4"').source == str(here / "missing.mp4"), "what is wrong names the whole path"
    absolute = (tmp_path / "there.mp4").as_posix()
    assert Path(told(f'source = "{absolute}"').source or "") == Path(absolute)
    assert told('effect = "portrait:vermeer"').effect == ("portrait:vermeer",), "a pack known by its name"
    assert parse("--painting", "whole.jpg").painting == Path("whole.jpg"), "the command line's count from here"


@pytest.mark.parametrize("text", ["portrait", "portrait.rest", "rest=1", "nosuch.rest=1"])
def test_misshapen_settings(text: str) -> None:
    with pytest.raises(RealtimeError, match="--set"):
        parse("--set", text).effect_settings()


def test_painting_is_a_setting_of_the_portrait() -> None:
    assert parse("--painting", "p.jpg").effect_settings() == {"portrait": {"painting": "p.jpg"}}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("swap:her.jpg", "swap:{0}/her.jpg"),
        ("swap:her.jpg,him.jpg", "swap:{0}/her.jpg,{0}/him.jpg"),
        ("swap:model.onnx:her.jpg", "swap:{0}/model.onnx:{0}/her.jpg"),
        ("swap:known_model:her.jpg,him.jpg", "swap:known_model:{0}/her.jpg,{0}/him.jpg"),
        ("swap:model.onnx:her.jpg,model.onnx:him.jpg", "swap:{0}/model.onnx:{0}/her.jpg,{0}/model.onnx:{0}/him.jpg"),
        ("style:ink.onnx", "style:{0}/ink.onnx"),
        ("style:ink.onnx:0.7", "style:{0}/ink.onnx:0.7"),
        ("style:night:0.7", "style:night:0.7"),
        ("swap:a, b.jpg", "swap:{0}/a, b.jpg"),
        ("swap:a, b.jpg,her.jpg", "swap:{0}/a, b.jpg,{0}/her.jpg"),
        ("swap:her.jpg,a, b.jpg,nobody", "swap:{0}/her.jpg,{0}/a, b.jpg,nobody"),
        ("swap:model.onnx:a, b.jpg, him.jpg", "swap:{0}/model.onnx:{0}/a, b.jpg,{0}/him.jpg"),
        ("swap:known_model:a, b.jpg", "swap:known_model:{0}/a, b.jpg"),
        ("swap:,", "swap:,"),
        ("portrait:mona", "portrait:mona"),
        ("none", "none"),
    ],
)
def test_every_file_of_an_effect_is_found_beside_its_preset(tmp_path: Path, spec: str, expected: str) -> None:
    for name in ("her.jpg", "him.jpg", "ink.onnx", "model.onnx", "a, b.jpg"):
        (tmp_path / name).touch()
    assert from_folder("effect", (spec,), tmp_path) == (expected.format(tmp_path),)
