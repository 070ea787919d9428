"""Which models there are by name: those that are shipped, and the user's own."""

from __future__ import annotations

import functools
from pathlib import Path

import realtime
from realtime.core.errors import ModelError, OptionError, nearest
from realtime.core.language import _
from realtime.core.paths import user_data_folder, user_path
from realtime.models import file_safety
from realtime.models.card import ModelCard, ModelKind

SUFFIX = ".onnx"


def user_folder() -> Path:
    """Return the folder of the user's own models, where `realtime models add` puts them."""
    return user_data_folder() / "models"


def shipped_folder() -> Path:
    """Return the folder of the models that come with the program: inside the package, or beside it in a checkout."""
    package = Path(realtime.__file__).parent
    inside = package / "models_onnx"
    return inside if inside.is_dir() else package.parent / "models_onnx"


def model_names(kind: ModelKind) -> list[str]:
    """Return the names of all models of a kind, in alphabetical order. Files without a card, or that cannot be read,
    are passed over: what is wrong with them is said when they are asked for. A millisecond for a dozen files, less
    when they are unchanged since.
    """
    return sorted(_known(kind))


def find_model(name_or_path: str, kind: ModelKind) -> Path:
    """Return the file that a name or a path means. The user's own go before those that are shipped.

    Raises ModelError, naming what is near, for a name nobody has, and for a file that is missing, damaged, without a
    card or of another kind.
    """
    text = name_or_path.strip()
    path = user_path(text)
    if path.suffix.lower() != SUFFIX and len(path.parts) <= 1:
        known = _known(kind)
        if text in known:
            return known[text]
        if text.lower() in known:  # `style:Night`
            return known[text.lower()]
        for folder in reversed(_folders()):
            if text and (folder / f"{text}{SUFFIX}").is_file():  # there, but not to be used: say why
                path = folder / f"{text}{SUFFIX}"
                break
        else:
            raise _unknown(text, kind, sorted(known))
    card = read_card(path)
    if card.kind is not kind:
        raise ModelError(
            _(
                "{path} is of kind '{kind}'; a model of kind '{wanted}' is needed here",
                path=path,
                kind=card.kind.value,
                wanted=kind.value,
            )
        )
    return path


def find_identity_encoder(swap: Path) -> Path:
    """Return the encoder whose numbers a swap model with `identity` takes: beside the model, or on the library.

    Raises ModelError, one line, where the model takes no identity, and where the encoder is missing or another network
    than the one the model was added with: its numbers would be somebody else's face.
    """
    card = read_card(swap)
    if not card.identity_model:
        raise ModelError(_("{swap} takes no identity: it always gives the face it was trained on", swap=swap))
    add_again = _("add {name} again with --identity-model and its encoder's file", name=swap.name)
    path = swap.parent / f"{card.identity_model}{SUFFIX}"
    if not path.is_file():
        known = _known(ModelKind.IDENTITY_ENCODER)
        if card.identity_model not in known:
            raise ModelError(
                _(
                    "{swap} needs the encoder '{identity_model}', which is not here; {add_again}",
                    swap=swap,
                    identity_model=card.identity_model,
                    add_again=add_again,
                )
            )
        path = known[card.identity_model]
    encoder = read_card(path)
    if encoder.kind is not ModelKind.IDENTITY_ENCODER:
        raise ModelError(
            _(
                "{path} is of kind '{kind}', and {name} needs an encoder; {add_again}",
                path=path,
                kind=encoder.kind.value,
                name=swap.name,
                add_again=add_again,
            )
        )
    if encoder.fingerprint != card.identity_fingerprint:
        raise ModelError(
            _(
                "{path} is another network than the one {name} takes its identities from; {add_again}",
                path=path,
                name=swap.name,
                add_again=add_again,
            )
        )
    return path


def read_card(path: Path) -> ModelCard:
    """Return a file's card without opening the model. Raises ModelError."""
    return file_safety.read_card(path)


def _unknown(text: str, kind: ModelKind, names: list[str]) -> ModelError:
    if not names:
        return ModelError(
            _(
                "no {kind} model '{text}': there is none yet; `realtime models add FILE.onnx` adds one",
                kind=kind.value,
                text=text,
            )
        )
    return ModelError(
        _(
            "no {kind} model '{text}'{hint}; there are: {names}",
            kind=kind.value,
            text=text,
            hint=nearest(text, names) or "",
            names=", ".join(names),
        )
    )


def _folders() -> list[Path]:
    """Return where models lie, those that go before others last; a user without a home folder has none of their own."""
    try:
        return [shipped_folder(), user_folder()]
    except OptionError:
        return [shipped_folder()]


def _known(kind: ModelKind) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in _folders():
        for path in _files(folder):
            try:
                changed_ns = path.stat().st_mtime_ns
                if _card(path, changed_ns).kind is kind:
                    found[path.stem] = path
            except (OSError, ModelError):
                continue
    return found


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == SUFFIX and not path.name.startswith("."))
    except OSError:
        return []


@functools.lru_cache(maxsize=256)
def _card(path: Path, changed_ns: int) -> ModelCard:  # noqa: ARG001 - a changed file is another question
    return file_safety.read_card(path)
