"""The one way of a model into the contract: read, recognise, adapt, describe, validate, keep (`Imported.keep`).

A kind of model is one `Importer`, which says what is its own in each step; `importers.py` lists them. What the steps
have in common stands here.
"""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

import realtime
from realtime.core.errors import ModelError
from realtime.core.language import _
from realtime.imaging.frame import Pixels
from realtime.model_import.face.hints import FaceImportHints
from realtime.model_import.graph.view import shown_name
from realtime.model_import.hints import Finding
from realtime.model_import.result import Description, Imported, Speed, Validation
from realtime.models.card import ModelCard, ModelKind
from realtime.models.source_file import SourceFile

if TYPE_CHECKING:
    from realtime.model_import.face.validation import FacePhoto

Inputs = Mapping[str, NDArray[np.generic]]
"""What a model is given besides a picture, by its names in the contract."""

_TIMED_FOR_S = 2.0
_MOST_RUNS = 50
_Network = TypeVar("_Network")


@dataclasses.dataclass(frozen=True, slots=True)
class Draft:
    """A network that was put into the contract and not yet run as it will be."""

    model: onnx.ModelProto
    card: ModelCard
    """What its kind and its architecture tell; the user and the file itself say the rest."""
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    inputs: Inputs = dataclasses.field(default_factory=dict)
    """What to validate it with, besides a picture."""
    companion: Imported | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ImportRequest:
    """What the user asks for. Each kind of model takes out of it what it needs."""

    hints: FaceImportHints
    """Those of any network are in `hints.network`."""
    photo: Callable[[], Pixels]
    """Any picture to run it on. Raises RealtimeError, as the next one."""
    face: Callable[[], FacePhoto]
    """One with a face that was found in it."""
    beside: tuple[SourceFile, ...] = ()
    """Further files that make one model with the first."""
    encoder_name: str = ""
    """What a swapper's encoder will be called in the library."""


class Importer(abc.ABC):
    """One kind of model, as it is brought in when it is in the contract already: those trained and exported here.

    Made for one file, with the user's hints and a picture; it goes into a process of its own, so it can be pickled.
    """

    kind: ClassVar[ModelKind]
    options: ClassVar[frozenset[str]] = frozenset()
    """Those of `realtime models add` that say something of this kind and not of every one, by their names in code."""
    picture_px: int = 0
    """Pixels of the picture, where memory must be counted for them."""

    @classmethod
    @abc.abstractmethod
    def of(cls, request: ImportRequest) -> Self:
        """Make one for what the user asks. Raises RealtimeError."""

    @abc.abstractmethod
    def validate(self, path: Path, inputs: Inputs) -> Validation:
        """Run a finished model as its effect will, on a real picture. Raises ModelError, one line."""

    def inputs_of(self, path: Path) -> Inputs:  # noqa: ARG002 - most kinds take a picture and nothing else
        """Return what a model that is in the contract takes besides a picture. Raises ModelError."""
        return {}

    def files_beside(self, source: SourceFile) -> tuple[SourceFile, ...]:  # noqa: ARG002 - most need none
        """Return the other files that bringing it in reads."""
        return ()

    def speed_of(self, path: Path) -> Speed:  # noqa: ARG002 - most kinds are not timed
        """Say how long the kept model takes on what the effect computes it with. Raises ModelError."""
        return Speed()

    @staticmethod
    def next_step(name: str, card: ModelCard) -> str:  # noqa: ARG004 - not every kind has one
        """Return what to type next, empty where nothing follows."""
        return ""


class ForeignImporter(Importer, Generic[_Network]):
    """A kind of model that is made out of other people's networks, too.

    Every method raises ModelError, one line, for what cannot be brought in, and OptionError for hints that do not fit;
    where the user must say something, the line names the option and its likely values.
    """

    @staticmethod
    def knows(inputs: Mapping[str, tuple[int | str, ...]]) -> bool:  # noqa: ARG004 - most kinds are told by --kind
        """Tell whether a network is of this kind by the names and shapes of its inputs alone."""
        return False

    @abc.abstractmethod
    def recognise(self, source: SourceFile) -> _Network:
        """Read the file, and find the network's architecture, its inputs and its outputs."""

    @abc.abstractmethod
    def adapt(self, network: _Network, source: SourceFile) -> Draft:
        """Resolve what is open, see that a picture comes out, and put the contract's inputs and outputs on it."""


