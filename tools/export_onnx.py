"""Make a model file of a PyTorch checkpoint: `python -m tools.export_onnx CHECKPOINT -o models_onnx/NAME.onnx`.

The checkpoint is read as data, its layout known by the names of its weights, the network wrapped in what our contract
asks (`realtime.models.card`) and written; then the file is run beside PyTorch on real pictures, and kept only where
they agree. docs/export.md tells more.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
import torch

from realtime import __version__
from realtime.core.errors import ModelError, OptionError, RealtimeError, shown
from realtime.core.files import atomic_write, unused_name
from realtime.core.isolated_process import limit_memory
from realtime.faces.landmarks.alignment import Alignment
from realtime.imaging.frame import Pixels, Size
from realtime.models.card import ModelCard, ModelKind
from realtime.models.latent_space import LatentSpace
from realtime.system.console import set_up_logging, told_all
from tools.attributes.model_file import read_directions
from tools.exporting import apart
from tools.exporting.check import Arrays, Comparison, WrittenModel, compare, reference, sample_inputs, table
from tools.exporting.confinement import clock, limit_files
from tools.exporting.int8 import calibration_pictures, quantised
from tools.exporting.model import build_model
from tools.exporting.source import Source, Wishes, is_program, open_source, picture_format
from tools.networks import LAYOUTS, Part

_LARGEST_DIFFERENCE = 1.0
"""Grey levels of 255 that a float32 model may be off: rounding to bytes can fall either way."""


_LEAST_PSNR_DB = 25.0
"""A model of less precision below that is another picture: 30 is where differences begin to be seen side by side."""


@dataclasses.dataclass(frozen=True, slots=True)
class Precision:
    """How exact a model's numbers are; float32 unless one of these is said."""

    half: bool = False
    pictures: Sequence[Pixels] = ()
    """Pictures to measure int8's ranges on; none: no int8."""

    @property
    def is_less(self) -> bool:
        return self.half or bool(self.pictures)


_PATHS = ("checkpoint", "output", "picture", "int8", "directions")
_NO_CODES = "--directions is for VAEs of faces, which this is not; leave it out"
_OPENING_CPU_S = 4.0
"""To look through a stranger's program, load it and paint 64x64 pixels. The largest U-Net of pix2pix takes 2, and
may take 15 for its size."""
_MORE_MEMORY_BYTES = 900_000_000
"""What such a program may take beside PyTorch itself; its weights come on top of it, some copies of them."""
_BYTES_PER_CPU_S = 20_000_000
_BYTES_PER_CORE = 32_000_000
"""Stacks of the threads that PyTorch and ONNX Runtime start."""
_COPIES = 8


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code: 0 done, 2 an error the user can mend, 70 our fault, 130 Ctrl-C."""
    arguments = _parser().parse_args(argv)
    set_up_logging(debug=arguments.debug)
    return ended(lambda: _export_as_asked(arguments), debug=arguments.debug)


def export_apart(asked: Mapping[str, Any], scratch: Path) -> int:
    """Export a stranger's program within this process, which holds nothing but what it needs, into `scratch`.

    `asked` are the command's arguments, its paths as texts. Returns the exit code.
    """
    texts = {name: asked[name] for name in _PATHS}
    paths = {name: None if text is None else Path(text) for name, text in texts.items()}
    arguments = argparse.Namespace(**{**asked, **paths})
    set_up_logging(debug=arguments.debug)
    return ended(lambda: _export_within_bounds(arguments, scratch), debug=arguments.debug)


def ended(work: Callable[[], None], *, debug: bool) -> int:
    """Do the work and return the exit code; every error is one line."""
    log = logging.getLogger("realtime")
    try:
        work()
    except RealtimeError as error:
        log.error("%s", error, exc_info=error if debug else None)
        return 2
    except KeyboardInterrupt:
        log.error("interrupted; nothing was kept")
        return 130
    except MemoryError as error:
        log.error("there is not enough memory for it; nothing was kept", exc_info=error if debug else None)
        return 2
    except Exception as error:
        what = shown(f"{type(error).__name__}: {error}".splitlines()[0], 200)
        log.error(
            "this is a fault in realtime, not yours: %s; --debug shows where", what, exc_info=error if debug else None
        )
        return 70  # EX_SOFTWARE of BSD's sysexits
    finally:
        told_all()
    return 0


def _export_as_asked(arguments: argparse.Namespace) -> None:
    """Export: strangers' whole programs in a process apart, all else here."""
    output = arguments.output or unused_name(Path(f"{arguments.checkpoint.name.split('.')[0] or 'model'}.onnx"))
    _check_place(output)
    hints, card = _hints(arguments), _card(arguments)
    if not hints.network and not hints.trust and is_program(arguments.checkpoint):
        if arguments.directions is not None:
            raise OptionError(_NO_CODES)
        picture_format(hints)  # wrong words are told before the work
        values = vars(arguments) | {"output": output}
        texts = {name: None if values[name] is None else str(values[name]) for name in _PATHS}
        moved = {
            name: None if values[name] is None else str(values[name].absolute())
            for name in ("checkpoint", "picture", "int8")
        }
        readable = [path for path in (arguments.picture, arguments.int8) if path is not None]
        apart.run({**values, **texts, **moved}, arguments.checkpoint, output, readable)
        return
    precision = Precision(arguments.fp16, calibration_pictures(arguments.int8) if arguments.int8 else ())
    source = open_source(arguments.checkpoint, hints)
    export(source, output, card, precision, arguments.picture, directions=arguments.directions)


