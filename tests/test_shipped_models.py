"""Every model that is shipped opens, repaints a photo, and says of itself what people must know."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.faces.landmarks.alignment import cut_face
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.models import library
from realtime.models.card import HEIGHT, WIDTH, ModelKind
from realtime.models.runtime.onnx_model import ON_CPU, OnnxModel, SessionPolicy
from realtime.morph.model import MorphModel
from realtime.picture_files.reader import read_picture
from realtime.swap.photo.loading import read_source

SHIPPED = sorted(library.shipped_folder().glob("*.onnx"))
LARGEST_BYTES = {ModelKind.STYLE: 2_000_000, ModelKind.MORPH: 8_000_000}


@pytest.fixture(scope="module")
def photo(navy_photo: Path) -> np.ndarray:
    pixels = cv2.imread(str(navy_photo))
    assert pixels is not None
    return cv2.resize(pixels[40:340, 90:390], (250, 186), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("path", SHIPPED, ids=[path.stem for path in SHIPPED])
class TestShipped:
    def test_its_card_is_filled_in(self, path: Path) -> None:
        card = library.read_card(path)
        empty = [
            field
            for field in ("title", "about", "credit", "licence", "trained_on", "network", "made_by")
            if not getattr(card, field)
        ]
        assert empty == []
        assert path.with_suffix(".md").is_file()
        assert path.stat().st_size <= LARGEST_BYTES[card.kind]

    def test_it_is_found_by_its_name(self, path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(library, "user_folder", lambda: tmp_path)
        assert library.find_model(path.stem, library.read_card(path).kind) == path

    def test_it_repaints_at_sizes_of_every_kind(self, path: Path, photo: np.ndarray) -> None:
        """Odd sides, and sides that are fixed: the same picture both ways."""
        if library.read_card(path).kind is not ModelKind.STYLE:
            pytest.skip("not a style")
        for height, width in ((photo.shape[0], photo.shape[1]), (97, 131)):
            picture = np.ascontiguousarray(photo[:height, :width])[None]
            free, fixed = np.empty_like(picture), np.empty_like(picture)
            OnnxModel.open(path, SessionPolicy(provider="cpu")).run({"frame": picture}, {"frame_out": free})
            folded = OnnxModel.open(path, SessionPolicy(provider="cpu"), dimensions={HEIGHT: height, WIDTH: width})
            assert folded.output_shapes["frame_out"] == (1, height, width, 3)
            folded.run({"frame": picture}, {"frame_out": fixed})
            assert np.abs(free.astype(int) - fixed).max() <= 1
            assert np.abs(free.astype(int) - picture).mean() > 5  # a painting, not the photo
            assert free.std() > 15  # and not one colour


def test_the_morph_keeps_faces_and_its_directions_change_them(navy_photo: Path) -> None:
    """On a photo it never saw: drawn again it is nearer to itself than to the mean of people, and each direction makes
    a face that differs.
    """
    model = MorphModel(library.find_model("faces", ModelKind.MORPH), ON_CPU)
    picture = read_picture(navy_photo)
    mesh = read_source(navy_photo, FaceMeasurer()).mesh
    face = cut_face(picture, mesh, model.alignment, model.side_px)[0]
    code = model.encode(face)
    drawn, nobody = model.decode(np.stack([code, model.space.mean]))
    assert np.square(drawn - face).mean() < np.square(nobody - face).mean() / 3
    assert len(model.space.directions) >= 8
    for direction in model.space.directions:
        assert direction.accuracy > 0.7, direction.name
        less, more = model.decode(np.stack([code - 3 * direction.values, code + 3 * direction.values]))
        assert np.abs(more - less).mean() > 4, direction.name
    model.close()
