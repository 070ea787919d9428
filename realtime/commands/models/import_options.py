"""The options of `realtime models add`: described, and read into what the importers ask for."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from realtime.commands.models.common import name_for, picture_of
from realtime.core.errors import OptionError, nearest
from realtime.core.language import _
from realtime.core.paths import user_path

if TYPE_CHECKING:
    from realtime.imaging.frame import Pixels
    from realtime.model_import.face.validation import FacePhoto
    from realtime.model_import.hints import ImportHints
    from realtime.model_import.steps import Importer, ImportRequest
    from realtime.models.card import ModelKind
    from realtime.models.source_file import SourceFile

_Value = TypeVar("_Value")

_OF_IDENTITIES = ("identity_model", "identity_name", "identity_converter", "morph")
_OF_CROPS = ("alignment", "coverage", "x", "y")
_OF_STYLES = ("size", "multiple")
_OF_NETWORKS = ("range", "output_range", "layout", "output_layout", "order", "output")


def describe(add: argparse.ArgumentParser) -> None:
    """Describe them to the command line."""
    # argparse takes words that begin with a minus for options, unless they look like numbers: here -1..1 is one.
    add._negative_number_matcher = re.compile(r"^-\d")
    add.add_argument(
        "file", metavar="FILE", type=Path, help=_("an .onnx file, picture in, picture out; or a .dfm file")
    )
    add.add_argument(
        "beside", metavar="MORE", type=Path, nargs="*", help=_("the other half of a generator in two files")
    )
    add.add_argument("--name", help=_("what it is called from now on (default: the file's name)"))
    ranges = "0..255, 0..1, -1..1"
    add.add_argument(
        "--range", default="", metavar="RANGE", help=_("numbers it takes: {ranges} or imagenet", ranges=ranges)
    )
    add.add_argument("--output-range", default="", metavar="RANGE", help=_("numbers it gives: {ranges}", ranges=ranges))
    add.add_argument("--layout", default="", metavar="AXES", help=_("of what it takes: NCHW, NHWC, CHW or HWC"))
    add.add_argument("--output-layout", default="", metavar="AXES", help=_("of what it gives"))
    add.add_argument("--order", default="", metavar="COLOURS", help=_("RGB (as nearly all) or BGR, both in and out"))
    add.add_argument(
        "--multiple", default="", metavar="N", help=_("both sides must be multiples of it (default: tried)")
    )
    add.add_argument("--size", default="", metavar="WxH", help=_("let it see this size only: frames are scaled to it"))
    add.add_argument("--output", default="", metavar="NAME", help=_("which of several outputs is the picture"))
    add.add_argument("--title", default="", help=_("a short name for people"))
    add.add_argument("--about", default="", help=_("one sentence: what it does to a picture"))
    add.add_argument("--credit", default="", help=_("who made it"))
    add.add_argument("--licence", default="", help=_("under which terms it may be used"))
    add.add_argument(
        "--picture", type=Path, metavar="FILE", help=_("try it on this picture (default: a portrait photo)")
    )
    add.add_argument(
        "--preview", type=Path, metavar="OUT.jpg", help=_("write the picture before and after, side by side")
    )
    add.add_argument("--overwrite", action="store_true", help=_("replace a model of the same name"))
    add.add_argument(
        "--kind",
        default="",
        metavar="KIND",
        help=_("style, swap, encoder, decoder or motion (default: as the file tells)"),
    )
    faces = add.add_argument_group(_("for faces"))
    faces.add_argument("--identity-model", metavar="FILE", help=_("the network that tells a swapper whose face"))
    faces.add_argument("--identity-name", metavar="NAME", help=_("what that is called from now on (default: its name)"))
    faces.add_argument("--identity-converter", type=Path, metavar="FILE", help=_("a network between those two"))
    faces.add_argument(
        "--alignment", default="", metavar="TEXT", help=_("how a face lies in its crop (docs/models.md)")
    )
    faces.add_argument("--coverage", type=_number, metavar="N", help=_("DFM: how much lies in the crop (default: 2.2)"))
    faces.add_argument("--x", type=_number, metavar="N", help=_("DFM: how far it lies to the right (default: 0)"))
    faces.add_argument("--y", type=_number, metavar="N", help=_("DFM: how far down (default: -0.08)"))
    faces.add_argument(
        "--morph", type=_number, metavar="N", help=_("where its morph value begins, 0 to 1 (default: 0.75)")
    )


def _number(text: str) -> float:
    if not re.fullmatch(r"-?\d+(\.\d+)?", text):
        raise argparse.ArgumentTypeError(_("'{text}' is no number", text=text))
    return float(text)


def kind_of(arguments: argparse.Namespace, source: SourceFile) -> ModelKind:
    """Return what a file is added as: the user's word, its card's, or what its inputs tell. Raises RealtimeError."""
    from realtime.model_import.importers import foreign_importers, kind_by_inputs
    from realtime.models.card import ModelKind

    known = {importer.kind.value: importer.kind for importer in foreign_importers()}
    word = arguments.kind.lower()
    if word and word not in known:
        raise OptionError(
            _(
                "--kind {word} is not known{hint}; it can be {known}",
                word=word,
                hint=nearest(word, known),
                known=", ".join(known),
            )
        )
    card = source.card
    if card is not None:
        if word and card.kind.value != word:
            raise OptionError(
                _("{path} is a model of kind '{kind}': leave --kind away", path=source.path, kind=card.kind.value)
            )
        return card.kind
    if word:
        return known[word]
    if arguments.beside:
        return ModelKind.LATENT_DECODER
    if source.path.suffix.lower() not in (".onnx", ".dfm") or not source.path.is_file():
        return ModelKind.STYLE  # reading says what is wrong with it
    return kind_by_inputs(source)


def refuse_options_of_others(arguments: argparse.Namespace, source: SourceFile, importer: type[Importer]) -> None:
    """Raise OptionError where an option was given that says nothing of such a model."""
    from realtime.models.card import ModelKind

    if arguments.beside and importer.kind is not ModelKind.LATENT_DECODER:
        raise OptionError(
            _(
                "{beside}: only a generator is of two files, which {file} is not; name one file",
                beside=arguments.beside[0],
                file=arguments.file,
            )
        )
    groups = [(_OF_STYLES, _("for styles")), ((*_OF_IDENTITIES, *_OF_CROPS), _("for swap models"))]
    if source.card is not None and importer.kind is not ModelKind.STYLE:
        groups.insert(1, ((*_OF_IDENTITIES, *_OF_CROPS, *_OF_NETWORKS), _("for files of other people")))
    for names, why in groups:
        of_others = [name for name in names if why == "for files of other people" or name not in importer.options]
        named = [f"--{name.replace('_', '-')}" for name in of_others if getattr(arguments, name) not in (None, "")]
        if named:
            raise OptionError(
                _(
                    "{named}: {why}, which {file} is not (see --kind); leave it away",
                    named=", ".join(named),
                    why=why,
                    file=arguments.file,
                )
            )


def request_of(arguments: argparse.Namespace) -> tuple[ImportRequest, Path | None]:
    """Return what the user asks for, and where a swapper's encoder will lie in the library. Raises RealtimeError."""
    from realtime.model_import.face.hints import FaceImportHints
    from realtime.model_import.steps import ImportRequest
    from realtime.models.source_file import SourceFile

    network = _hints(arguments)
    encoder, encoder_path = _encoder(arguments)
    crop = arguments.alignment, arguments.coverage, arguments.x, arguments.y
    morph, picture = arguments.morph, arguments.picture
    if morph is not None and not 0 <= morph <= 1:
        raise OptionError(_("--morph {morph:g} is out of range: give a number from 0 to 1", morph=morph))
    files = (None if file is None else SourceFile(file) for file in (encoder, arguments.identity_converter))
    hints = FaceImportHints(network, *crop, morph, *files)
    encoder_name = encoder_path.stem if encoder_path is not None else ""
    beside = tuple(map(SourceFile, arguments.beside))
    return ImportRequest(hints, lambda: _photo(picture), lambda: _face(picture), beside, encoder_name), encoder_path


