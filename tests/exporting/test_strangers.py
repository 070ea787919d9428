"""Files that mean harm: none writes, runs, or takes more than a network would; each is refused in one line."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from realtime.core.errors import ModelError
from tools import export_onnx
from tools.exporting import apart
from tools.exporting.archive import Archive
from tools.exporting.checkpoint import read_checkpoint
from tools.exporting.saved import read_saved
from tools.exporting.source import Wishes, open_source
from tools.fuzzing import hostile
from tools.networks.pix2pix_unet import Pix2PixUnet

WISHES = Wishes(range="0..1")
# Arithmetic as far as can be seen: only a process that is bounded can open them.
UNBOUNDED = {"endless.pt", "greedy.pt", "huge.pt", "many-calls.pt"}
# Names and labels that are of no use here: such a file is opened, and what they say is never read.
HARMLESS = {"name.pt2", "name-escapes.pt2", "guard.pt2", "huge.pt2", "full.pt2", "power.pt2", "text.pt2", "escapes.pth"}
HARMLESS |= {"many.pth"}

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


def marks(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith("mark")]


@pytest.mark.parametrize("kind", ["scripts", "programs", "checkpoints"])
def test_a_file_that_means_harm_does_none(kind: str, tmp_path: Path) -> None:
    files: Iterator[Path] = getattr(hostile, kind)(tmp_path)
    tried, opened = 0, []
    for path in files:
        if path.name in UNBOUNDED:
            continue
        tried += 1
        try:
            open_source(path, WISHES if kind != "checkpoints" else Wishes())
            opened.append(path.name)
        except ModelError as error:
            message = str(error)
            assert message.isprintable(), path.name
            assert path.name in message
        assert marks(tmp_path) == [], path.name
    assert tried > 15
    assert set(opened) <= HARMLESS


def test_what_was_checked_is_what_pytorch_reads(tmp_path: Path) -> None:
    """A member that lies twice in an archive is read by zipfile at its second place, by PyTorch at its first."""
    (twice,) = (path for path in hostile.scripts(tmp_path) if path.name == "twice.pt")
    with pytest.raises(ModelError, match="twice"):
        open_source(twice, WISHES)
    with zipfile.ZipFile(tmp_path / "x.pth", "w") as archive:
        archive.writestr("x/data.pkl", b"")
        archive.writestr("x/data/0", b"\0" * 100_000_000, zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelError, match="far more than it is"):
        Archive(tmp_path / "x.pth")


def test_the_names_in_a_program_are_no_code(tmp_path: Path) -> None:
    """torch.export.load writes Python of the names in a file, and runs its guards."""
    for path in hostile.programs(tmp_path):
        if path.name in ("name.pt2", "guard.pt2"):
            network = open_source(path, WISHES).parts[0].network
            picture = torch.rand(1, 3, 8, 9)
            assert torch.equal(network(picture), picture * 0.5)
    assert marks(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="made of Linux's own calls")
def test_a_confined_process_can_do_nothing(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "secret").write_text("x")
    (tmp_path / "given").write_text("y")
    code = f"""
import ctypes, os, socket, subprocess, sys
from pathlib import Path
from tools.exporting.confinement import confine
here = Path({str(tmp_path)!r})
if not confine([here / "given"], here / "scratch"):
    sys.exit(77)
(here / "scratch" / "made").write_text("z")
assert (here / "given").read_text() == "y"
def refused(work):
    try:
        work()
    except PermissionError:
        return True
def uring():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(425, 1, None) < 0:
        raise OSError(ctypes.get_errno(), "io_uring_setup")
print([refused(work) for work in (
    lambda: (here / "mark").write_text("z"),
    lambda: (here / "given").write_text("z"),
    lambda: (here / "secret").read_text(),
    lambda: os.mkdir(here / "mark-folder"),
    lambda: os.symlink("/etc", here / "mark-link"),
    lambda: socket.socket(),
    lambda: subprocess.run(["true"]),
    lambda: os.kill(os.getppid(), 0),
    uring,
    os.setsid,
    os.setpgrp,
)])
"""
    repository = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip("this kernel has no Landlock or no seccomp")
    assert done.stdout == f"{[True] * 11}\n", done.stderr
    assert marks(tmp_path) == []
    assert (tmp_path / "scratch" / "made").read_text() == "z"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no process leaves one behind so there")
def test_nothing_that_was_started_outlasts_the_process_apart(tmp_path: Path) -> None:
    """It would hold the pipes that are listened to."""
    code = """
import os, time
from pathlib import Path
if os.fork():
    print("made", flush=True)
else:
    time.sleep(60)
    Path("outlasted").touch()
