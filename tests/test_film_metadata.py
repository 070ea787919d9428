"""What a recording tells of how it was made: from its beginning on, and also where that changes on the way."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
import pytest

from realtime import __version__
from realtime.control.channel import ControlChannel
from realtime.core.errors import OutputError
from realtime.core.specs import EffectSpec
from realtime.disclosure import xmp
from realtime.imaging.frame import Frame
from realtime.imaging.provenance import ALTERED, SYNTHETIC, Provenance, stated_by
from realtime.outputs import OutputRequest
from realtime.outputs.recorder import Recorder
from tests.synthetic import boxes, told_in, xmp_of_film
from tests.test_recorder import KINDS, picture

PLAIN = Provenance(("none",))
STYLE = Provenance(("style:night",), ALTERED)
SWAP = Provenance(("swap:face.jpg",), SYNTHETIC)


def record(path: Path, made: Sequence[Provenance | None], *, noise: bool = False) -> Recorder:
    random = np.random.default_rng(1)
    output = Recorder(str(path), OutputRequest(ControlChannel(), title="a title"))
    for number, provenance in enumerate(made):
        pixels = random.integers(0, 256, (180, 320, 3), np.uint8) if noise else picture(number)
        output.show(Frame(pixels, 0.0, number / 30, number, provenance=provenance))
    output.close()
    return output


def tags(path: Path) -> dict[str, str]:
    """What every player reads, trailing spaces left out; and that the whole film can be decoded."""
    with av.open(path) as film:
        told = {name.lower(): text.rstrip() for name, text in film.metadata.items()}
        assert sum(1 for _ in film.decode(video=0)) > 0
    return told


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("provenance", [PLAIN, STYLE, SWAP])
def test_a_recording_tells_program_effect_date_and_term(tmp_path: Path, kind: str, provenance: Provenance) -> None:
    path = tmp_path / f"out{kind}"
    record(path, [provenance] * 5)
    told = tags(path)
    assert told["title"] == provenance.title
    assert told["comment"].startswith(f"Made with realtime {__version__}; effect: {provenance.title}")
    assert told["comment"].endswith(provenance.source_type)
    assert told["creation_time"].startswith("20")
    assert stated_by(path) == (SYNTHETIC if provenance is SWAP else "")
    if kind == ".mkv":
        assert told["digital_source_type"] == (provenance.source_type or "not stated")
        return
    packet = told_in(xmp_of_film(path))
    assert packet.get("Iptc4xmpExt:DigitalSourceType") == ([provenance.source_type] if provenance.source_type else None)
    assert packet["xmp:CreatorTool"] == [f"realtime {__version__}"]
    assert packet["rdf:li"][0] == told["comment"]
    assert [kind for kind, _ in boxes(path.read_bytes())][-2:] == ["moov", "uuid"]
    assert xmp.found_in(path) == xmp_of_film(path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("begin", "noise"), [(PLAIN, True), (STYLE, False), (None, False)])
def test_a_recording_that_becomes_synthetic_says_so(
    tmp_path: Path, kind: str, begin: Provenance | None, noise: bool
) -> None:
    """With noise the header has long been written when the effect changes; without, it waits in a buffer."""
    path = tmp_path / f"out{kind}"
    record(path, [begin] * (55 if noise else 3) + [SWAP] * 2 + [begin] * 3, noise=noise)
    told = tags(path)
    before = begin.title if begin else "a title"
    assert told["comment"].endswith(f"; effect: {before} + swap:face.jpg; {SYNTHETIC}")
    assert stated_by(path) == SYNTHETIC
    data = path.read_bytes()
    assert SYNTHETIC.encode() in data[:4096], "at the beginning too, where it would be read if the program were killed"
    assert ALTERED.encode() not in data
    if kind == ".mkv":
        assert told["digital_source_type"] == SYNTHETIC
    else:
        assert told_in(xmp_of_film(path))["Iptc4xmpExt:DigitalSourceType"] == [SYNTHETIC]


def test_however_many_effects_come_the_term_is_kept(tmp_path: Path) -> None:
    many = [Provenance((f"style:a rather long näme of a painting {number}",), ALTERED) for number in range(30)]
    record(tmp_path / "out.mp4", [PLAIN, *many, SWAP])
    comment = tags(tmp_path / "out.mp4")["comment"]
    assert comment.startswith("Made with realtime")
    assert comment.endswith(f"…; {SYNTHETIC}")
    packet = told_in(xmp_of_film(tmp_path / "out.mp4"))
    assert len(packet["stEvt:parameters"]) == 31, "XMP has room for all"


def test_names_are_told_as_they_are(tmp_path: Path) -> None:
    strange = Provenance((EffectSpec.parse("swap:<Zoë & 花>\x07\udce9.jpg").public_name,), SYNTHETIC)
    record(tmp_path / "out.mp4", [strange])
    assert told_in(xmp_of_film(tmp_path / "out.mp4"))["stEvt:parameters"] == ["effect swap:<Zoë & 花>??.jpg"]


RECORD_FOR_EVER = """
import sys
from realtime.control.channel import ControlChannel
from realtime.imaging.frame import Frame
from realtime.outputs import OutputRequest
from realtime.outputs.recorder import Recorder
from tests.test_film_metadata import PLAIN, SWAP
from tests.test_recorder import picture

output = Recorder(sys.argv[1], OutputRequest(ControlChannel()))
pixels = picture(1)
for number in range(100_000):
    made = PLAIN if number < 20 else SWAP
    output.show(Frame(pixels, number / 5, number / 5, number, provenance=made))
    if number == 99:
        print("twenty seconds", flush=True)
"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_recording_whose_program_was_killed_says_it_too(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"out{kind}"
    command = [sys.executable, "-c", RECORD_FOR_EVER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"twenty seconds\n"
        program.kill()
    assert tags(path)["comment"].endswith(f"effect: none + swap:face.jpg; {SYNTHETIC}")
    assert stated_by(path) == SYNTHETIC


def test_a_disk_without_room_for_the_packet_leaves_a_whole_film(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half_of_it(file: BinaryIO, packet: bytes) -> None:
        file.write(packet[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(xmp, "append_box", half_of_it)
    with pytest.raises(OutputError, match="the disk is full; what was recorded until now is kept"):
        record(tmp_path / "out.mp4", [SWAP] * 5)
    assert [kind for kind, _ in boxes((tmp_path / "out.mp4").read_bytes())][-1] == "moov"
    assert tags(tmp_path / "out.mp4")["comment"].endswith(SYNTHETIC)
