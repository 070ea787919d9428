"""Make a model file of a PyTorch checkpoint: `python -m tools.export_onnx CHECKPOINT -o models_onnx/NAME.onnx`.

The checkpoint is read as data, its layout known by the names of its weights, the network wrapped in what our contract
asks (`realtime.model_card`) and written; then the file is run beside PyTorch on real pictures, and kept only where they
agree. docs/export.md tells more.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from realtime import __version__
from realtime.errors import ModelError, OptionError, RealtimeError
from realtime.files import written_whole
from realtime.model_card import HEIGHT, WIDTH, ModelCard, ModelKind
from realtime.terminal import set_up_logging
from tools.exporting.check import compare, sample_frames, table
from tools.exporting.checkpoint import known_layout, read_checkpoint
from tools.exporting.ends import with_ends
from tools.exporting.graph import write_graph
from tools.exporting.running import WrittenStyle
from tools.networks import Part

_LARGEST_DIFFERENCE = 1
"""Grey levels of 255 that a float32 model may be off: rounding to bytes can fall either way."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code: 0 done, 2 an error the user can mend."""
    set_up_logging(debug=False)
    arguments = _parser().parse_args(argv)
    try:
        return _export(arguments)
    except RealtimeError as error:
        logging.getLogger("realtime").error("%s", error)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.export_onnx", description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path, help=".pth, .pt, .ckpt or .safetensors")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="NAME.onnx", help="the model to write")
    parser.add_argument("--key", default="", help="which network of a checkpoint that holds several, e.g. netG_A")
    card = parser.add_argument_group("what the model's card says")
    card.add_argument("--title", default="", help="a short name for people")
    card.add_argument("--about", default="", help="one sentence: what it does to a picture")
    card.add_argument("--credit", default="", help="whose work it repaints with, or who made the network")
    card.add_argument("--licence", default="", help="the terms the weights stand under")
    card.add_argument("--trained-on", default="", help="the data, and its terms")
    return parser


def _export(arguments: argparse.Namespace) -> int:
    _check_place(arguments.output)
    weights = read_checkpoint(arguments.checkpoint, arguments.key)
    layout = known_layout(weights)
    parts = layout.parts(weights)
    print(f"{arguments.checkpoint.name}: {layout.name}, {_parameters(parts):,} parameters")
    with contextlib.ExitStack() as unfinished:  # several files of one checkpoint: all of them or none
        for part in parts:
            path = arguments.output.with_stem(arguments.output.stem + part.suffix)
            file = unfinished.enter_context(written_whole(path))
            card = dataclasses.replace(_card(arguments), kind=part.kind, network=layout.name)
            file.write_bytes(_model_bytes(part, card))
            print(f"{path}: {file.stat().st_size / 1000:,.0f} kB")
            _check(part, file)
    return 0


def _check_place(path: Path) -> None:
    """Refuse a place for the model before the work, not after it."""
    if path.suffix.lower() != ".onnx":
        raise OptionError(f"the model's name must end in .onnx, not '{path.name}'")
    if not path.parent.is_dir():
        raise OptionError(f"no folder {path.parent} for the model; make it first")


def _parameters(parts: Sequence[Part]) -> int:
    return sum(weight.numel() for part in parts for weight in part.network.parameters())


def _card(arguments: argparse.Namespace) -> ModelCard:
    return ModelCard(
        ModelKind.STYLE,
        title=arguments.title,
        about=arguments.about,
        credit=arguments.credit,
        licence=arguments.licence,
        trained_on=arguments.trained_on,
        made_by=f"realtime {__version__}, tools.export_onnx",
    )


def _model_bytes(part: Part, card: ModelCard) -> bytes:
    example = torch.zeros(1, 48, 72, 3, dtype=torch.uint8)
    data: bytes = write_graph(with_ends(part), example, card, {1: HEIGHT, 2: WIDTH}).SerializeToString()
    return data


def _check(part: Part, file: Path) -> None:
    """Run the file beside the network and print how they compare. Raises ModelError where they differ."""
    with contextlib.closing(WrittenStyle(file)) as run:
        rows = compare(part, run, sample_frames())
    print(table(rows))
    worst = max(row.largest for row in rows)
    if worst > _LARGEST_DIFFERENCE:
        raise ModelError(
            f"the written model differs from PyTorch by {worst} grey levels where {_LARGEST_DIFFERENCE} is allowed; "
            "nothing was kept"
        )


if __name__ == "__main__":
    sys.exit(main())
