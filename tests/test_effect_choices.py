from __future__ import annotations

from pathlib import Path

import numpy as np
import platformdirs
import pytest

from realtime.effects.portrait import PortraitEffect
from realtime.portrait.pack import PackWriter, Place


def test_kept_packs_are_what_the_keys_walk_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platformdirs, "user_data_path", lambda name: tmp_path / name)
    assert PortraitEffect.choices() == [""]
    folder = tmp_path / "realtime" / "portraits"
    folder.mkdir(parents=True)
    picture = np.full((40, 40, 3), 90, np.uint8)
    for name in ("mona.portrait", "agnes.portrait"):
        with PackWriter(folder / name, title=name, columns=1, place=Place(0, 0, 40, 40)) as pack:
            pack.add_painting(picture)
            pack.add_frame(0, picture)
    assert PortraitEffect.choices() == ["", "agnes", "mona"]
