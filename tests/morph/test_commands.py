"""`realtime morph strip`, `sheet` and `film` as typed: what is drawn, what it tells of itself, and the one line where
nothing can be drawn.
"""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from realtime.__main__ import main
from realtime.disclosure import xmp
from realtime.imaging.frame import Pixels
from realtime.imaging.provenance import SYNTHETIC, stated_by
from realtime.models.latent_space import Direction, LatentSpace
from realtime.morph.way import Way
from tests import tiny_models
from tests.test_signing import claim_of, write_identity

SIDE, GAP, LINE, TITLES = 256, 6, 24, 120
PAPER = 250


@pytest.fixture(scope="module")
def made(navy_photo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of two directions, the Navy photo, and somebody else: it in a looking glass and colder."""
    folder = tmp_path_factory.mktemp("morph")
    red = Direction("red_skin", "red skin", "hand", 1.0, np.array([0, 0, 0.12], np.float32))
    blue = Direction("blue_skin", "blue skin", "hand", 1.0, np.array([0.12, 0, 0], np.float32))
    unknown = LatentSpace.unknown(3)
    space = LatentSpace(0, unknown.mean, unknown.deviation, (red, blue))
    tiny_models.shaded_morph(folder / "tiny.onnx", space.text())
    shutil.copyfile(navy_photo, folder / "anna.jpg")
    photo = cv2.imread(str(navy_photo))
    assert photo is not None
    colder = np.clip(photo[:, ::-1] * np.array([0.9, 0.7, 0.55]), 0, 255).astype(np.uint8)
    assert cv2.imwrite(str(folder / "ben.png"), colder)
    assert cv2.imwrite(str(folder / "wall.png"), np.full((300, 300, 3), 128, np.uint8))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for path in made.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def morph(*words: str) -> int:
    return main(["morph", *words, "--model", "tiny.onnx"])


def read(path: Path | str) -> Pixels:
    pixels = cv2.imread(str(path))
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


def cell(figure: Pixels, row: int, column: int, columns: int) -> Pixels:
    left = figure.shape[1] - (columns - column) * (SIDE + GAP)
    top = LINE + row * (SIDE + GAP)
    return figure[top : top + SIDE, left : left + SIDE]


def difference(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(int) - other).mean())


def test_a_strip_begins_with_the_one_and_ends_with_the_other(folder: Path) -> None:
    assert morph("strip", "anna.jpg", "ben.png", "-o", "strip.png", "--steps", "4") == 0
    strip = read("strip.png")
    assert strip.shape[1] == GAP + 5 * (SIDE + GAP)
    cells = [cell(strip, 0, column, 5) for column in range(5)]
    # Of the photo a square of one and a half crops is shown, which is 471 of its pixels wide.
    enlarged = cv2.resize(cells[0], (471, 471), interpolation=cv2.INTER_CUBIC)
    assert cv2.matchTemplate(read("anna.jpg"), enlarged, cv2.TM_CCOEFF_NORMED).max() > 0.95
    ways = [difference(picture, cells[0]) for picture in cells]
    assert ways == sorted(ways), "each is farther from the one than the picture before"
    back = [difference(picture, cells[-1]) for picture in cells]
    assert back == sorted(back, reverse=True)

    assert morph("strip", "ben.png", "anna.jpg", "-o", "back.png", "--steps", "1") == 0
    back_strip = read("back.png")
    assert np.array_equal(cell(back_strip, 0, 0, 2), cells[-1])
    assert np.array_equal(cell(back_strip, 0, 1, 2), cells[0])


def test_a_strip_of_the_decoder_has_the_photos_at_its_ends(folder: Path) -> None:
    assert morph("strip", "anna.jpg", "ben.png", "-o", "strip.png", "--steps", "2", "--show", "decoded") == 0
    strip = read("strip.png")
    first, one, between, other, last = (cell(strip, 0, column, 5) for column in range(5))
    # This model's faces are one colour, shaded to black at the right: the colour is what is mixed.
    mixed = (one.astype(float) + other) / 2
    assert np.abs(mixed - between).max() <= 1.5
    assert not one[:, -2:].any()
    assert one[SIDE // 2, 2] == pytest.approx(first.mean((0, 1)), rel=0.06)
    assert difference(first, last) > 10


def test_what_is_drawn_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("anna.jpg", "ben.png", "--steps", "1", "-o")
    assert morph("strip", *words, "strip.png") == 0
    assert stated_by(folder / "strip.png")
    told = xmp.found_in(folder / "strip.png").decode()
    assert "effect: morph:tiny.onnx:anna.jpg,ben.png" in told
    assert str(folder) not in told
    labelled = read("strip.png")
    foot = labelled[LINE + SIDE + GAP :]
    assert (foot[:, -90:] < 200).any(), "a label, on paper of its own"
    assert (foot[:, :-90] == PAPER).all()

    assert morph("strip", *words, "bare.png", "--no-label") == 0
    assert "no label says" in capsys.readouterr().err
    bare = read("bare.png")
    assert np.array_equal(labelled[: bare.shape[0]], bare)
    assert stated_by(folder / "bare.png"), "the metadata stay"


def test_what_is_drawn_can_be_signed(folder: Path) -> None:
    c2pa = pytest.importorskip("c2pa", reason="c2pa-python is not installed; signing is optional")
    write_identity(folder / "me.pem")
    words = ("anna.jpg", "ben.png", "--sign", "me.pem", "-o")
    assert morph("strip", *words, "strip.png", "--steps", "1") == 0
    assert claim_of(c2pa, folder / "strip.png", "image/png")["digitalSourceType"] == SYNTHETIC
    assert morph("film", *words, "film.mp4", "--seconds", "0.1", "--show", "decoded") == 0
    assert claim_of(c2pa, folder / "film.mp4", "video/mp4")["digitalSourceType"] == SYNTHETIC


def test_a_sheet_has_people_and_attributes_in_rows(folder: Path) -> None:
    attributes = ("--attribute", "red_skin", "--attribute", "blue_skin")
    assert morph("sheet", "anna.jpg", "ben.png", *attributes, "-o", "sheet.png") == 0
    sheet = read("sheet.png")
    assert sheet.shape[1] == TITLES + GAP + 5 * (SIDE + GAP)
    assert np.array_equal(cell(sheet, 0, 2, 5), cell(sheet, 1, 2, 5)), "the photo in the middle"
    for row in range(4):
        cells = [cell(sheet, row, column, 5) for column in range(5)]
        assert all(np.array_equal(picture[:8], cells[2][:8]) for picture in cells), "around the face nothing changes"
        channel = 2 if row % 2 == 0 else 0  # BGR
        cheek = [picture[130:150, 110:120, channel].mean() for picture in cells]
        assert all(after > before + 3 for before, after in itertools.pairwise(cheek[:3])), cheek
        assert (sheet[LINE + row * (SIDE + GAP) :][:SIDE, :TITLES] < 100).any(), "whose row, and of what"


def test_a_film_goes_there_and_comes_back(folder: Path) -> None:
    words = ("film", "anna.jpg", "ben.png", "-o", "film.mp4", "--side", "257", "--seconds", "0.6", "--fps", "20")
    assert morph(*words) == 0
    assert "morph:tiny.onnx:anna.jpg,ben.png" in xmp.found_in(folder / "film.mp4").decode()
    assert stated_by(folder / "film.mp4")
    frames = played("film.mp4")
    assert len(frames) == 12
    assert frames[0].shape == (256, 256, 3)
    here = [difference(frame, frames[0]) for frame in frames]
    assert np.argmax(here) in (5, 6, 7)
    assert difference(frames[2], frames[10]) < 0.3 * here[6]

    assert morph(*words, "--once", "--overwrite") == 0
    assert difference(played("film.mp4")[-1], frames[6]) < 0.1 * here[6]


def played(film: str) -> list[Pixels]:
    with av.open(film) as container:
        assert container.streams.video[0].average_rate == 20
        return [np.asarray(frame.to_ndarray(format="bgr24"), np.uint8) for frame in container.decode(video=0)]


def test_what_is_stopped_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(path.name for path in folder.iterdir())

    def stop(way: Way, share: float) -> Pixels:
        if share > 0:
            raise KeyboardInterrupt
        return np.zeros((way.side_px,) * 2 + (3,), np.uint8)

    monkeypatch.setattr(Way, "picture", stop)
    assert morph("film", "anna.jpg", "ben.png", "-o", "film.mp4") == 130
    assert morph("strip", "anna.jpg", "ben.png", "-o", "strip.png") == 130
    assert sorted(path.name for path in folder.iterdir()) == before


SHEET = ["sheet", "anna.jpg", "--attribute", "red_skin", "-o", "sheet.png"]
TWO = ["anna.jpg", "ben.png"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sheet", "anna.jpg", "--attribute", "red_skim", "-o", "s.png"], "did you mean 'red_skin'"),
        (["sheet", "anna.jpg", "wall.png", "--attribute", "red_skin", "-o", "s.png"], "wall.png"),
        (["sheet", "anna.jpg", "nobody.jpg", "--attribute", "red_skin", "-o", "s.png"], "nobody.jpg"),
        (["sheet", "anna.jpg", "-o", "s.png"], "--attribute"),
        ([*SHEET, "--step", "0"], "--step 0 is out of range"),
        ([*SHEET, "--step", "nan"], "--step nan is out of range"),
        (
            ["sheet", *(["anna.jpg"] * 50), "--attribute", "red_skin", "-o", "s.png", "--side", "1080"],
            "a smaller --side",
        ),
        (["sheet", *(["anna.jpg"] * 51), "--attribute", "red_skin", "-o", "s.png"], "51 photos are too many"),
        (["strip", *TWO, "-o", "ben.png", "--overwrite"], "ben.png is one of the photos"),
        (["strip", *TWO, "-o", "wall.png"], "wall.png exists; choose another name or add --overwrite"),
        (["strip", *TWO, "-o", "strip.jpg"], "must end in .png"),
        (["strip", *TWO, "-o", "none/strip.png"], "there is no folder"),
        (["strip", *TWO, "-o", "s.png", "--steps", "0"], "--steps 0 is out of range"),
        (["strip", *TWO, "-o", "s.png", "--side", "64"], "--side 64 is out of range"),
        (["strip", "anna.jpg", "-o", "s.png"], "B.jpg"),
        (["strip", *TWO, "-o", "s.png", "--label", " "], "the text is empty"),
        (["film", *TWO, "-o", "film.gif"], "must end in .mkv, .mov, .mp4"),
        (["film", *TWO, "-o", "film.mp4", "--fps", "0"], "--fps 0 is out of range"),
        (["film", *TWO, "-o", "film.mp4", "--seconds", "long"], "invalid float value"),
        (["film", *TWO, "-o", "film.mkv", "--sign", "me.pem"], "cannot be signed"),
    ],
)
def test_what_cannot_be_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    before = sorted(path.name for path in folder.iterdir())
    assert morph(*words) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "reading the photos" not in line]
    assert len(lines) == 1, lines
    assert said in lines[0]
    assert sorted(path.name for path in folder.iterdir()) == before
