"""What lies behind people: colours, the blurred room, pictures, films."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.background import Background, BackgroundSettings
from realtime.background.blur import BlurredBackground
from realtime.background.colour import ColourBackground, bgr_of
from realtime.background.opening import open_background
from realtime.background.pictures import FilmBackground, StillBackground
from realtime.core.errors import OptionError, RealtimeError
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.person.blocks import BlockGrid
from realtime.person.mask import PersonMask
from tests.videos import SIZE as FILM
from tests.videos import number_of, write_video

SIZE = Size(640, 360)
USUAL = BackgroundSettings()


def moment(pixels: Pixels, pts_s: float = 0.0) -> Frame:
    return Frame(pixels, 500 + pts_s, pts_s, round(30 * pts_s))


def drawn(background: Background, pixels: Pixels, people: PersonMask | None = None, **how: object) -> Pixels:
    out = np.full_like(pixels, 77)
    background.draw(moment(pixels), people, BackgroundSettings(**how), out)  # type: ignore[arg-type]
    return out


def left_half() -> PersonMask:
    """Somebody who fills the left half of a picture."""
    grid = BlockGrid(SIZE, 32)
    numbers = np.arange(grid.count)
    is_left = numbers % grid.columns < grid.columns // 2
    small = np.zeros((180, 320), np.uint8)
    small[:, :160] = 255
    none = np.empty(0, np.intp)
    return PersonMask(grid, numbers[is_left], none, numbers[~is_left], np.empty((0, 1024), np.uint8), small)


@pytest.mark.parametrize(
    ("text", "bgr"),
    [
        ("#2a6041", (0x41, 0x60, 0x2A)),
        ("#0F8", (0x88, 0xFF, 0)),
        ("Green", (0, 255, 0)),
        ("#12345", None),
        ("sky", None),
    ],
)
def test_colours(text: str, bgr: tuple[int, int, int] | None) -> None:
    assert bgr_of(text) == bgr


def test_a_colour_is_everywhere() -> None:
    assert (drawn(ColourBackground("#010203", (3, 2, 1)), np.zeros((9, 16, 3), np.uint8)) == (3, 2, 1)).all()


def test_nothing_of_people_runs_into_the_blurred_room() -> None:
    pixels = np.zeros((SIZE.height, SIZE.width, 3), np.uint8)
    pixels[:, :320] = (0, 0, 255)  # somebody all red
    pixels[:, 320:] = (90, 60, 30)
    made = drawn(BlurredBackground(), pixels, left_half(), amount=1.0)
    assert np.abs(made[:, 320:].astype(int) - (90, 60, 30)).max() <= 1
    assert drawn(BlurredBackground(), pixels, None, amount=1.0)[180, 330, 2] > 60, "a plain blur does that"


def test_the_amount_is_how_far_it_is_out_of_focus() -> None:
    room = np.zeros((SIZE.height, SIZE.width, 3), np.uint8)
    room[:, 480:] = 200
    widths = []
    for amount in (0.1, 0.5, 1.0):
        row = drawn(BlurredBackground(), room, left_half(), amount=amount)[180, 320:, 0].astype(float)
        widths.append(int(((row > 20) & (row < 180)).sum()))
    assert widths[0] >= 2
    assert widths == sorted(widths)
    assert widths[2] > 4 * widths[0]


def test_where_nobody_is_known_nothing_is_sharp() -> None:
    room = np.random.default_rng(0).integers(0, 256, (SIZE.height, SIZE.width, 3), np.uint8)
    room[:] = np.repeat(np.repeat(room[::8, ::8], 8, axis=0), 8, axis=1)
    made = drawn(BlurredBackground(), room)
    assert made.std() < 0.2 * room.std()


def test_black_stays_black() -> None:
    """Means of what is nearly nothing must not become less than that."""
    room = np.random.default_rng(0).integers(0, 3, (SIZE.height, SIZE.width, 3), np.uint8)
    room[:120] = 255
    assert drawn(BlurredBackground(), room, left_half())[250:].max() <= 3


@pytest.mark.parametrize("size", [Size(1, 1), Size(17, 333), Size(1921, 1081)])
def test_any_size_is_blurred(size: Size) -> None:
    grey = np.full((size.height, size.width, 3), 128, np.uint8)
    assert np.abs(drawn(BlurredBackground(), grey, amount=1.0).astype(int) - 128).max() <= 1


def test_a_picture_fills_the_frame_or_is_shown_whole() -> None:
    picture = np.zeros((100, 400, 3), np.uint8)
    picture[:, :50], picture[:, 200:] = 100, 200
    still = StillBackground("wide.png", picture)
    frame = np.zeros((SIZE.height, SIZE.width, 3), np.uint8)
    filled = drawn(still, frame)
    assert not (filled == 100).any(), "the sides are cut off"
    assert (filled[:, 400:] == 200).all()
    whole = drawn(still, frame, fit="contain")
    assert (whole[:80] == 0).all()
    assert (whole[180, :70] == 100).all()


def film(path: Path) -> Path:
    """Ten numbered pictures, a tenth of a second each."""
    return write_video(path, times_ms=[100 * number for number in range(10)])


def played(background: Background, times_s: list[float]) -> list[int]:
    """Return the numbers of the pictures shown at some times."""
    frame = np.zeros((FILM.height, FILM.width, 3), np.uint8)
    shown = []
    for time_s in times_s:
        out = np.empty_like(frame)
        background.draw(moment(frame, time_s), None, USUAL, out)
        shown.append(number_of(out))
    return shown


def test_a_film_plays_at_its_own_pace_over_and_over(tmp_path: Path) -> None:
    background = FilmBackground("film.mp4", str(film(tmp_path / "film.mp4")), FILM, waits=True)
    assert played(background, [0.05 + number / 5 for number in range(8)]) == [0, 2, 4, 6, 8, 0, 2, 4]
    assert played(background, [1000.0, 1000.1]) == [4, 5], "after a pause it goes on where it was"
    background.close()
    assert not background._thread.is_alive()


def test_live_a_film_is_not_waited_for(tmp_path: Path) -> None:
    background = FilmBackground("film.mp4", str(film(tmp_path / "film.mp4")), FILM, waits=False)
    background.close()  # nobody reads any more
    while not background._due.empty():
        background._due.get()
    assert played(background, [0.0, 0.5]) == [0, 0]


def test_a_film_that_cannot_be_read_further_keeps_its_last_picture(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = film(tmp_path / "film.mp4")
    background = FilmBackground("film.mp4", str(path), FILM, waits=True)
    path.unlink()
    assert played(background, [number / 10 for number in range(15)])[-1] == 9
    background.close()
    assert "film.mp4 cannot be shown further, its last picture stays" in caplog.text


def test_a_text_means_one_of_them(tmp_path: Path) -> None:
    picture = tmp_path / "beach.png"
    cv2.imwrite(str(picture), np.zeros((9, 16, 3), np.uint8))
    opened = [open_background(text, SIZE, waits=True) for text in ("", "blur", "#fff", str(picture), "none")]
    assert [None if one is None else one.title for one in opened] == ["blur", "blur", "#fff", "beach.png", None]
    moving = open_background(str(film(tmp_path / "film.mp4")), SIZE, waits=True)
    assert isinstance(moving, FilmBackground)
    moving.close()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("blurr", "did you mean 'blur'"),
        ("#12345", "no such file or colour"),
        ("nowhere/beach.jpg", "no such file or colour"),
        ("/dev/null", "neither a picture nor a film"),
    ],
)
def test_what_means_nothing_is_one_line(text: str, words: str) -> None:
    with pytest.raises(OptionError, match=words) as caught:
        open_background(text, SIZE, waits=False)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_picture_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(RealtimeError, match=r"text\.jpg") as caught:
        open_background(str(tmp_path / "text.jpg"), SIZE, waits=False)
    assert "\n" not in str(caught.value)


def test_blur_is_no_darker_than_the_room() -> None:
    room = np.full((SIZE.height, SIZE.width, 3), 100, np.uint8)
    room[::2] = 120
    made = drawn(BlurredBackground(), cv2.blur(room, (3, 3)).astype(np.uint8), left_half())
    assert 108 <= made[:, 400:].mean() <= 112
