"""The kinds of models that can be brought in. A new kind is one module with an `Importer` and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from realtime.core.language import N_
from realtime.core.registry import RegistryEntry
from realtime.model_import.steps import ForeignImporter, Importer
from realtime.models.card import ModelKind
from realtime.models.source_file import SourceFile

_HERE = "realtime.model_import"
IMPORTERS: Mapping[ModelKind, RegistryEntry] = {
    ModelKind.STYLE: RegistryEntry(f"{_HERE}.style.importer", "StyleImporter", N_("a picture repainted")),
    ModelKind.SWAP: RegistryEntry(f"{_HERE}.face.swap_importer", "SwapImporter", N_("another face in a crop")),
    ModelKind.IDENTITY_ENCODER: RegistryEntry(
        f"{_HERE}.face.encoder_importer", "EncoderImporter", N_("whose face it is")
    ),
    ModelKind.LATENT_DECODER: RegistryEntry(
        f"{_HERE}.generator.importer", "GeneratorImporter", N_("a picture out of a latent code")
    ),
    ModelKind.MORPH: RegistryEntry(
        f"{_HERE}.latent", "MorphImporter", N_("a face changed by steps of its latent code")
    ),
    ModelKind.MOTION: RegistryEntry(
        f"{_HERE}.motion.importer", "MotionImporter", N_("a picture moved as a face moves")
    ),
}


def importer_class(kind: ModelKind) -> type[Importer]:
    """Return how a kind of model is brought in."""
    found: type[Importer] = IMPORTERS[kind].load()
    return found


def foreign_importers() -> list[type[ForeignImporter[Any]]]:
    """Return how other people's networks are brought in, in the order in which users read their kinds."""
    return [known for known in map(importer_class, IMPORTERS) if issubclass(known, ForeignImporter)]


def kind_by_inputs(source: SourceFile) -> ModelKind:
    """Return the kind that a network's inputs tell; a style where they tell nothing. Raises ModelError."""
    inputs = source.header.inputs
    return next((known.kind for known in foreign_importers() if known.knows(inputs)), ModelKind.STYLE)
