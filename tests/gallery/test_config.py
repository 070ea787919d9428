"""gallery.toml: read as a whole, and what cannot be said in one line that names the place."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from realtime.core import language
from realtime.core.errors import OptionError, RealtimeError
from realtime.gallery.config import Gallery
from realtime.gallery.config_file import read_gallery
from realtime.gallery.example import EXAMPLE, example

ITEM = '[[item]]\neffect = "portrait"\n'


def read(tmp_path: Path, text: str) -> Gallery:
    path = tmp_path / "gallery.toml"
    path.write_text(text, "utf-8")
    return read_gallery(path)


def test_the_example_is_a_gallery(tmp_path: Path) -> None:
    gallery = read(tmp_path, EXAMPLE)
    (screen,) = gallery.screens
    assert [item.name for item in screen.items] == ["Grace Hopper", "Night"]
    first = screen.items[0]
    assert (first.spec, first.hangs_s, first.waits_for_nobody, first.waits_at_most_s) == ("portrait", 1200, True, 300)
    assert first.settings == {"wander": True}
    assert first.live_settings == {"portrait.wander": True}
    assert (gallery.order, gallery.fade_s, gallery.pause_s, gallery.standby) == ("in turn", 2.0, 0.0, True)


def test_its_remarks_are_in_the_language_in_use_and_it_stays_a_gallery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert example() == EXAMPLE
    monkeypatch.setenv("LANGUAGE", "zh_CN")
    language.forget()
    try:
        text = example()
    finally:
        monkeypatch.undo()
        language.forget()
    remarks = [line.rpartition("# ")[2] for line in text.splitlines() if line.startswith("# ") or "   # " in line]
    values = [remark for remark in remarks if " = " in remark or remark.startswith("[")]
    english = [one for one in remarks if one.isascii() and one not in values]
    assert english == []
    assert read(tmp_path, text) == read(tmp_path, EXAMPLE)


def test_every_remark_of_the_example_counts_once_its_sign_is_gone(tmp_path: Path) -> None:
    lines = []
    for line in EXAMPLE.splitlines():
        bare = line.removeprefix("# ")
        is_setting = bare == "[view]" or ("=" in bare and bare.split(" = ")[0].strip().isidentifier())
        lines.append(bare if is_setting else line)
    gallery = read(tmp_path, "\n".join(lines))
    assert gallery.camera == "C920"
    assert gallery.screens[0].rotate_degrees == 90
    assert [item.name for item in gallery.screens[0].items] == ["Grace Hopper"]
    assert gallery.screens[0].view == {"view_left": 0.2, "view_right": 0.9}
    assert str(gallery.screens[0].options["size"]) == "1920x1080"


def test_the_least_that_hangs(tmp_path: Path) -> None:
    gallery = read(tmp_path, ITEM)
    assert gallery.name == "gallery"
    assert [(s.name, s.screen, [i.name for i in s.items]) for s in gallery.screens] == [("screen 0", "0", ["portrait"])]
    options = gallery.run_options(gallery.screens[0], "none", gallery.screens[0].items[0])
    assert options.source is None
    assert (options.effect, options.output, options.loop) == (("portrait",), ("none",), True)


def test_files_lie_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "anna.jpg").write_bytes(b"")
    (tmp_path / "visitors.mp4").write_bytes(b"")
    gallery = read(tmp_path, '[gallery]\ncamera = "visitors.mp4"\n[[item]]\neffect = "swap:anna.jpg"\n')
    assert gallery.camera == str(tmp_path / "visitors.mp4")
    assert gallery.screens[0].items[0].spec == f"swap:{tmp_path / 'anna.jpg'}"
    assert gallery.screens[0].items[0].name == "swap:anna.jpg"


def test_screens_have_their_own_items_options_and_view(tmp_path: Path) -> None:
    gallery = read(
        tmp_path,
        """
        [gallery]
        camera = 2
        [view]
        view_left = -0.1
        view_bottom = 0.9
        [options]
        fps = 60
        remote = "8080"
        [options.portrait]
        smoothing_s = 0.2
        [[item]]
        name = "a"
        effect = "portrait"
        hangs = 5
        [item.set]
        rest = "left"
        [[item]]
        name = "b"
        effect = "none"
        [[screen]]
        name = "left"
        screen = 1
        rotate = 270
        items = ["b", "a"]
        view_left = 0.1
        view_right = 0.6
        [[screen]]
        name = "right"
        screen = "HDMI-2"
        [screen.options]
        fps = 30
        [screen.options.portrait]
        wander = false
        """.replace('rest = "left"', "wander_after_s = 9"),
    )
    left, right = gallery.screens
    assert [item.name for item in left.items] == ["b", "a"]
    assert left.items[1].hangs_s == 300
    assert left.items[1].live_settings == {"portrait.wander_after_s": 9.0}
    options = gallery.run_options(left, "none", left.items[1])
    assert (options.source, options.fps, options.rotate) == (f"shared:{gallery.path}", 60, 270)
    assert options.effect_settings()["portrait"] == {
        "smoothing_s": "0.2",
        "view_left": "0.1",
        "view_right": "0.6",
        "view_bottom": "0.9",
    }
    other = gallery.run_options(right, "none", right.items[0])
    assert other.fps == 30
    assert (str(options.remote), str(other.remote)) == ("127.0.0.1:8080", "127.0.0.1:8081"), "two cannot listen at one"
    assert other.effect_settings()["portrait"] == {
        "smoothing_s": "0.2",
        "wander": "false",
        "view_left": "-0.1",
        "view_bottom": "0.9",
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "nothing hangs"),
        ("[gallery", "mend it as TOML"),
        ("item = 3", "write [[item]]"),
        ("[item]\neffect='portrait'", "write [[item]]"),
        ("gallery = 3\n" + ITEM, "write [gallery]"),
        ("[galery]\n" + ITEM, "'galery' here (did you mean 'gallery'?)"),
        ("[gallery]\nfades = 3\n" + ITEM, "'fades' here (did you mean 'fade_s'?)"),
        ("[gallery]\nfade_s = 100\n" + ITEM, "[gallery] fade_s takes a number from 0 to 60 s, not 100"),
        ("[gallery]\norder = 'randm'\n" + ITEM, "in turn or random, not 'randm' (did you mean 'random'?)"),
        ("[gallery]\nhours = 'Tus 10-18'\n" + ITEM, "'Tus' is no day (did you mean 'Tue'?)"),
        ("[gallery]\nhours = [[1]]\n" + ITEM, "opening hours"),
        ("[gallery]\nzone = 'Europe/Berln'\n" + ITEM, "(did you mean 'Europe/Berlin'?)"),
        ("[gallery]\nzone = '../../etc/passwd'\n" + ITEM, "no time zone"),
        ("[gallery]\nname = ''\n" + ITEM, "give a name"),
        ("[[item]]\nname = 'a'\n", "no effect"),
        ("[[item]]\neffect = 'portrat'\n", "no effect 'portrat' (did you mean 'portrait'?)"),
        (ITEM + "hangs = '1 s'\n", "from 5 s to a year"),
        (ITEM + "hangs = 'soon'\n", "no duration"),
        (ITEM + "[item.set]\nwandr = true\n", "'wandr' here (did you mean 'wander'?)"),
        (ITEM + "[item.set]\nwander = 'perhaps'\n", "wander takes yes or no"),
        (ITEM + "set = 3\n", "[item.set]"),
        (ITEM + ITEM, "two items are called 'portrait'"),
        (ITEM + "[item.set]\ninset=0.2\n[[item]]\nname='b'\neffect='portrait'\n", "cannot change while it runs"),
        (ITEM + "[[screen]]\nrotate = 45\n", "0, 90, 180 or 270, not 45"),
        (ITEM + "[[screen]]\nitems = ['portrat']\n", "no item 'portrat' (did you mean 'portrait'?)"),
        (ITEM + "[[screen]]\nitems = []\n", "leave it out for all"),
        (ITEM + "[[screen]]\nview_left = 0.9\nview_right = 0.2\n", "view_left must be less than view_right"),
        (ITEM + "[[screen]]\nview_left = 9\n", "view_left takes a number from"),
        (ITEM + "[view]\nview_left = 1\n", "[view]: view_left must be less than view_right"),
        (ITEM + "[view]\nview_lft = 1\n", "'view_lft' here (did you mean 'view_left'?)"),
        (ITEM + "[[screen]]\n[[screen]]\n", "two screens are both called 'screen 0'"),
        (ITEM + "[[screen]]\nname='a'\n[[screen]]\nname='b'\n", "two screens both hang on screen '0'"),
        (ITEM + "[options]\nsource = 'demo'\n", "write camera = … under [gallery]"),
        (ITEM + "[options]\nhud = true\n", "no figures are ever shown"),
        (ITEM + "[options]\nfsp = 30\n", "no such option (did you mean 'fps'?)"),
        (ITEM + "[options]\nfps = 1e9\n", "fps"),
        ("x = " + "[" * 5000, "nested too deep"),
        ("x = " + "9" * 5000, "too many digits"),
        ("# " + "x" * 300_000, "larger than 256 kB"),
        (ITEM * 201, "201 of [[item]] are too many"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_in_one_line_that_names_the_place(tmp_path: Path, text: str, line: str) -> None:
    with pytest.raises(RealtimeError) as caught:
        read(tmp_path, text)
    assert line in str(caught.value)
    assert "gallery.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"realtime gallery --example > gallery\.toml"):
        read_gallery(tmp_path / "gallery.toml")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.data())
def test_any_bytes_are_a_gallery_or_one_line(tmp_path: Path, data: st.DataObject) -> None:
    """Arbitrary ones, and the example with a stretch of it exchanged."""
    content = bytearray(EXAMPLE.encode())
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 60))] = data.draw(
            st.binary(max_size=40) | st.text(alphabet='[]"=.\n0123456789abe#-:', max_size=40).map(str.encode)
        )
    else:
        content[:] = data.draw(st.binary(max_size=300))
    path = tmp_path / "gallery.toml"
    path.write_bytes(content)
    try:
        read_gallery(path)
    except RealtimeError as error:
        line = str(error)
        assert "\n" not in line