def _export_within_bounds(arguments: argparse.Namespace, scratch: Path) -> None:
    """Export into `scratch`, with bounds on memory and processor that a network keeps and a trap does not.

    Raises what `export` does; a process beyond its bounds may be ended by its system.
    """
    precision = Precision(arguments.fp16, calibration_pictures(arguments.int8) if arguments.int8 else ())
    threads = torch.get_num_threads()
    source, per_pixel_s = opened_within_bounds(arguments.checkpoint, _hints(arguments), arguments.picture)
    for given in sample_inputs(source.parts[0], arguments.picture):
        with clock(4 + 4 * per_pixel_s * given["frame"].size / 3):
            reference(source.parts[0], given)
    torch.set_num_threads(threads)
    with clock(120 + 200 * per_pixel_s * 512 * 512):
        export(source, arguments.output, _card(arguments), precision, arguments.picture, scratch)


def opened_within_bounds(checkpoint: Path, hints: Wishes, photo: Path | None = None) -> tuple[Source, float]:
    """Open a stranger's file and paint a small picture, which tells what large ones may take: return the networks and
    the seconds of processor for a pixel.

    This process is bounded from then on. Raises ModelError and OptionError.
    """
    import onnxruntime  # noqa: F401 - what is imported later would count as the program's own memory
    import onnxslim  # type: ignore[import-untyped]  # noqa: F401

    size = checkpoint.stat().st_size
    limit_files(2_000_000_000 + size * _COPIES)
    limit_memory(_MORE_MEMORY_BYTES + (os.cpu_count() or 1) * _BYTES_PER_CORE + size * _COPIES)
    torch.set_num_threads(1)
    with clock(_OPENING_CPU_S + size / _BYTES_PER_CPU_S):
        source = open_source(checkpoint, hints)
        part = source.parts[0]
        small = sample_inputs(part, photo, [Size(64, 64)])[0]
        began_s = time.process_time()
        reference(part, small)
        small_s = time.process_time() - began_s
    multiple = part.picture.multiple
    return source, small_s / (-(-64 // multiple) * multiple) ** 2


def export(
    source: Source,
    output: Path,
    card: ModelCard,
    precision: Precision,
    photo: Path | None = None,
    into: Path | None = None,
    directions: Path | None = None,
) -> None:
    """Write the model files of `source`: all of them, each found to agree with PyTorch, or none.

    `photo` is what they are checked with, the demo's where none is named; `into` the folder they are written to, where
    it is not yet that of `output`; `directions` what `tools.find_attributes` wrote of a VAE. Raises ModelError,
    OptionError, OutputError.
    """
    if directions is not None and all(part.kind is not ModelKind.MORPH for part in source.parts):
        raise OptionError(_NO_CODES)
    spaces = [_latent_space(part, directions) for part in source.parts]
    print(f"{source.name}: {source.parameters:,} parameters")
    with contextlib.ExitStack() as unfinished:
        for part, space in zip(source.parts, spaces, strict=True):
            path = output.with_stem(output.stem + part.suffix)
            file = unfinished.enter_context(atomic_write(path if into is None else into / path.name))
            alignment = "" if part.kind is ModelKind.STYLE else card.alignment or source.alignment or part.alignment
            own_card = dataclasses.replace(
                card, kind=part.kind, network=source.name, alignment=alignment, latent_space=space
            )
            inputs = sample_inputs(part, photo)
            reference(part, inputs[0])  # a network that fails by itself is told so, not that it cannot be traced
            model = build_model(part, own_card)
            rows = _written(model, file, path, part, inputs)
            worst = max(row.largest for row in rows)
            if worst > _LARGEST_DIFFERENCE:
                raise ModelError(
                    f"the written model differs from PyTorch by {worst:.3g} grey levels where "
                    f"{_LARGEST_DIFFERENCE:g} is allowed; nothing was kept"
                )
            if precision.is_less:
                _write_smaller(model, precision, file, path, part, own_card, rows, inputs)


def _latent_space(part: Part, directions: Path | None) -> str:
    """Return what the card of a morph or a decoder says of its codes; of other kinds nothing is to be said."""
    if part.kind is not ModelKind.MORPH:
        return part.latent_space
    if directions is None:
        return LatentSpace.unknown(part.latent, part.light).text()
    return read_directions(directions, part.latent, part.light).text()


def _write_smaller(
    model: onnx.ModelProto,
    precision: Precision,
    file: Path,
    path: Path,
    part: Part,
    card: ModelCard,
    full: Sequence[Comparison],
    inputs: Sequence[Arrays],
) -> None:
    """Write the model again in less precision; say what it lost and gained. Raises ModelError for too great a loss."""
    smaller = build_model(part, card, half=True) if precision.half else quantised(model, card, precision.pictures)
    rows = _written(smaller, file, path, part, inputs)
    name = "fp16" if precision.half else "int8"
    psnr_db = min(row.psnr_db for row in rows)
    gains = [before.onnx_ms / after.onnx_ms for before, after in zip(full, rows, strict=True)]
    print(f"{name}: PSNR {psnr_db:.1f} dB at worst, {min(gains):.2f} to {max(gains):.2f} × float32's speed on this CPU")
    if psnr_db < _LEAST_PSNR_DB:
        raise ModelError(
            f"{name} changes the picture too much: PSNR {psnr_db:.1f} dB, {_LEAST_PSNR_DB:g} is the least; "
            "nothing was kept, export it without"
        )


def _written(model: onnx.ModelProto, file: Path, path: Path, part: Part, inputs: Sequence[Arrays]) -> list[Comparison]:
    """Write the model to `file`, print how it compares with PyTorch, and return that."""
    file.write_bytes(model.SerializeToString())
    with WrittenModel(file) as written:
        rows = compare(part, written, inputs)
    print(f"{path}: {file.stat().st_size / 1000:,.0f} kB\n{table(rows)}")
    return rows


def _check_place(path: Path) -> None:
    """Refuse a place for the model before the work, not after it."""
    if path.suffix.lower() != ".onnx":
        raise OptionError(f"the model's name must end in .onnx, not '{path.name}'")
    if not path.parent.is_dir():
        raise OptionError(f"no folder {path.parent} for the model; make it first")


def _hints(arguments: argparse.Namespace) -> Wishes:
    return Wishes(**{field.name: getattr(arguments, field.name) for field in dataclasses.fields(Wishes)})


def _card(arguments: argparse.Namespace) -> ModelCard:
    return ModelCard(
        ModelKind.STYLE,
        title=arguments.title,
        about=arguments.about,
        credit=arguments.credit,
        licence=arguments.licence,
        trained_on=arguments.trained_on,
        alignment=Alignment.parse(arguments.alignment).text.strip() if arguments.alignment else "",
        made_by=f"realtime {__version__}, tools.export_onnx",
    )


def _parser() -> argparse.ArgumentParser:
    layouts = "\n".join(f"  {name:21} {entry.summary}" for name, entry in LAYOUTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tools.export_onnx",
        description="Make a model file of a PyTorch checkpoint, and check it against PyTorch.",
        epilog=f"layouts it knows by themselves:\n{layouts}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # argparse takes words that begin with a minus for options, unless they look like numbers: here -1..1 is one.
    parser._negative_number_matcher = re.compile(r"^-\d")
    parser.add_argument(
        "checkpoint", type=Path, help=".pth, .pt, .ckpt, .safetensors, .pkl of NVIDIA's, .pt2, TorchScript"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="NAME.onnx",
        help="the model to write (default: the checkpoint's name, here)",
    )
    parser.add_argument("--key", default="", help="which network of a checkpoint that holds several, e.g. netG_A")
    parser.add_argument("--picture", type=Path, help="the photo to check with (default: the demo's)")
    smaller = parser.add_mutually_exclusive_group()
    smaller.add_argument("--fp16", action="store_true", help="numbers of half the size inside, for GPUs")
    smaller.add_argument("--int8", type=Path, metavar="FOLDER", help="styles: bytes inside, measured on its pictures")

    parser.add_argument(
        "--directions", type=Path, metavar="FILE.json", help="VAEs: the directions that tools.find_attributes found"
    )
    parser.add_argument(
        "--noise", default="fixed", choices=("fixed", "none"), help="StyleGAN2: the file's own noise (default), or none"
    )
    parser.add_argument("--codes", default="z", choices=("z", "w"), help="StyleGAN2: the codes it takes (default: z)")
    parser.add_argument(
        "--trust",
        action="store_true",
        help="whole programs: load it as PyTorch does, which runs the file's code as you",
    )
    parser.add_argument("--debug", action="store_true", help="tell everything, with tracebacks")

    own = parser.add_argument_group("a network of no known layout")
    own._negative_number_matcher = parser._negative_number_matcher
    own.add_argument("--network", default="", metavar="FILE.py:Class", help="its code; it is run")
    own.add_argument("--kwargs", default="", metavar="JSON", help="what the class is called with")
    own.add_argument("--range", default="", metavar="BLACK..WHITE", help="its numbers for black and white: 0..1, -1..1")
    own.add_argument("--order", default="rgb", choices=["rgb", "bgr"], help="its order of colours (default: rgb)")
    own.add_argument("--multiple", default=8, type=int, help="what its sides must be multiples of (default: 8)")

    card = parser.add_argument_group("what the model's card says")
    card.add_argument("--title", default="", help="a short name for people")
    card.add_argument("--about", default="", help="one sentence: what it does to a picture")
    card.add_argument("--credit", default="", help="whose work it repaints with, or who made the network")
    card.add_argument("--licence", default="", help="the terms the weights stand under")
    card.add_argument(
        "--alignment", default="", help="faces: how they lie in their crop (default: as the checkpoint says, or face)"
    )
    card.add_argument("--trained-on", default="", help="the data, and its terms")
    return parser


if __name__ == "__main__":
    sys.exit(main())
