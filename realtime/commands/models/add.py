"""`realtime models add`: brings in somebody else's model, and says what was taken from where."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from realtime.commands.models import import_options
from realtime.commands.models.common import name_for, print_table
from realtime.core.argument_parser import RawDescriptionHelpFormatter
from realtime.core.errors import ModelError, OptionError, shown
from realtime.core.language import N_, _

if TYPE_CHECKING:
    from realtime.model_import.result import Description, Imported
    from realtime.models.card import ModelCard

_ADD_EXAMPLES = N_("""\
examples:
  realtime models add mosaic-9.onnx --title Mosaic --licence BSD-3-Clause
  realtime models add enhance.onnx --range 0..1 --preview look.jpg
  realtime models add AnimeGANv3_Hayao.onnx --name hayao
  realtime models add inswapper_128.onnx --identity-model w600k_r50.onnx
  realtime models add Somebody.dfm --coverage 2.1 --name somebody
  realtime models add mapping.onnx synthesis.onnx --name faces-of-nobody
  realtime models add original.onnx --kind swap --alignment face --layout NHWC --order BGR --range 0..1

then:
  realtime run --effect style:hayao
  realtime run --effect swap:inswapper_128:PHOTO.jpg
  realtime run --effect walk:faces-of-nobody
""")


def describe(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe `add` to the command line."""
    add = actions.add_parser(
        "add",
        help=_("bring in somebody else's style, swap model or generator"),
        description=_(
            "Rewrite a network for this program: uint8 BGR pictures in and out, styles of any size. What the "
            "file does not tell is asked for; then it is run on a real picture and kept."
        ),
        epilog=_(_ADD_EXAMPLES),
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    import_options.describe(add)


def add(arguments: argparse.Namespace) -> int:
    """Bring a file in, show what was taken from where, keep it. Raises RealtimeError."""
    from realtime.model_import.importers import importer_class
    from realtime.model_import.steps import import_model
    from realtime.model_import.vetting import in_bounds, remember
    from realtime.models.source_file import SourceFile

    source = SourceFile(arguments.file)
    kind = importer_class(import_options.kind_of(arguments, source))
    name, path = _place(arguments)
    if arguments.preview is not None and arguments.preview.suffix.lower() not in (".jpg", ".jpeg", ".png"):
        raise OptionError(
            _("--preview {preview} is no picture's name: end it in .jpg or .png", preview=arguments.preview)
        )
    import_options.refuse_options_of_others(arguments, source, kind)
    request, encoder_path = import_options.request_of(arguments)
    importer = kind.of(request)
    imported = in_bounds(
        source,
        importer.files_beside(source),
        importer.picture_px,
        import_model,
        source,
        importer,
        _description(arguments),
    )
    files = [(path, imported)]
    encoder = imported.companion
    if encoder is not None and encoder_path is not None and not _is_there(encoder_path, encoder.card, arguments):
        files.insert(0, (encoder_path, encoder))
    if len({file for file, _unused in files}) < len(files):
        raise OptionError(_("'{name}' cannot be the name of both: choose another --name or --identity-name", name=name))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(
            _(
                "cannot make the folder {parent}: {reason}; check its permissions",
                parent=path.parent,
                reason=error.strerror,
            )
        ) from error
    if arguments.preview is not None:
        _write_preview(imported, arguments.preview)
    for file, file_import in files:
        file_import.keep(file)
        remember(file)
    print_table([(_("what"), _("value"), _("known from")), *(tuple(map(_, finding)) for finding in imported.findings)])
    print()
    speed = imported.validation.speed if imported.validation.speed.line else importer.speed_of(path)
    _tell_kept(files, (*imported.notes, *speed.notes))
    if speed.line:
        print(_("speed: {line}", line=speed.line))
    following = importer.next_step(name, imported.card)
    if following:
        print(_("next:  `{following}`", following=following))
    return 0


def _tell_kept(files: Sequence[tuple[Path, Imported]], notes: Sequence[str]) -> None:
    """Print what to mind, and what was kept where, how large and on which terms."""
    for note in notes:
        print(_("note:  {note}", note=shown(note)))
    for file, file_import in files:
        licence = file_import.card.licence or _("not known")
        print(
            shown(
                _(
                    "kept:  {file} ({size_kb:,.0f} kB, licence {licence})",
                    file=file,
                    size_kb=len(file_import.content) / 1000,
                    licence=licence,
                )
            )
        )


def _place(arguments: argparse.Namespace) -> tuple[str, Path]:
    """Return the model's name and its file in the library. Raises OptionError where there is one already."""
    from realtime.models import library

    name = name_for(arguments.file, arguments.name, "--name")
    path = library.user_folder() / f"{name}{library.SUFFIX}"
    shipped = library.shipped_folder() / path.name
    if not arguments.overwrite and (path.exists() or shipped.exists()):
        holder = _("you have") if path.exists() else _("there is a shipped")
        raise OptionError(
            _(
                "{holder} model '{name}' already: choose another --name, or replace it with --overwrite",
                holder=holder,
                name=name,
            )
        )
    return name, path


def _description(arguments: argparse.Namespace) -> Description:
    from realtime.model_import.result import Description

    title = arguments.title or re.sub(r"[-_. ]+", " ", arguments.name or arguments.file.stem).strip()
    return Description(title[:1].upper() + title[1:], arguments.about, arguments.credit, arguments.licence)


def _is_there(path: Path, card: ModelCard, arguments: argparse.Namespace) -> bool:
    """Tell whether that very network lies on the library. Raises OptionError where another has its name."""
    from realtime.models import library

    if not path.exists():
        return False
    try:
        existing = library.read_card(path)
    except ModelError:
        existing = None
    if existing is not None and existing.kind is card.kind and existing.fingerprint == card.fingerprint:
        return True
    if arguments.overwrite:
        return False
    raise OptionError(
        _("you have another model '{stem}' already: choose an --identity-name, or use --overwrite", stem=path.stem)
    )


def _write_preview(imported: Imported, path: Path) -> None:
    import cv2
    import numpy as np

    from realtime.core.files import atomic_write

    both = np.hstack([imported.validation.before, imported.validation.after])
    _, data = cv2.imencode(path.suffix.lower(), both, [cv2.IMWRITE_JPEG_QUALITY, 93])
    with atomic_write(path) as unfinished:
        unfinished.write_bytes(data.tobytes())
