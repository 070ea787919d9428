"""Every way a run can end, whatever is trained. The others are in test_train_style.py and test_train_swap.py."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.training.conftest import Words
from tests.training.test_train_style import TINY, losses
from tools.train_style import main
from tools.training.data import Batch
from tools.training.perceptual import PerceptualRecipe


def test_a_styles_run_that_breaks_keeps_what_was_good_and_goes_on_more_slowly(
    command: Words, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    step = PerceptualRecipe.step

    def spoilt(self: PerceptualRecipe, batch: Batch) -> dict[str, torch.Tensor]:
        if batch.step == 5:
            with torch.no_grad():
                next(iter(self.generators()[""].parameters())).fill_(float("nan"))
        return step(self, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PerceptualRecipe, "step", spoilt)
        assert main(command("brush", steps=8, save_every=2, **TINY["brush"])) == 1
    said = capsys.readouterr().err
    assert "became NaN or infinite at step" in said
    assert "checkpoint.pth is from before it" in said
    kept = torch.load(tmp_path / "run" / "checkpoint.pth", weights_only=True)
    assert kept["step"] == 4
    assert all(torch.isfinite(tensor).all() for tensor in kept["generator"].values())
    assert main(command("brush", steps=8, learning_rate=1e-4, **TINY["brush"])) in (0, 1)
    assert "after step 4" in capsys.readouterr().err
    assert losses(tmp_path / "run")["step"] == list(range(8))
