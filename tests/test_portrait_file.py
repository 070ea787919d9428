from __future__ import annotations

import os
import shutil
import struct
import sys
import tomllib
import zipfile
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from realtime.core.errors import OutputError, PortraitError
from realtime.imaging.frame import Pixels, Size
from realtime.picture_files.header import check_whole, read_header
from realtime.portrait.pack import PackWriter, Place, Portrait, find_pack, kept_packs
from tests.portrait_packs import EYES, HEAD, MOUTH, filled, head_colour, paint, write_pack

KINDS = ["pack", "pack.portrait", "pack.zip"]


def write_plain(folder: Path, count: int, suffix: str = ".png") -> Path:
    folder.mkdir(parents=True)
    for number in range(count):
        cv2.imwrite(str(folder / f"{number:03d}{suffix}"), np.full((48, 64, 3), 7 * number, np.uint8))
    return folder


def encode(pixels: Pixels, suffix: str = ".png") -> bytes:
    return cv2.imencode(suffix, pixels)[1].tobytes()


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("name", KINDS)
def test_what_was_written_is_read(tmp_path: Path, name: str, compact: bool) -> None:
    path = write_pack(tmp_path / name, columns=5, rows=3, stages=3, mouths=2, idles=4, compact=compact)
    assert list(tmp_path.iterdir()) == [path]
    with Portrait.open(path) as portrait:
        assert (portrait.title, portrait.credit) == ("Colours", "a test")
        assert (portrait.columns, portrait.rows, portrait.count, portrait.middle) == (5, 3, 15, 7)
        assert portrait.place == HEAD
        assert (portrait.blink_place, portrait.blink_stages) == (EYES, 3)
        assert (portrait.mouth_place, portrait.mouth_stages) == (MOUTH, 2)
        assert (portrait.idle_count, portrait.idle_fps) == (4, 10.0)
        assert np.array_equal(portrait.painting, paint())
        for index in range(15):
            colour = head_colour(index % 5, index // 5)
            assert np.array_equal(portrait.frame(index), filled(HEAD, colour))
            assert np.array_equal(portrait.blink(index, 1), filled(EYES, (*colour[:2], 120)))
            assert np.array_equal(portrait.mouth(index, 1), filled(MOUTH, (*colour[:2], 120)))
        assert portrait.idle(3)[0, 0, 2] == 3
        with pytest.raises(IndexError):
            portrait.frame(15)
        with pytest.raises(IndexError):
            portrait.blink(0, 3)
        with pytest.raises(IndexError, match="no mouth stage 2: this portrait has 2"):
            portrait.mouth(0, 2)


def test_report_and_odd_words_survive(tmp_path: Path) -> None:
    title = 'La "Joconde" \\ é\t\x7f 日本'
    with PackWriter(tmp_path / "p", title=title, columns=1, place=HEAD) as pack:
        pack.add_painting(paint())
        pack.add_frame(0, HEAD.of(paint()))
        pack.set_report({"gaze range": [-0.13, 0.125], "faces found": 33, "good": True, "warnings": ["a", "b"]})
    portrait = Portrait.open(tmp_path / "p")
    assert portrait.title == title
    assert portrait.report == {
        "gaze range": [-0.13, 0.125],
        "faces found": 33,
        "good": True,
        "warnings": ["a", "b"],
    }


def test_each_face_has_a_report_of_its_own(tmp_path: Path) -> None:
    one: dict[str, Any] = {"gaze": [-0.1, 0.1], "warnings": ["a"]}
    other: dict[str, Any] = {"gaze": [-0.2, 0.2], "warnings": []}
    cases: list[tuple[str, dict[str, Any], list[dict[str, Any]]]] = [
        ("two", {"face": [one, other], "made by": "hand"}, [one, other]),
        ("one", one, [one]),
        ("none", {}, []),
        ("odd", {"face": 7}, [{"face": 7}]),
    ]
    for name, report, faces in cases:
        with PackWriter(tmp_path / name, title="", columns=1, place=HEAD) as pack:
            pack.add_painting(paint())
            pack.add_frame(0, HEAD.of(paint()))
            pack.set_report(report)
        with Portrait.open(tmp_path / name) as portrait:
            assert portrait.report == report
            assert portrait.face_reports == faces
    written = tomllib.loads((tmp_path / "two" / "portrait.toml").read_text(encoding="utf-8"))
    assert written["report"]["face"] == [one, other]


def test_the_same_portrait_gives_the_same_file(tmp_path: Path) -> None:
    one, other = write_pack(tmp_path / "one.portrait", columns=3), write_pack(tmp_path / "other.portrait", columns=3)
    assert one.read_bytes() == other.read_bytes()


def test_pictures_may_come_from_several_threads(tmp_path: Path) -> None:
    with (
        PackWriter(tmp_path / "p.portrait", title="", columns=40, place=HEAD) as pack,
        ThreadPoolExecutor(4) as threads,
    ):
        pack.add_painting(paint())
        for done in [threads.submit(pack.add_frame, i, filled(HEAD, head_colour(i))) for i in range(40)]:
            done.result()
    with Portrait.open(tmp_path / "p.portrait") as portrait:
        assert [int(portrait.frame(i)[0, 0, 0]) for i in range(40)] == [head_colour(i)[0] for i in range(40)]


# ---- other people's pictures


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
@pytest.mark.parametrize("packed", [False, True])
def test_plain_numbered_pictures_are_a_portrait(tmp_path: Path, suffix: str, packed: bool) -> None:
    path = write_plain(tmp_path / "somebody", 33, suffix)
    (path / "readme.txt").write_text("by somebody")
    (path / ".DS_Store").write_bytes(b"x")
    if packed:
        shutil.make_archive(str(tmp_path / "somebody"), "zip", tmp_path, "somebody")  # the folder, not what is in it
        path = tmp_path / "somebody.zip"
    with Portrait.open(path) as portrait:
        assert (portrait.title, portrait.columns, portrait.rows) == ("somebody", 33, 1)
        assert portrait.place == Place(0, 0, 64, 48)
        assert np.abs(portrait.frame(20).astype(int) - 140).max() <= 2
        assert np.array_equal(portrait.painting, portrait.frame(16))


@pytest.mark.parametrize("names", [["1.png", "2.png", "10.png", "3.png"], ["head-08-v2.png", "head-09-v2.png"]])
def test_numbers_are_read_as_numbers(tmp_path: Path, names: list[str]) -> None:
    folder = write_plain(tmp_path / "p", 0)
    for name in names:
        (folder / name).write_bytes(encode(filled(EYES, (9, 9, 9))))
    if len(names) == 4:
        for number in range(4, 10):
            (folder / f"{number}.png").write_bytes(encode(filled(EYES, (number, 9, 9))))
        assert [int(Portrait.open(folder).frame(i)[0, 0, 0]) for i in range(3, 9)] == [4, 5, 6, 7, 8, 9]
    else:
        with pytest.raises(PortraitError, match="the same number"):  # the last number counts: v2 and v2
            Portrait.open(folder)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_the_place_of_heads_is_found_in_their_painting(tmp_path: Path, navy_photo: Path, suffix: str) -> None:
    painting = cv2.imread(str(navy_photo))
    assert painting is not None
    place = Place(137, 61, 251, 243)
    folder = tmp_path / "heads"
    folder.mkdir()
    for number in range(3):
        cv2.imwrite(
            str(folder / f"{number}{suffix}"),
            cv2.convertScaleAbs(place.of(np.asarray(painting, np.uint8)), beta=number * 2 - 2),
        )
    portrait = Portrait.open(folder, painting=navy_photo)
    assert portrait.place == place
    brighter = portrait.frame(2).astype(int) - place.of(portrait.painting)
    assert np.abs(brighter[:2]).max() <= 4, "the rim is the painting's"
    assert abs(brighter[100:140, 100:140].mean() - 2) < 1, "the inside is the frame's"


def test_heads_of_another_painting_are_not_found(tmp_path: Path, navy_photo: Path) -> None:
    folder = tmp_path / "heads"
    folder.mkdir()
    cv2.imwrite(str(folder / "0.png"), filled(HEAD, (0, 0, 0)) + paint()[:100, :120])
    with pytest.raises(PortraitError, match="are not found in the painting"):
        Portrait.open(folder, painting=navy_photo)
    with pytest.raises(PortraitError, match=r"cannot read the painting .*nowhere.png"):
        Portrait.open(folder, painting=tmp_path / "nowhere.png")


# ---- what is wrong with a pack, in one line


def edit(old: str, new: str) -> Callable[[Path], None]:
    def apply(pack: Path) -> None:
        text = (pack / "portrait.toml").read_text()
        assert old in text
        (pack / "portrait.toml").write_text(text.replace(old, new))

    return apply


def remove(name: str) -> Callable[[Path], None]:
    return lambda pack: (pack / name).unlink()


def put(name: str, data: bytes) -> Callable[[Path], None]:
    def apply(pack: Path) -> None:
        (pack / name).write_bytes(data)

    return apply


def cut(name: str) -> Callable[[Path], None]:
    def apply(pack: Path) -> None:
        (pack / name).write_bytes((pack / name).read_bytes()[:-40])

    return apply


def spoil(name: str) -> Callable[[Path], None]:
    def apply(pack: Path) -> None:
        data = bytearray((pack / name).read_bytes())
        data[len(data) // 2] ^= 1
        (pack / name).write_bytes(data)

    return apply


def bomb() -> bytes:
    """A PNG of a few bytes that claims 60000 × 60000."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("spoil_it", "message"),
    [
        (remove("frames/002.png"), "lacks frames/002.png; there must be one for each of 0 to 4"),
        (remove("blink/004.png"), "lacks blink/004.png"),
        (remove("mouth/003.png"), "lacks mouth/003.png"),
        (remove("idle/001.png"), "lacks idle/001.png"),
        (remove("painting.png"), "lacks painting.png"),
        (put("frames/005.png", encode(filled(HEAD, (0, 0, 0)))), "frames/005.png is more than the 5"),
        (
            put("frames/003.png", encode(filled(EYES, (0, 0, 0)))),
            "frames/003.png is 80x30, but frames/000.png is 120x100",
        ),
        (put("frames/003.png", b"hello"), "frames/003.png is no PNG, JPEG or WebP picture"),
        (put("frames/003.png", b""), "frames/003.png is empty"),
        (put("frames/003.png", bomb()), "frames/003.png says it is 60000x60000; pictures may have"),
        (put("painting.png", bomb()), "painting.png says it is 60000x60000; pictures may have"),
        (cut("frames/001.png"), "frames/001.png is cut short"),
        (cut("painting.png"), "painting.png is cut short"),
        (spoil("frames/004.png"), "frames/004.png is damaged"),
        (edit("columns", "colums"), r"\[frames\]: unknown key 'colums' \(did you mean 'columns'\?\)"),
        (edit("title", "titel"), r"unknown key 'titel' \(did you mean 'title'\?\)"),
        (edit("[blink]", "[blinks]"), r"unknown key 'blinks' \(did you mean 'blink'\?\)"),
        (edit("stages", "steps"), r"\[blink\]: .*st(ages|eps)"),
        (edit("columns = 5", ""), r"\[frames\]: 'columns' is missing"),
        (edit("columns = 5", "columns = 0"), "'columns' is 0; it may be 1 to"),
        (edit("columns = 5", 'columns = "5"'), "'columns' must be a whole number"),
        (edit("columns = 5", "columns = true"), "'columns' must be a whole number"),
        (edit("left = 60", "left = 121"), r"the frames \(120x100 at 121,40\) reach outside the painting \(240x320\)"),
        (edit("left = 60", "left = -1"), "'left' is -1; it may be 0 to"),
        (edit("left = 80", "left = 101"), r"blink pictures .* reach outside the frames"),
        (edit("left = 90", "left = 121"), r"mouth pictures .* reach outside the frames .* \[mouth\] left and top"),
        (edit("stages = 2", "stages = 7"), "60 pixels high, which 7 stages do not share"),
        (edit("fps = 10.0", "fps = 0"), r"\[idle\]: 'fps' is 0; it may be"),
        (edit("format = 1", "format = 2"), "format 2 is newer than this program"),
        (edit('"painting.png"', '"../painting.png"'), "'../painting.png' lies outside the pack"),
        (edit('"painting.png"', '"/etc/passwd"'), "'/etc/passwd' lies outside the pack"),
        (edit('folder = "frames"', 'folder = ".."'), "'..' lies outside the pack"),
        (edit('painting = "painting.png"', ""), "no painting is named"),
        (edit("format = 1", "format 1"), "portrait.toml is no valid TOML"),
        (put("portrait.toml", b"\xff\xfe\x00"), "portrait.toml is no UTF-8"),
        (lambda pack: shutil.rmtree(pack / "frames"), "has no pictures in frames/"),
    ],
)
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "archive"])
def test_bad_packs(tmp_path: Path, spoil_it: Callable[[Path], None], message: str, packed: bool) -> None:
    pack = write_pack(tmp_path / "pack", columns=5, stages=2, mouths=2, idles=3)
    spoil_it(pack)
    if packed:
        pack = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", pack))
    with pytest.raises(PortraitError, match=message) as caught:
        Portrait.open(pack)
    assert "\n" not in str(caught.value)
    assert str(pack) in str(caught.value)
    pack.rename(tmp_path / "moved")  # nothing holds it open


def test_folders_that_are_no_portrait(tmp_path: Path) -> None:
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "beach.jpg").write_bytes(encode(paint(), ".jpg"))
    with pytest.raises(PortraitError, match=r"neither a portrait.toml nor numbered pictures"):
        Portrait.open(tmp_path / "holiday")
    with pytest.raises(PortraitError, match="no such portrait"):
        Portrait.open(tmp_path / "nowhere")
    (tmp_path / "text.portrait").write_text("hello")
    with pytest.raises(PortraitError, match="no ZIP archive"):
        Portrait.open(tmp_path / "text.portrait")


def test_a_plain_folder_with_a_gap_or_mixed_sizes(tmp_path: Path) -> None:
    folder = write_plain(tmp_path / "p", 33)
    (folder / "012.png").unlink()
    with pytest.raises(PortraitError, match=r"lacks 012.png; there must be one for each of 0 to 32"):
        Portrait.open(folder)
    (folder / "012.png").write_bytes(encode(filled(EYES, (1, 2, 3))))
    with pytest.raises(PortraitError, match=r"012.png is 80x30, but 000.png is 64x48; all must be of one size"):
        Portrait.open(folder)


@pytest.mark.parametrize("name", ["../evil.png", "/evil.png", "a/../../evil.png", "C:evil.png", "..\\evil.png"])
def test_archives_that_climb_out(tmp_path: Path, name: str) -> None:
    path = write_pack(tmp_path / "p.zip", columns=2)
    with zipfile.ZipFile(path, "a") as archive:
        entry = zipfile.ZipInfo("x")
        entry.filename = name
        archive.writestr(entry, b"x")
    with pytest.raises(PortraitError, match="a name outside the archive"):
        Portrait.open(path)


def test_archives_that_unpack_to_gigabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("000.png", bytes(300 * 2**20))
    assert path.stat().st_size < 2**20
    with pytest.raises(PortraitError, match=r"000.png is larger than 256 MiB"):
        Portrait.open(path)


def test_damage_inside_an_archive(tmp_path: Path) -> None:
    path = write_pack(tmp_path / "p.portrait", columns=3)
    data = bytearray(path.read_bytes())
    at = data.index(b"frames/001.png") + 300
    data[at] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(PortraitError, match=r"frames/001.png is damaged"):
        Portrait.open(path)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(PortraitError, match="cut short"):
        Portrait.open(path)


# ---- what pictures say about themselves


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
@pytest.mark.parametrize("size", [Size(1, 1), Size(33, 7), Size(1031, 517)])
def test_headers(suffix: str, size: Size) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (size.height, size.width, 3), np.uint8)
    for arguments in [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], [cv2.IMWRITE_WEBP_QUALITY, 50]]:
        data = cv2.imencode(suffix, pixels, arguments)[1].tobytes()
        assert read_header(data).size == size
        check_whole(data)
        for share in (0.1, 0.5, 0.9):
            with pytest.raises(ValueError, match=r"is (cut short|damaged|no PNG|empty)"):
                check_whole(data[: int(share * len(data))])


def test_header_of_webp_with_transparency() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (77, 301, 4), np.uint8)
    assert read_header(cv2.imencode(".webp", pixels, [cv2.IMWRITE_WEBP_QUALITY, 80])[1].tobytes()).size == (301, 77)


@pytest.mark.parametrize("kind", ["grey", "16 bit", "transparent", "palette"])
def test_any_png_becomes_three_channels_of_eight_bits(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    grey = np.full((20, 30), 100, np.uint8)
    pictures = {
        "grey": grey,
        "16 bit": np.full((20, 30, 3), 100 * 257, np.uint16),
        "transparent": np.dstack([grey, grey, grey, grey]),
        "palette": grey,
    }
    cv2.imwrite(str(folder / "0.png"), np.asarray(pictures[kind]))
    frame = Portrait.open(folder).frame(0)
    assert frame.shape == (20, 30, 3)
    assert frame.dtype == np.uint8
    assert np.abs(frame.astype(int) - 100).max() <= 1


# ---- writing: whole or not at all


@pytest.mark.parametrize("name", KINDS)
def test_nothing_is_left_when_building_fails(tmp_path: Path, name: str) -> None:
    def build(error: BaseException) -> None:
        with PackWriter(tmp_path / name, title="", columns=2, place=HEAD) as pack:
            pack.add_painting(paint())
            raise error

    for error in (ValueError("no"), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            build(error)
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", KINDS)
def test_an_incomplete_pack_is_not_put_in_place(tmp_path: Path, name: str) -> None:
    def build() -> None:
        with PackWriter(tmp_path / name, title="", columns=2, place=HEAD) as pack:
            pack.add_painting(paint())
            pack.add_frame(0, filled(HEAD, (1, 1, 1)))

    with pytest.raises(ValueError, match=r"not complete: \['frames/001.png'\]"):
        build()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", KINDS)
def test_what_exists_is_replaced_on_demand_only(tmp_path: Path, name: str) -> None:
    path = write_pack(tmp_path / name, columns=3)
    with pytest.raises(PortraitError, match="exists already"):
        PackWriter(path, title="", columns=1, place=HEAD)

    def rebuild(frames: int) -> None:
        with PackWriter(path, title="new", columns=1, place=HEAD, overwrite=True) as pack:
            pack.add_painting(paint())
            for index in range(frames):
                pack.add_frame(index, filled(HEAD, (1, 1, 1)))

    with pytest.raises(ValueError, match="not complete"):
        rebuild(0)
    with Portrait.open(path) as portrait:
        assert portrait.columns == 3
    rebuild(1)
    with Portrait.open(path) as portrait:
        assert (portrait.title, portrait.columns) == ("new", 1)
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_of_other_things_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "letter.txt").write_text("dear")
    with pytest.raises(PortraitError, match="is a folder of other things, which is not replaced"):
        PackWriter(tmp_path / "letters", title="", columns=1, place=HEAD, overwrite=True)
    with pytest.raises(OutputError, match="there is no folder"):
        PackWriter(tmp_path / "nowhere" / "p", title="", columns=1, place=HEAD)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of file sizes to stand for a full disk")
@pytest.mark.parametrize("name", KINDS)
def test_a_disk_that_fills_up(tmp_path: Path, name: str) -> None:
    import resource
    import signal

    path = write_pack(tmp_path / name, columns=3)
    before = sorted(file.relative_to(tmp_path) for file in tmp_path.rglob("*"))

    def rebuild() -> None:
        with PackWriter(path, title="new", columns=1, place=HEAD, overwrite=True) as pack:
            pack.add_frame(0, filled(HEAD, (1, 1, 1)))
            pack.add_painting(paint())

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))  # the painting alone has 230 kB
    try:
        with pytest.raises(PortraitError, match=r"cannot write .*; free some space"):
            rebuild()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert sorted(file.relative_to(tmp_path) for file in tmp_path.rglob("*")) == before
    with Portrait.open(path) as portrait:
        assert portrait.columns == 3


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="whoever may write anywhere")
def test_a_folder_one_may_not_write_to(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with (
        pytest.raises(PortraitError, match="cannot write"),
        PackWriter(tmp_path / "p.portrait", title="", columns=1, place=HEAD),
    ):
        pass
    tmp_path.chmod(0o700)


def test_pictures_of_the_wrong_size_are_refused(tmp_path: Path) -> None:
    writer = PackWriter(tmp_path / "p", title="", columns=1, place=HEAD)
    with pytest.raises(ValueError, match="a picture of 80x30 where frames are 120x100"), writer:
        writer.add_frame(0, filled(EYES, (1, 1, 1)))
    assert not list(tmp_path.iterdir())


# ---- finding packs


def test_packs_are_found_by_path_and_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    monkeypatch.setattr("realtime.portrait.pack.library.packs_folder", lambda: kept)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    mona = write_pack(kept / "mona_lisa.portrait", columns=1)
    write_plain(kept / "vermeer", 5)
    own = write_pack(tmp_path / "here" / "aunt", columns=1)

    assert kept_packs() == [mona, kept / "vermeer"]
    assert find_pack("mona_lisa") == find_pack("mona_lisa.portrait") == mona
    assert find_pack("vermeer") == kept / "vermeer"
    assert find_pack("aunt") == Path("aunt")
    assert find_pack(str(own)) == own
    with pytest.raises(PortraitError, match=r"no portrait 'mona_lissa' .* \(did you mean 'mona_lisa'\?\)"):
        find_pack("mona_lissa")
    with pytest.raises(PortraitError, match=r"there are: aunt, mona_lisa, vermeer"):
        find_pack("zzzzzz")
    with pytest.raises(PortraitError, match=r"no portrait .*kept.mona.portrait .* \(did you mean 'mona_lisa.portrait'"):
        find_pack(str(kept / "mona.portrait"))
    with pytest.raises(PortraitError, match="there is no folder"):
        find_pack(str(tmp_path / "nowhere" / "p"))


@pytest.mark.parametrize("name", ["pack.portrait", "pack"])
def test_of_two_that_are_made_under_one_name_the_later_replaces_nothing(tmp_path: Path, name: str) -> None:
    def others() -> None:
        (tmp_path / name).mkdir() if name == "pack" else (tmp_path / name).write_bytes(b"theirs")

    def make() -> None:
        with PackWriter(tmp_path / name, title="Mine", columns=1, place=Place(0, 0, 8, 8)) as pack:
            pack.add_painting(np.zeros((16, 16, 3), np.uint8))
            pack.add_frame(0, np.zeros((8, 8, 3), np.uint8))
            others()

    with pytest.raises(PortraitError, match=r"somebody else meanwhile and stays; this one is kept in .*pack-2"):
        make()
    assert (tmp_path / name).is_dir() or (tmp_path / name).read_bytes() == b"theirs"
    kept = tmp_path / name.replace("pack", "pack-2")
    with Portrait.open(kept) as portrait:
        assert portrait.title == "Mine"
    assert {path.name for path in tmp_path.iterdir()} == {name, kept.name}
