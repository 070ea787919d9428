"""A run's folder, its verdict, and the lines a person reads when something cannot be."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.conftest import Words, drawn
from tests.training.test_train_style import TINY
from tools.train_style import main
from tools.training.run import LossLog
from tools.training.verdict import faults


def terms(**values: float) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value) for name, value in values.items()}


def test_a_term_that_comes_up_later_gets_a_column(tmp_path: Path) -> None:
    path = tmp_path / "losses.csv"
    log = LossLog(path, 0)
    log.add(0, terms(draft=2.0))
    log.write()
    log.add(1, terms(revision=3.0))
    log.write()
    log.add(2, terms(revision=1.0))
    log.write()
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [["step", "draft", "revision"], ["0", "2", "0"], ["1", "0", "3"], ["2", "0", "1"]]
    again = LossLog(path, 2)  # a run that was saved after two steps and interrupted after three
    assert again.steps == [0, 1]
    assert again.terms == {"draft": [2.0, 0.0], "revision": [0.0, 3.0]}


FALLING = {"total": [float(value) for value in np.linspace(2, 1, 40)]}
PAINTED = [drawn(1), drawn(2)]


def test_a_good_run_has_no_faults() -> None:
    assert faults(FALLING, PAINTED) == []


@pytest.mark.parametrize(
    ("losses", "painted", "said"),
    [
        ({"total": [1.0] * 40}, PAINTED, "'total' did not fall"),
        ({**FALLING, "style": [1.0, float("nan")] * 20}, PAINTED, "'style' became NaN"),
        (FALLING, [np.full((40, 40, 3), 90, np.uint8), drawn(2)], "1 of 2 pictures came out as one flat colour"),
        (FALLING, [drawn(1), drawn(1)], "different pictures came out the same"),
    ],
)
def test_a_bad_run_is_told_why(losses: dict[str, list[float]], painted: list[np.ndarray], said: str) -> None:
    (fault,) = faults(losses, painted)
    assert said in fault


def test_another_run_is_not_gone_on_with_in_the_same_folder(
    command: Words, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    main(command("brush", steps=2, **TINY["brush"]))
    before = (tmp_path / "run" / "resume.pth").read_bytes()
    assert main(command("brush", steps=2, style_weight=7, **TINY["brush"])) == 2
    assert "holds a run with style_weight = 0.5, not 7.0" in capsys.readouterr().err
    assert (tmp_path / "run" / "resume.pth").read_bytes() == before
    (tmp_path / "run" / "resume.pth").write_bytes(before[:1000])
    assert main(command("brush", steps=3, **TINY["brush"])) == 2
    assert "resume.pth is damaged or of another run" in capsys.readouterr().err


def test_a_run_starts_from_another_ones_weights(command: Words, tmp_path: Path) -> None:
    main(command("brush", "first", steps=3, **TINY["brush"]))
    first = tmp_path / "first" / "checkpoint.pth"
    main(command("brush", "second", steps=1, learning_rate=0, start_from=first, **TINY["brush"]))
    weights = [torch.load(path, weights_only=True)["generator"] for path in (first, tmp_path / "second/checkpoint.pth")]
    moving = {name for name in weights[0] if "running" in name or "batches" in name}  # they follow what is seen
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0] if name not in moving)


@pytest.mark.parametrize(
    ("network", "options", "said"),
    [
        ("brusch", {}, "no network 'brusch' (did you mean 'brush'?)"),
        ("brush", {"style": ()}, "brush learns from a painting: name one with --style PICTURE"),
        ("brush", {"features": ()}, "torchvision.models.vgg19"),
        ("brush", {"crop_px": 34}, "--crop-px 34 is no multiple of 8"),
        ("brush", {"stiel": "x"}, "no such option: --stiel (did you mean '--style'?)"),
        ("brush", {"batch": "0"}, "batch takes a whole number of at least 1, not 0"),
        ("brush", {"style_layers": "relu31,relu99"}, "'relu99' is no layer"),
        ("brush", {"style": "nowhere.png"}, "cannot read nowhere.png"),
        ("brush", {"features": "nowhere.pth"}, "no checkpoint nowhere.pth"),
        ("brush", {"least_scale": 0.9, "most_scale": 0.5}, "--least-scale 0.9 is above --most-scale 0.5"),
        ("brush", {"degrade": "salt-pepper-blur"}, "--other and --degrade are for cyclegan"),
        ("cyclegan", {}, "name the second with --other, or --degrade"),
        ("lapstyle", {"levels": 1}, "--crop-px 32 is no multiple of 64"),
        ("brush", {"loss_features": "nowhere.pth"}, "--loss-features is for lapstyle"),
        ("lapstyle", {"crop_px": 64, "levels": 1, "loss_features": "nowhere.pth"}, "no checkpoint nowhere.pth"),
    ],
)
def test_what_cannot_be_is_one_line(
    network: str,
    options: dict[str, object],
    said: str,
    command: Words,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    tiny = {
        name: value for name, value in TINY.get(network, {}).items() if name not in ("degrade", "crop_px", "levels")
    }
    assert main(command(network, steps=2, **{**tiny, **options})) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("train_style:")]
    assert len(lines) == 1
    assert said in lines[0]
    assert not (tmp_path / "run" / "checkpoint.pth").exists()
