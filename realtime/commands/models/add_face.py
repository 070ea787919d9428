"""`realtime models add` for faces: swappers, and the networks that tell them whose face."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from realtime.core.errors import ModelError, OptionError
from realtime.core.paths import user_path

if TYPE_CHECKING:
    from realtime.imaging.frame import Pixels
    from realtime.model_import.face.hints import FaceImportHints
    from realtime.model_import.face.validation import FacePhoto
    from realtime.model_import.hints import ImportHints
    from realtime.model_import.style.importer import Description, Imported
    from realtime.models.card import ModelCard, ModelKind

FACE_EXAMPLES = """\
  realtime models add inswapper_128.onnx --identity-model w600k_r50.onnx
  realtime models add Somebody.dfm --coverage 2.1 --name somebody
  realtime models add original.onnx --kind swap --alignment face --layout NHWC --order BGR --range 0..1
"""


def describe(add: argparse.ArgumentParser) -> None:
    """Describe the options of faces to the command line."""
    add.add_argument("--kind", default="", metavar="KIND", help="style, swap or encoder (default: as the file tells)")
    faces = add.add_argument_group("for faces")
    faces.add_argument("--identity-model", metavar="FILE", help="the network that tells a swapper whose face")
    faces.add_argument("--identity-name", metavar="NAME", help="what that is called from now on (default: its name)")
    faces.add_argument("--identity-converter", type=Path, metavar="FILE", help="a network between those two")
    faces.add_argument("--alignment", default="", metavar="TEXT", help="how a face lies in its crop (docs/models.md)")
    faces.add_argument("--coverage", type=_number, metavar="N", help="DFM: how much lies in the crop (default: 2.2)")
    faces.add_argument("--x", type=_number, metavar="N", help="DFM: how far it lies to the right (default: 0)")
    faces.add_argument("--y", type=_number, metavar="N", help="DFM: how far down (default: -0.08)")
    faces.add_argument(
        "--morph", type=_number, metavar="N", help="where its morph value begins, 0 to 1 (default: 0.75)"
    )


def _number(text: str) -> float:
    if not re.fullmatch(r"-?\d+(\.\d+)?", text):
        raise argparse.ArgumentTypeError(f"'{text}' is no number")
    return float(text)


def kind_of(arguments: argparse.Namespace) -> ModelKind:
    """Return what a file is added as: the user's word, its card's, or what its inputs tell. Raises RealtimeError."""
    from realtime.core.errors import nearest
    from realtime.model_import import native
    from realtime.model_import.face.architectures import is_face_swapper
    from realtime.models.card import ModelKind
    from realtime.models.file_safety import read_header

    file: Path = arguments.file
    known = {kind.value: kind for kind in (ModelKind.STYLE, ModelKind.SWAP, ModelKind.ENCODER)}
    word = arguments.kind.lower()
    if word and word not in known:
        raise OptionError(f"--kind {word} is not known{nearest(word, known)}; it can be {', '.join(known)}")
    own = native.kind_of(file)
    if own is not None:
        if word and own.value != word:
            raise OptionError(f"{file} is a model of kind '{own.value}': leave --kind away")
        return own
    if word:
        return known[word]
    if file.suffix.lower() not in (".onnx", ".dfm") or not file.is_file():
        return ModelKind.STYLE  # reading says what is wrong with it
    return ModelKind.SWAP if is_face_swapper(list(read_header(file).inputs)) else ModelKind.STYLE


def refuse_face_options(arguments: argparse.Namespace) -> None:
    """Raise OptionError where an option of faces was given for a style."""
    _refuse(arguments, (*_OF_IDENTITIES, *_OF_CROPS), "for swap models")


_OF_IDENTITIES = ("identity_model", "identity_name", "identity_converter", "morph")
_OF_CROPS = ("alignment", "coverage", "x", "y")
_OF_STYLES = ("size", "multiple")
_OF_NETWORKS = ("range", "output_range", "layout", "output_layout", "order", "output")


def _refuse(arguments: argparse.Namespace, options: tuple[str, ...], why: str) -> None:
    given = [f"--{name.replace('_', '-')}" for name in options if getattr(arguments, name) not in (None, "")]
    if given:
        raise OptionError(f"{', '.join(given)}: {why}, which {arguments.file} is not (see --kind); leave it away")


class FaceAdding:
    """Brings in one face model, and what it needs besides. `made` is the model, `beside` its encoder where that is new
    on the library.
    """

    def __init__(self, arguments: argparse.Namespace, kind: ModelKind, hints: ImportHints, words: Description) -> None:
        """Raises RealtimeError."""
        from realtime.model_import import native
        from realtime.model_import.face import importer
        from realtime.model_import.vetting import in_bounds
        from realtime.models.card import ModelKind

        file: Path = arguments.file
        photo = _photo(arguments.picture)
        self.beside: tuple[Path, Imported] | None = None
        _refuse(arguments, _OF_STYLES, "for styles")
        if native.kind_of(file) is not None:
            _refuse(arguments, (*_OF_IDENTITIES, *_OF_CROPS, *_OF_NETWORKS), "for files of other people")
            self.made = in_bounds(file, _beside(file), 0, native.import_native, file, photo)
            return
        if kind is ModelKind.ENCODER:
            _refuse(arguments, (*_OF_IDENTITIES, "coverage", "x", "y"), "for swap models")
            face_hints = _face_hints(arguments, hints, None)
            self.made = in_bounds(file, (), 0, importer.import_encoder, file, face_hints, words, photo)
            return
        encoder, path = _encoder(arguments)
        face_hints = _face_hints(arguments, hints, encoder)
        beside = [part for part in (encoder, arguments.identity_converter) if part is not None]
        encoder_name = path.stem if path is not None else ""
        both = in_bounds(file, beside, 0, importer.import_swap, file, face_hints, words, photo, encoder_name)
        self.made = both.swap
        if both.encoder is not None and path is not None and not _is_there(path, both.encoder.card, arguments):
            self.beside = path, both.encoder

    def last_lines(self, name: str) -> list[str]:
        """What to say when all is kept."""
        from realtime.models.card import ModelKind

        lines = []
        card = self.made.card
        if self.made.ms_per_face:
            side = self.made.before.shape[0]
            lines.append(f"speed: {self.made.ms_per_face:.1f} ms a face of {side}x{side} on the CPU")
        if card.kind is ModelKind.SWAP:
            photo = ":PHOTO.jpg" if card.identity_model else ""
            lines.append(f"next:  `realtime run --effect swap:{name}{photo}`")
        elif card.kind is ModelKind.ENCODER:
            lines.append(f"next:  `realtime models add SWAPPER.onnx --identity-model {name}`")
        return lines


def _face_hints(arguments: argparse.Namespace, hints: ImportHints, encoder: Path | None) -> FaceImportHints:
    from realtime.model_import.face.hints import FaceImportHints

    morph = arguments.morph
    if morph is not None and not 0 <= morph <= 1:
        raise OptionError(f"--morph {morph:g} is out of range: give a number from 0 to 1")
    return FaceImportHints(
        hints,
        arguments.alignment,
        arguments.coverage,
        arguments.x,
        arguments.y,
        morph,
        encoder,
        arguments.identity_converter,
    )


def _encoder(arguments: argparse.Namespace) -> tuple[Path | None, Path | None]:
    """Return the encoder's file and where it will lie in the library; it may lie there already."""
    from realtime.commands.models.add import name_for
    from realtime.models import library
    from realtime.models.card import ModelKind

    word = arguments.identity_model
    if word is None:
        if arguments.identity_name is not None:
            raise OptionError("--identity-name is for what --identity-model names: give that too")
        return None, None
    if "/" not in word and word in library.model_names(ModelKind.ENCODER) and not Path(word).is_file():
        path = library.find_model(word, ModelKind.ENCODER)
        return path, path
    file = user_path(word)
    converter = arguments.identity_converter
    stem = file if converter is None else file.with_name(f"{file.stem}-{converter.stem}{file.suffix}")
    return file, library.user_folder() / f"{name_for(stem, arguments.identity_name, '--identity-name')}{library.SUFFIX}"


def _is_there(path: Path, card: ModelCard, arguments: argparse.Namespace) -> bool:
    """Tell whether that very network lies on the library. Raises OptionError where another has its name."""
    from realtime.models import library

    if not path.exists():
        return False
    try:
        there = library.read_card(path)
    except ModelError:
        there = None
    if there is not None and there.kind is card.kind and there.fingerprint == card.fingerprint:
        return True
    if arguments.overwrite:
        return False
    raise OptionError(f"you have another model '{path.stem}' already: choose an --identity-name, or use --overwrite")


def _photo(named: Path | None) -> FacePhoto:
    from realtime.model_import.face.validation import find_face, usual_face

    if named is None:
        return usual_face()
    from realtime.commands.models.add import picture_of

    pixels: Pixels = picture_of(named)
    return find_face(pixels)


def _beside(swap: Path) -> list[Path]:
    """Return the encoder of a swap model of ours, where there is one to be found."""
    from realtime.models.library import find_identity_encoder

    try:
        return [find_identity_encoder(swap)]
    except ModelError:  # trying it says what is wrong
        return []
