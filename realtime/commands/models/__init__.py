"""`realtime models`: which model files there are, where they lie, whether they are whole; and adding others."""

from __future__ import annotations

import argparse

from realtime.commands.models import add
from realtime.commands.models.common import print_table
from realtime.core.errors import ModelError, nearest
from realtime.core.language import _


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-commands; without one, the list is shown."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions")
    actions.add_parser("list", help=_("what there is, what it is for, and whether it is here (the default)"))
    add.describe(actions)
    remove = actions.add_parser("remove", help=_("delete a model that you added"))
    remove.add_argument("name", metavar="NAME", help=_("as `realtime models` lists it"))
    path = actions.add_parser(
        "path", help=_("print the folder of the networks that see people, or the path of one model")
    )
    path.add_argument("name", nargs="?", default="", help=_("a name as `realtime models` lists it"))
    actions.add_parser("verify", help=_("the list; exit code 1 where a file is missing or damaged"))


def run(arguments: argparse.Namespace) -> int:
    """Carry out the action. Raises RealtimeError."""
    action = arguments.action or "list"
    if action == "add":
        return add.add(arguments)
    if action == "remove":
        return _remove(arguments.name)
    if action == "path":
        return _path(arguments.name)
    return _list(strict=action == "verify")


def _list(*, strict: bool) -> int:
    damaged = [_list_weights(), _list_networks()]
    return 1 if strict and any(damaged) else 0


def _list_weights() -> bool:
    """Print the networks that see people; tell whether one of them cannot be used."""
    from realtime.models import weights

    rows = [(_("name"), _("what it is for"), _("size"), _("licence"), _("state"))]
    faults: list[ModelError] = []
    for name, known in weights.WEIGHTS_FILES.items():
        try:
            size, state = f"{weights.weights_file(name).stat().st_size / 1000:,.0f} kB", _("ready")
        except ModelError as error:
            size, state = "?", _("missing or damaged")
            faults.append(error)
        rows.append((name, _(known.purpose), size, weights.LICENCE, state))
    print_table(rows, right=(2,))
    print(_("\nwhere: {folder}", folder=weights.weights_folder()))
    if faults:
        print(_("next:  {faults}", faults=faults[0]))
    return bool(faults)


def _list_networks() -> bool:
    """Print the models in our contract, shipped and the user's own; tell whether one of them cannot be used."""
    from realtime.model_import.vetting import is_as_shipped
    from realtime.models import library

    rows = [(_("name"), _("kind"), _("title"), _("size"), _("licence"), _("whose"))]
    damaged = False
    for folder, origin in ((library.shipped_folder(), "shipped"), (library.user_folder(), "yours")):
        for path in sorted(folder.glob(f"[!.]*{library.SUFFIX}")) if folder.is_dir() else ():
            size = f"{path.stat().st_size / 1000:,.0f} kB"
            try:
                card = library.read_card(path)
                is_whole = origin == "yours" or is_as_shipped(path)
            except ModelError:
                is_whole = False
            if not is_whole and origin == "shipped":
                damaged = True
                rows.append((path.stem, "?", _("damaged: reinstall realtime"), size, "?", origin))
                continue
            if not is_whole:
                damaged = True
                rows.append((path.stem, "?", _("damaged, or not brought in by `models add`"), size, "?", origin))
                continue
            rows.append((path.stem, card.kind.value, card.title, size, card.licence, origin))
    print()
    if len(rows) > 1:
        print_table(rows, right=(3,))
        print()
    print(_("yours: {folder}", folder=library.user_folder()))
    print(_("next:  `realtime models add FILE.onnx` brings in a style or swap model"))
    return damaged


def _remove(name: str) -> int:
    from realtime.models import library

    folder = library.user_folder()
    path = folder / f"{name.removesuffix(library.SUFFIX)}{library.SUFFIX}"
    if path.parent != folder or not path.is_file():
        if (library.shipped_folder() / path.name).is_file():
            raise ModelError(
                _("'{name}' comes with the program and stays; only models you added can be removed", name=name)
            )
        own = [file.stem for file in folder.glob(f"*{library.SUFFIX}")]
        raise ModelError(
            _("you have no model '{name}'{hint}; `realtime models` lists them", name=name, hint=nearest(name, own))
        )
    try:
        path.unlink()
    except OSError as error:
        raise ModelError(
            _(
                "cannot remove {path}: {reason}; close what uses it, check its permissions",
                path=path,
                reason=error.strerror,
            )
        ) from error
    print(_("removed {path}", path=path))
    return 0


def _path(name: str) -> int:
    from realtime.models import library, weights
    from realtime.models.card import ModelKind

    if not name:
        print(weights.weights_folder())
        return 0
    for kind in ModelKind:
        if name in library.model_names(kind):
            print(library.find_model(name, kind))
            return 0
    print(weights.weights_file(name))
    return 0
