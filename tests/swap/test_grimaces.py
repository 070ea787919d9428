"""A mouth pulled aside is told from one at rest, and no face is built of it where there is better."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from realtime.faces.landmarks.mesh import LIPS, MOUTH, FaceMesh
from realtime.faces.landmarks.symmetry import mouth_crookedness
from realtime.imaging.frame import Pixels
from realtime.swap.face.film import _chosen, _Look
from realtime.swap.face.sights import Sight


@pytest.fixture(scope="session")
def pulled(mesh: FaceMesh) -> FaceMesh:
    """A twentieth of the face's width aside."""
    points = mesh.points.copy()
    points[[*LIPS, *MOUTH], 0] += 0.05 * mesh.width_px
    return dataclasses.replace(mesh, points=points)


def test_a_mouth_pulled_aside_is_crooked_and_one_at_rest_is_not(
    photo: Pixels, mesh: FaceMesh, pulled: FaceMesh
) -> None:
    assert mouth_crookedness(mesh) < 0.2
    assert mouth_crookedness(pulled) == 1
    across = dataclasses.replace(mesh, points=mesh.points * np.array([2, 2, 2], np.float32) + np.float32(7))
    assert mouth_crookedness(across) == pytest.approx(mouth_crookedness(mesh), abs=0.01), "however large it is"
    assert "mouth pulled aside" in Sight("a", photo, pulled, 0.3).remarks
    assert "mouth pulled aside" not in Sight("a", photo, mesh, 0.3).remarks


def test_a_grimace_is_taken_from_a_film_that_shows_nothing_else(
    photo: Pixels, mesh: FaceMesh, pulled: FaceMesh
) -> None:
    calm, grimace = _Look(1.0, photo, mesh, 0.1), _Look(2.0, photo, pulled, 0.9)
    assert (calm.mouth, grimace.mouth) == ("rest", "grimace")
    assert _chosen([grimace, calm]) == [calm]
    assert _chosen([grimace]) == [grimace]