def import_model(source: SourceFile, importer: Importer, description: Description) -> Imported:
    """Bring a file into the contract and run it on a picture. One that is in it already stays as it is.

    Raises ModelError, one line, and OptionError, as the importer's methods do.
    """
    card = source.card
    if card is not None:
        return _import_native(source, importer, card)
    if not isinstance(importer, ForeignImporter):
        raise ModelError(
            _(
                "{path} is no {kind} of this program, and others cannot be added",
                path=source.path,
                kind=importer.kind.value,
            )
        )
    return validated(drafted(source, importer, description), importer, source.path.stem)


def drafted(source: SourceFile, importer: ForeignImporter[Any], description: Description) -> Draft:
    """Read, recognise, adapt and describe a file. Raises as `import_model`."""
    draft = importer.adapt(importer.recognise(source), source)
    card = _described(draft, source, description)
    write_card(draft.model, card)
    return dataclasses.replace(draft, card=card)


def validated(draft: Draft, importer: Importer, stem: str) -> Imported:
    """Run a draft from a file, as it will be. Raises ModelError."""
    content = draft.model.SerializeToString()
    with _as_file(content, stem) as path:
        validation = importer.validate(path, draft.inputs)
    notes = (*draft.notes, *validation.notes, *validation.doubts)
    return Imported(content, draft.card, draft.findings, notes, validation, draft.companion)


def _import_native(source: SourceFile, importer: Importer, card: ModelCard) -> Imported:
    if card.kind is not importer.kind:
        raise ModelError(
            _(
                "{path} is a {kind} model of this program, no {importer_kind}",
                path=source.path,
                kind=card.kind.value,
                importer_kind=importer.kind.value,
            )
        )
    content = source.content()
    with contextlib.ExitStack() as stack:
        path = source.path
        if len(source.files) > 1:  # ONNX Runtime folds no constants that lie in another file
            path = stack.enter_context(_as_file(content, path.stem))
        validation = importer.validate(path, importer.inputs_of(source.path))
    finding = Finding("contract", _("as it should be already"), _("its card"))
    return Imported(content, card, (finding,), validation.notes, validation)


@contextlib.contextmanager
def _as_file(content: bytes, stem: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{stem}.onnx"
        path.write_bytes(content)
        yield path


def _described(draft: Draft, source: SourceFile, description: Description) -> ModelCard:
    """Fill in what people read: the user's words first, then the file's, then what is known of its architecture."""
    card, metadata = draft.card, {entry.key.lower(): entry.value for entry in draft.model.metadata_props}
    return dataclasses.replace(
        card,
        title=description.title or source.path.stem,
        about=description.about or card.about or metadata.get("description", ""),
        credit=description.credit or metadata.get("author", metadata.get("authors", "")),
        licence=description.licence
        or metadata.get("license", metadata.get("licence", ""))
        or card.licence
        or "not stated",
        made_by=card.made_by or made_by(source),
    )


def write_card(model: onnx.ModelProto, card: ModelCard) -> None:
    """Write a card into a model; what else its metadata says stays."""
    helper.set_model_props(model, {entry.key: entry.value for entry in model.metadata_props} | card.metadata())


def made_by(source: SourceFile) -> str:
    """Return the card's `made_by`."""
    return f"realtime {realtime.__version__}, from {source.name}"


def ignored_outputs_note(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the line that says which outputs are left aside, where there are some."""
    listed = ", ".join(shown_name(name) for name in names)
    return (_("its other outputs are left aside: {listed}", listed=listed),) if names else ()


def median_ms(run: Callable[[], None], least_runs: int, *, first_counts: bool) -> float:
    """Time some runs, for two seconds at most. The first one may allocate, and need not count."""
    times: list[float] = []
    begun = time.perf_counter()
    while len(times) < least_runs or (len(times) < _MOST_RUNS and time.perf_counter() - begun < _TIMED_FOR_S):
        start = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - start))
    return float(np.median(times if first_counts else times[1:]))
