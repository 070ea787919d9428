"""Directions into a morph's file, and out of the file that `tools.find_attributes` writes."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from realtime.core.errors import UNREADABLE, OptionError
from realtime.core.files import atomic_write
from realtime.model_import.steps import write_card
from realtime.models.card import MOST_LATENT_SPACE, ModelKind
from realtime.models.latent_space import LatentSpace
from realtime.models.library import find_model
from realtime.models.runtime.onnx_model import ON_CPU, OnnxModel
from realtime.models.source_file import SourceFile


def read_directions(path: Path, latent: int, light: int) -> LatentSpace:
    """Return what a file of directions tells of codes of `latent` numbers, the last `light` of which are the light.

    Raises OptionError for a file that cannot be read, and ModelError, one line, for one of another model.
    """
    try:
        with path.open("rb") as file:
            text = file.read(4 * MOST_LATENT_SPACE).decode()
    except OSError as error:
        raise OptionError(f"cannot read {path}: {error.strerror}; name what tools.find_attributes wrote") from error
    except UnicodeDecodeError as error:
        raise OptionError(f"{path} is no text; name what tools.find_attributes wrote") from error
    return dataclasses.replace(LatentSpace.parse(_with_verified(text) or "{}", latent, str(path), _FIND), light=light)


def _with_verified(text: str) -> str:
    """Return the text of a file with what is verified beside each direction, where older files have it of all in one
    place; the same text where there is nothing to be done, or it is none.
    """
    try:
        found = json.loads(text)
        verified = found["verified"]
        for direction in found["directions"]:
            if direction["name"] in verified:
                direction.setdefault("verified", verified[direction["name"]])
    except (*UNREADABLE, TypeError, KeyError, AttributeError):
        return text
    return json.dumps(found)


_FIND = "find directions with this very model"


def add_directions(model: Path, space: LatentSpace, out: Path) -> LatentSpace:
    """Write a morph's file with what is known of its codes, and return that; directions of other names that it had
    stay. `out` may be the file itself: it is written whole or not at all.

    Raises ModelError and OutputError.
    """
    source = SourceFile(find_model(str(model), ModelKind.MORPH))
    content, card = source.load(), source.card
    assert card is not None
    latent = len(space.mean)
    before = LatentSpace.parse(card.latent_space, latent, str(model))
    stay = tuple(each for each in before.directions if each.name not in space.names)
    together = dataclasses.replace(space, light=before.light, directions=(*stay, *space.directions))
    LatentSpace.parse(together.text(), latent, str(out))
    write_card(content, dataclasses.replace(card, latent_space=together.text()))
    with atomic_write(out) as unfinished:
        unfinished.write_bytes(content.SerializeToString())
        OnnxModel.open(unfinished, ON_CPU).close()
    return together


def check_place(model: Path, out: Path) -> None:
    """Raise OptionError where directions cannot be put into `out`: known before the work."""
    if out.suffix.lower() == ".onnx" and model.suffix.lower() != ".onnx":
        raise OptionError(
            f"directions of {model.name} go into a .json, which tools.export_onnx takes with --directions; "
            "or name the model that was exported of it"
        )
    if not out.absolute().parent.is_dir():
        raise OptionError(f"no folder {out.parent} for {out.name}; make it first")
