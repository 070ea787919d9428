"""Targets to try the program's reading of files and words on, with inputs nobody meant.

A target gives good and hostile inputs (seeds) and the command that reads one; `tools.fuzz` changes them at random and
holds every try to the same rules (`tools.fuzzing.trial`). To add one, write a module with a `TARGET` and give it a line
in `TARGETS`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random

from realtime.core.registry import RegistryEntry
from tools.fuzzing.mutation import mutated

Seed = Path | str
"""A file, or words of the command line."""


def _nothing(_: Path) -> Mapping[str, str]:
    return {}


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """One command that reads what others made."""

    seeds: Callable[[Path], Sequence[Seed]]
    """Writes files into the empty folder it is given and returns them, or returns words. All are tried first."""
    command: Callable[[Seed, Path], Sequence[str]]
    """The command for one try, the module first: `["realtime", "run", "--source", str(seed)]`. The folder is the only
    place where the command may write."""
    environment: Callable[[Path], Mapping[str, str]] = _nothing
    """Variables for a try, of the same folder."""
    mutate: Callable[[Random, bytes, Sequence[bytes]], bytes] = mutated
    """Changes the bytes of one seed; the last argument are those of all, to splice with."""
    working_cpu_s: float = 10.0
    """What an input may take that is not refused. One that is may take 10 s of processor."""
    preload: Sequence[str] = ()
    """Modules to import once before all tries, besides the command's: each try begins as a copy of this process."""


TARGETS: Mapping[str, RegistryEntry] = {
    "models-add": RegistryEntry("tools.fuzzing.models_add", "TARGET", "other people's ONNX files into `models add`"),
    "styles": RegistryEntry(
        "tools.fuzzing.style_files", "TARGET", "ONNX files with a card into `run --effect style:FILE`"
    ),
    "checkpoints": RegistryEntry("tools.fuzzing.checkpoints", "TARGET", "PyTorch's files into tools.export_onnx"),
    "drops": RegistryEntry("tools.fuzzing.drops", "TARGET", "files dropped on the window"),
    "faces": RegistryEntry("tools.fuzzing.faces", "TARGET", ".face files into realtime face show"),
    "films": RegistryEntry("tools.fuzzing.films", "TARGET", "films in every container into realtime render"),
    "galleries": RegistryEntry("tools.fuzzing.galleries", "TARGET", "TOML into realtime gallery --check"),
    "snapshots": RegistryEntry("tools.fuzzing.snapshots", "TARGET", "NVIDIA's .pkl files into tools.export_onnx"),
    "http": RegistryEntry("tools.fuzzing.http_exchange", "TARGET", "bytes into the server of --remote"),
    "manifests": RegistryEntry("tools.fuzzing.manifests", "TARGET", "manifests of extractions into tools.train_swap"),
    "midi": RegistryEntry("tools.fuzzing.midi_bytes", "TARGET", "bytes of a device into --midi"),
    "osc": RegistryEntry("tools.fuzzing.osc_packets", "TARGET", "packets into --osc"),
    "packs": RegistryEntry("tools.fuzzing.packs", "TARGET", "portrait packs into realtime portrait show"),
    "pictures": RegistryEntry("tools.fuzzing.pictures", "TARGET", "pictures of every kind as a source"),
    "presets": RegistryEntry("tools.fuzzing.presets", "TARGET", "TOML into --preset"),
    "scenes": RegistryEntry("tools.fuzzing.scenes", "TARGET", "TOML into --scene"),
    "words": RegistryEntry("tools.fuzzing.words", "TARGET", "the words of realtime run"),
}
