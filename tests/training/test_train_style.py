"""Runs of a few steps, as the command makes them."""

from __future__ import annotations

import csv
import json
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from tests.training.conftest import Words
from tests.training.test_networks import torchvision_squeezenet
from tools.train_style import main

TINY: dict[str, dict[str, object]] = {
    "brush": {"fine": 4, "middle": 4, "blocks": 1},
    "fast_neural_style": {"width": 4, "blocks": 1},
    "lapstyle": {"crop_px": 64, "levels": 1, "revision_width": 4, "judge_width": 4},
    "cyclegan": {"width": 4, "blocks": 2, "judge_width": 4, "pool": 3, "degrade": "salt-pepper-blur"},
}
NETWORKS = list(TINY)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def losses(folder: Path) -> dict[str, list[float]]:
    with (folder / "losses.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


@pytest.mark.parametrize("network", NETWORKS)
def test_a_run_leaves_a_checkpoint_a_curve_and_a_sheet_and_its_loss_falls(
    network: str, command: Words, tmp_path: Path
) -> None:
    main(command(network, steps=40, learning_rate=0.01, averaging=0, seed=3, **TINY[network]))

    folder = tmp_path / "run"
    terms = losses(folder)
    watched = next(name for name in terms if name != "step")
    assert terms["step"] == list(range(40))
    there = [value for value in terms[watched] if value]
    assert np.mean(there[-5:]) < 0.95 * np.mean(there[:5])
    checkpoint = torch.load(folder / "checkpoint.pth", weights_only=True)
    assert checkpoint["network"] == network
    assert checkpoint["settings"]["learning_rate"] == 0.01
    assert all(torch.isfinite(tensor).all() for tensor in checkpoint["generator"].values())
    for name in ("curve.png", "sheet.png", "previews/000040.png"):
        assert cv2.imread(str(folder / name)) is not None
    assert json.loads((folder / "run.json").read_text())["network"] == network


@pytest.mark.parametrize("network", NETWORKS)
def test_a_run_that_was_stopped_goes_on_to_the_very_same_weights(network: str, command: Words, tmp_path: Path) -> None:
    def state(run: str) -> dict[str, torch.Tensor]:
        found = torch.load(tmp_path / run / "resume.pth", weights_only=True)
        return {
            f"{part}{name}.{key}": tensor
            for part in ("generators", "others", "means")
            for name, weights in found[part].items()
            for key, tensor in weights.items()
        }

    main(command(network, "whole", steps=9, **TINY[network]))
    _stop_after(5, command(network, "parted", steps=9, **TINY[network]))
    assert len(losses(tmp_path / "parted")["step"]) == 5
    main(command(network, "parted", steps=9, **TINY[network]))

    whole, parted = state("whole"), state("parted")
    assert whole.keys() == parted.keys()
    assert [key for key in whole if not torch.equal(whole[key], parted[key])] == []
    assert losses(tmp_path / "whole") == losses(tmp_path / "parted")


def _stop_after(steps: int, words: list[str]) -> None:
    """Run and press Ctrl-C in the middle of step number `steps`."""
    from tools.training import run

    add = run.LossLog.add

    def add_and_stop(self: run.LossLog, step: int, terms: dict[str, torch.Tensor]) -> None:
        add(self, step, terms)
        if step == steps - 1:
            signal.raise_signal(signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run.LossLog, "add", add_and_stop)
        assert main(words) == 0


def test_a_network_learns_from_a_teacher(command: Words, tmp_path: Path) -> None:
    main(command("fast_neural_style", "teacher", steps=1, **TINY["fast_neural_style"]))
    teacher = tmp_path / "teacher" / "checkpoint.pth"

    main(command("brush", "pupil", steps=40, learning_rate=0.01, style=(), teacher=teacher, **TINY["brush"]))

    terms = losses(tmp_path / "pupil")
    assert np.mean(terms["answer"][-10:]) < 0.9 * np.mean(terms["answer"][:10])
    assert "style" not in terms


def test_lapstyle_is_judged_by_another_network_than_it_is_built_on(command: Words, tmp_path: Path) -> None:
    torch.save(torchvision_squeezenet(), tmp_path / "squeezenet.pth")

    own = {**TINY["lapstyle"], "transport_weight": 0, "loss_features": tmp_path / "squeezenet.pth"}
    main(command("lapstyle", steps=40, learning_rate=0.01, draft_share=0.95, **own))

    terms = losses(tmp_path / "run")
    draft = terms["draft"][:38]
    assert np.mean(draft[-10:]) < 0.95 * np.mean(draft[:10])


def test_a_network_learns_to_draw_as_a_filter_does(command: Words, tmp_path: Path) -> None:
    main(command("brush", "pupil", steps=40, learning_rate=0.01, style=(), teacher="poster", **TINY["brush"]))

    terms = losses(tmp_path / "pupil")
    assert np.mean(terms["answer"][-10:]) < 0.9 * np.mean(terms["answer"][:10])


def test_a_teacher_that_is_not_there_is_told_in_a_line(command: Words, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command("brush", "pupil", steps=1, style=(), teacher="postr", **TINY["brush"])) == 2
    said = capsys.readouterr().err.strip()
    assert said.endswith("no teacher 'postr' (did you mean 'poster'?); a checkpoint's file, or ink, poster")
    assert "\n" not in said