def _hints(arguments: argparse.Namespace) -> ImportHints:
    from realtime.imaging.frame import Size
    from realtime.model_import.hints import ColourOrder, ImportHints, Layout, ValueRange

    ranges = {known.value: known for known in ValueRange}
    of_outputs = {known.value: known for known in ValueRange if known is not ValueRange.IMAGENET}
    layouts = {layout.value: layout for layout in Layout}
    orders = {order.value: order for order in ColourOrder}
    multiple = arguments.multiple
    if multiple and not (multiple.isdecimal() and 1 <= int(multiple) <= 256):
        raise OptionError(
            _("--multiple {multiple} is out of range: give a whole number from 1 to 256", multiple=multiple)
        )
    return ImportHints(
        range_in=_choice("--range", arguments.range, ranges),
        range_out=_choice("--output-range", arguments.output_range, of_outputs),
        layout_in=_choice("--layout", arguments.layout.upper(), layouts),
        layout_out=_choice("--output-layout", arguments.output_layout.upper(), layouts),
        order=_choice("--order", arguments.order.upper(), orders),
        multiple=int(multiple or 0),
        size=Size.parse(arguments.size) if arguments.size else None,
        output=arguments.output,
    )


def _choice(option: str, word: str, known: dict[str, _Value]) -> _Value | None:
    if not word:
        return None
    if word not in known:
        raise OptionError(
            _(
                "{option} {word} is not known{hint}; it can be {known}",
                option=option,
                word=word,
                hint=nearest(word, known),
                known=", ".join(known),
            )
        )
    return known[word]


def _encoder(arguments: argparse.Namespace) -> tuple[Path | None, Path | None]:
    """Return the encoder's file and where it will lie in the library; it may lie there already."""
    from realtime.models import library
    from realtime.models.card import ModelKind

    word = arguments.identity_model
    if word is None:
        if arguments.identity_name is not None:
            raise OptionError(_("--identity-name is for what --identity-model names: give that too"))
        return None, None
    if "/" not in word and word in library.model_names(ModelKind.IDENTITY_ENCODER) and not Path(word).is_file():
        path = library.find_model(word, ModelKind.IDENTITY_ENCODER)
        return path, path
    file = user_path(word)
    converter = arguments.identity_converter
    stem = file if converter is None else file.with_name(f"{file.stem}-{converter.stem}{file.suffix}")
    return file, library.user_folder() / f"{name_for(stem, arguments.identity_name, '--identity-name')}{library.SUFFIX}"


def _photo(named: Path | None) -> Pixels:
    """Return the picture to validate a model on: the user's, or a usual one."""
    from realtime.imaging.frame import Size
    from realtime.model_import.style.validation import usual_photo

    return usual_photo(Size(640, 512)) if named is None else picture_of(named)


def _face(named: Path | None) -> FacePhoto:
    from realtime.model_import.face.validation import find_face, usual_face

    return usual_face() if named is None else find_face(picture_of(named))