"""
    assert apart._watched([sys.executable, "-c", code], tmp_path) == (0, [])
    assert not (tmp_path / "outlasted").exists()


@pytest.mark.skipif(os.name != "posix", reason="a clock of POSIX")
def test_an_endless_program_is_ended_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (endless,) = (path for path in hostile.scripts(tmp_path) if path.name == "endless.pt")
    assert export_onnx.main([str(endless), "-o", str(tmp_path / "x.onnx"), "--range", "-1..1"]) == 2
    said = capsys.readouterr().err
    assert "works far longer than a network needs" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "x.onnx").exists()


class TestTensors:
    """Every tensor is held to the bytes that are there."""

    def test_one_that_repeats_a_number_is_refused(self, tmp_path: Path) -> None:
        wide = torch.zeros(1).expand(30_000, 30_000)
        for new in (True, False):
            torch.save({"a": wide, "b": wide}, tmp_path / "x.pth", _use_new_zipfile_serialization=new)
            with pytest.raises(ModelError, match=r"x\.pth is no checkpoint"):
                read_checkpoint(tmp_path / "x.pth")

    def test_views_strides_and_shared_storages_are_kept(self, tmp_path: Path) -> None:
        whole = torch.arange(24.0).reshape(4, 6)
        saved = {"a": whole[1:, ::2], "b": whole.t(), "c": whole[0], "d": torch.tensor(3), "e": torch.zeros(0, 2)}
        for new in (True, False):
            torch.save(saved, tmp_path / "x.pth", _use_new_zipfile_serialization=new)
            found = read_saved(tmp_path / "x.pth")
            assert isinstance(found, dict)
            assert all(torch.equal(found[name], tensor) for name, tensor in saved.items())
            assert [found[name].stride() for name in "ab"] == [saved[name].stride() for name in "ab"]
            assert found["a"].untyped_storage().data_ptr() == found["b"].untyped_storage().data_ptr()

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda: torch.zeros(4, dtype=torch.int8), "is of int8"),
            (lambda: torch.zeros(4, dtype=torch.complex64), "is of complex64"),
            (lambda: torch.quantize_per_tensor(torch.zeros(4), 1.0, 0, torch.qint8), "no plain numbers"),
            (lambda: torch.sparse_coo_tensor(torch.zeros(2, 1), torch.ones(1), (100_000, 100_000)), "no plain numbers"),
            (lambda: torch.zeros(4, device="meta"), "no plain numbers"),
        ],
    )
    def test_what_no_network_computes_with(self, make: Callable[[], torch.Tensor], words: str, tmp_path: Path) -> None:
        torch.save({"a": make(), "b": torch.zeros(2)}, tmp_path / "x.pth")
        with pytest.raises(ModelError, match=words):
            read_checkpoint(tmp_path / "x.pth")

    def test_everything_that_training_saves_is_read(self, tmp_path: Path) -> None:
        """With the bytes, sets and numbers that lie beside the weights."""
        network = nn.Linear(2, 2)
        optimizer = torch.optim.Adam(network.parameters())
        network(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        saved = {
            "model": network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "random": torch.get_rng_state(),
            "kind": torch.float16,
            "size": torch.Size([2, 3]),
            "parameter": network.weight,
            "plain": {"bytes": b"x\xff", "set": {1, 2}, "none": None, "deep": [(1, 2.5), "é"]},
        }
        torch.save(saved, tmp_path / "x.pth")
        ours, theirs = read_saved(tmp_path / "x.pth"), torch.load(tmp_path / "x.pth", weights_only=True)
        assert isinstance(ours, dict)
        assert ours["plain"] == theirs["plain"]
        assert torch.equal(ours["random"], theirs["random"])
        state = ours["optimizer"]["state"][0]
        assert all(torch.equal(state[name], value) for name, value in theirs["optimizer"]["state"][0].items())


def test_shapes_that_ask_for_a_giant_are_refused_before_it_is_made(tmp_path: Path) -> None:
    """Widths are read from small weights, and the large ones between them would be made first."""
    tensors = dict(Pix2PixUnet((4, 8, 8)).state_dict())
    tensors["model.model.1.model.1.weight"] = torch.zeros(200_000, 4, 1, 1)
    torch.save(tensors, tmp_path / "x.pth")
    with pytest.raises(ModelError, match="do not fit one another"):
        open_source(tmp_path / "x.pth", Wishes())


def test_old_files_are_read_whole_or_not_at_all(tmp_path: Path) -> None:
    saved = io.BytesIO()
    torch.save({"a": torch.arange(4.0), "b": torch.zeros(2)}, saved, _use_new_zipfile_serialization=False)
    (tmp_path / "x.pth").write_bytes(saved.getvalue())
    assert read_checkpoint(tmp_path / "x.pth")["a"].tolist() == [0, 1, 2, 3]
    place = saved.getvalue().index(struct.pack("<4f", 0, 1, 2, 3)) - 8
    for data in (
        saved.getvalue()[:-3],
        saved.getvalue()[:place] + struct.pack("<q", 1 << 40) + saved.getvalue()[place + 8 :],
    ):
        (tmp_path / "x.pth").write_bytes(data)
        with pytest.raises(ModelError, match="no checkpoint that PyTorch can read"):
            read_checkpoint(tmp_path / "x.pth")
