"""Finds directions for attributes in the codes of a VAE: what is to be added to a face's code to give it glasses.

    python -m tools.find_attributes checkpoint.pth --faces photos/ --labels list_attr_celeba.csv --people people.csv
        --attribute glasses=Eyeglasses beard=-No_Beard age=-Young -o directions.json
    python -m tools.find_attributes checkpoint.pth --with hats/ --without heads/ --attribute hat -o hat.json

NAME=COLUMN calls a column of the list by another name; `-` before the column turns it round. `--apart glasses=age`
makes a direction stay at right angles to others; `--hold glasses=0.1` bends it away from all others of the list, less
than that, `--akin beard=Goatee,Mustache` says which of them are the same thing. What is told right of people held out
stands in the table. With `--judge` classifiers say what each direction does to people held out, and one that changes
another attribute more than its own is left out.

A model's own file takes them in, with what judges say: `python -m tools.find_attributes morph.onnx … -o morph.onnx`;
those of other names that it had stay. `--known` has those judged that it has already. A .json is for
`python -m tools.export_onnx checkpoint.pth --directions directions.json`.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.core.errors import OptionError, RealtimeError, nearest
from realtime.core.files import atomic_write
from realtime.core.text_limits import number
from realtime.faces.landmarks.alignment import FACE
from realtime.imaging.frame import Pixels
from realtime.models.card import ModelKind
from realtime.models.latent_space import Direction, LatentSpace, Verified, problem_of_names
from realtime.models.library import find_model, read_card
from realtime.system.console import progress_line, silence_native_libraries
from tools.attributes.codes import Encoder
from tools.attributes.directions import accuracy, apart, difference, discriminant, held, middle, scaled, unit
from tools.attributes.judges import Bench, open_judge
from tools.attributes.labels import checked, read_labels
from tools.attributes.means import RunningMeans, until_at_rest
from tools.attributes.model_file import add_directions, check_place
from tools.attributes.verification import STEPS, Sitter, Sitting, fault, table
from tools.extraction.likeness import Embedding
from tools.training.command_line import add_cache, help_in_lines
from tools.training.crowd import Crowd, load_crowd, part_people

_WAYS = ("best", "means", "discriminant")
_FORMAT = 1
_FIRMEST = 1000.0


@dataclasses.dataclass(frozen=True)
class Asked:
    """One attribute to find."""

    name: str
    column: str
    apart: tuple[str, ...] = ()
    akin: tuple[str, ...] = ()
    """Columns that are the same thing by another name."""
    hold: float = 0.0
    """How firmly all other columns are held."""
    keeps_light: bool = False
    """It leaves the numbers of the light alone."""


@dataclasses.dataclass(frozen=True)
class Material:
    """Codes and what is known of whose they are."""

    encoder: Encoder
    crowd: Crowd
    codes: NDArray[np.float32]
    learnt: NDArray[np.int64]
    held_out: NDArray[np.int64]
    has: dict[str, NDArray[np.int8]]
    """By an attribute's name: 1, −1, or 0 where nobody knows."""
    columns: dict[str, NDArray[np.int8]]
    """The same of the list's columns that enough have and lack."""
    light: int = 0
    """How many numbers at the end of a code are the light."""


def find(material: Material, asked: Sequence[Asked], method: str, batch: int, seed: int) -> list[Direction]:
    """Return the directions in the order asked for, and print the table of each."""
    own: dict[str, tuple[str, NDArray[np.float64]]] = {}
    for one in asked:
        own[one.name] = _own_direction(material, one.name, method, batch, seed)
    found = []
    for one in asked:
        found_by, direction = own[one.name]
        if one.hold:
            direction = _held(material, one)
            found_by = f"means, others held {one.hold:g}"
        if material.light and one.keeps_light:
            direction = direction.copy()
            direction[-material.light :] = 0
        if one.apart:
            direction = apart(direction, np.stack([own[name][1] for name in one.apart]))
            found_by += f", apart from {' and '.join(one.apart)}"
        right = _right(material, one.name, direction)
        tell(f"{one.name}: by {found_by}; {right:.1%} told right of people held out")
        values = scaled(direction, material.codes[material.learnt]).astype(np.float32)
        found.append(Direction(one.name, one.name.replace("_", " "), found_by, right, values))
    return found


def _own_direction(
    material: Material, name: str, method: str, batch: int, seed: int
) -> tuple[str, NDArray[np.float64]]:
    codes, has = material.codes[material.learnt], material.has[name][material.learnt]
    means = RunningMeans(codes.shape[1])
    order = np.random.default_rng(seed).permutation(np.flatnonzero(has))
    batches = ((codes[part], has[part]) for part in np.split(order, range(batch, len(order), batch)))
    print(f"{name}\n{'pictures with':>14}{'moved with':>12}{'without':>10}{'distance':>10}{'change':>10}")
    for line in until_at_rest(means, batches):
        print(
            f"{line.seen_with:14d}{line.moved_with:12.3f}{line.moved_without:10.3f}{line.distance:10.3f}"
            f"{line.change:10.3f}"
        )
    normals = {"means": unit(means.difference), "discriminant": discriminant(codes, has)}
    if method == "best":
        # Of two that tell alike the means' is kept: it is where the faces themselves lie.
        method = max(normals, key=lambda each: round(_right(material, name, normals[each]), 2))
    return method, normals[method]


def _held(material: Material, one: Asked) -> NDArray[np.float64]:
    codes, learnt = material.codes[material.learnt], material.learnt
    not_held = {one.column.removeprefix("-"), *one.akin}
    others = [difference(codes, has[learnt]) for column, has in material.columns.items() if column not in not_held]
    own = difference(codes, material.has[one.name][learnt])
    return held(codes, own, np.stack(others) if others else np.empty((0, len(own))), one.hold)


def _right(material: Material, name: str, direction: NDArray[np.float64]) -> float:
    """Return how much of people held out is told right by the middle of those learnt from."""
    has = material.has[name]
    border = middle(direction, material.codes[material.learnt], has[material.learnt])
    return accuracy(direction, material.codes[material.held_out], has[material.held_out], border)


def read_material(arguments: argparse.Namespace, asked: Sequence[Asked]) -> Material:
    """Raises OptionError and ModelError for what cannot be used."""
    encoder = Encoder.open(arguments.model)
    folders = arguments.faces or [*arguments.having, *arguments.lacking]
    with progress_line() as progress:
        crowd = load_crowd(folders, arguments.people, encoder.side_px, arguments.cache, progress)
        learnt, held_out = part_people(crowd, arguments.held_out)
        has = _labelled(arguments, crowd, asked)
        for name, labels in has.items():
            checked(labels[learnt], name)
            if not (labels[held_out] > 0).any() or not (labels[held_out] < 0).any():
                raise OptionError(f"'{name}': all people held out are alike in it; name more pictures")

        def faces() -> Iterator[Pixels]:
            for index in range(len(crowd)):
                progress("encoding faces", (index + 1) / len(crowd))
                yield crowd.plain(index, encoder.side_px)

        codes = encoder.codes(faces())
    columns = _columns(arguments, crowd, learnt) if any(one.hold for one in asked) else {}
    return Material(encoder, crowd, codes, learnt, held_out, has, columns, encoder.light)


def _columns(arguments: argparse.Namespace, crowd: Crowd, learnt: NDArray[np.int64]) -> dict[str, NDArray[np.int8]]:
    labels = read_labels(arguments.labels)
    names = [crowd.name(index) for index in range(len(crowd))]
    found = {}
    for column in labels.names:
        with contextlib.suppress(OptionError):  # too rare on one side to have a direction that could be held
            has = labels.has(names, column)
            checked(has[learnt], column)
            found[column] = has
    return found


def _labelled(arguments: argparse.Namespace, crowd: Crowd, asked: Sequence[Asked]) -> dict[str, NDArray[np.int8]]:
    if arguments.labels is None:
        having = len(arguments.having)
        return {asked[0].name: np.where(crowd.places[:, 0] < having, 1, -1).astype(np.int8)}
    labels = read_labels(arguments.labels)
    names = [crowd.name(index) for index in range(len(crowd))]
    if not any(name in labels.values for name in names):
        raise OptionError(f"{arguments.labels} lists none of the pictures in {' '.join(map(str, arguments.faces))}")
    return {one.name: labels.has(names, one.column) for one in asked}


def verify(sitting: Sitting, asked: Sequence[Asked], found: Sequence[Direction], bench: Bench) -> list[Direction]:
    """Return those directions that earned their place, with what judges say of them, and print the tables."""
    kept: dict[str, Verified] = {}
    for one, direction in zip(asked, found, strict=True):
        effects = [sitting.effect(one.column, direction.values, step, one.akin) for step in STEPS]
        judges = bench.knowing(one.column.removeprefix("-"))
        print(table(one.name, effects, [judge.name for judge in judges]), flush=True)
        reason = fault(effects)
        if reason:
            tell(f"{one.name} is left out: {reason}")
            continue
        judged = {effect.step: effect.judged() for effect in effects}
        kept[one.name] = Verified(one.column, judges[0].name, len(sitting.sitters), judged, one.akin)
    if not kept:
        raise OptionError("no direction earned its place; train on, or name attributes that are seen in the crop")
    return [dataclasses.replace(one, verified=kept[one.name]) for one in found if one.name in kept]


def judge_known(
    arguments: argparse.Namespace, asked: Sequence[Asked], bench: Bench, embedding: Embedding | None
) -> None:
    """Have the directions judged that a model's file has, and write what is said beside them.

    Raises RealtimeError: OptionError for a direction that it has not.
    """
    encoder = Encoder.open(arguments.model)
    card = read_card(find_model(str(arguments.model), ModelKind.MORPH))
    space = LatentSpace.parse(card.latent_space, encoder.latent, str(arguments.model))
    found = [space.direction(one.name) for one in asked]
    with progress_line() as progress:
        crowd = load_crowd(arguments.faces, arguments.people, encoder.side_px, arguments.cache, progress)
    _, held_out = part_people(crowd, arguments.held_out)
    indices = one_of_each(crowd, held_out)[: arguments.judged]
    sitters = [sitter(crowd, index) for index in indices]
    codes = encoder.codes(crowd.plain(int(index), encoder.side_px) for index in indices)
    judged = verify(Sitting(sitters, codes, encoder.decode, bench, embedding), asked, found, bench)
    together = add_directions(arguments.model, dataclasses.replace(space, directions=tuple(judged)), arguments.out)
    tell(f"{arguments.out} has the directions {', '.join(together.names)}")


def one_of_each(crowd: Crowd, indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first face of each person."""
    first: dict[str, int] = {}
    for index in indices:
        first.setdefault(crowd.people[index], int(index))
    return np.array(list(first.values()), np.int64)


def sitter(crowd: Crowd, index: int) -> Sitter:
    number, place = crowd.places[index]
    picture = np.ascontiguousarray(crowd.sets[number].store.picture(place)[:, :, ::-1])
    return Sitter(picture, crowd.sets[number].mesh(place))


def write(path: Path, model: Path, material: Material, found: Sequence[Direction]) -> None:
    """Write the directions, with what judges say of each, and where people's codes lie: as JSON or into a model's file.

    Raises RealtimeError.
    """
    codes = material.codes[material.learnt].astype(np.float64)
    mean, deviation = codes.mean(0).astype(np.float32), codes.std(0).astype(np.float32)
    space = LatentSpace(material.light, mean, deviation, tuple(found))
    if path.suffix.lower() == ".onnx":
        together = add_directions(model, space, path)
        tell(f"{path} has the directions {', '.join(together.names)}")
        return
    content: dict[str, Any] = {"format": _FORMAT, "model": model.name, "alignment": FACE, "latent": codes.shape[1]}
    with atomic_write(path) as unfinished:
        unfinished.write_text(json.dumps(content | json.loads(space.text()), indent=1), encoding="utf-8")


def tell(line: str) -> None:
    print(f"find_attributes: {line}", file=sys.stderr)


# ------------------------------------------------------------------------------------------------------ command line


def read_asked(
    attributes: Sequence[str],
    aparts: Sequence[str] = (),
    akins: Sequence[str] = (),
    holds: Sequence[str] = (),
    lights: Sequence[str] = (),
) -> list[Asked]:
    """Read NAME=COLUMN or COLUMN alone, which is its own name in small letters, NAME=OTHER,OTHER and NAME=NUMBER.

    Raises OptionError for what cannot be.
    """
    columns: dict[str, str] = {}
    for text in attributes:
        name, named, column = text.partition("=")
        if not named:
            name, column = name.lower(), name
        if not name or not column or name in columns:
            raise OptionError(f"--attribute {text}: write NAME or NAME=COLUMN, each name once")
        columns[name] = column
    problem = problem_of_names(columns)
    if problem:
        raise OptionError(f"--attribute {problem}")
    apart_from = _of_names("--apart", aparts, columns)
    akin = _of_names("--akin", akins, columns)
    hold: dict[str, float] = {}
    for name, (text, *_) in _of_names("--hold", holds, columns).items():
        strength = number(text, 0, _FIRMEST)
        if strength is None:
            raise OptionError(f"--hold {name}={text}: write a number from 0 (not at all) to {_FIRMEST:g}")
        hold[name] = strength
    _of_names("--keep-light", lights, columns)
    for name, others in apart_from.items():
        for each in others:
            if each not in columns:
                raise OptionError(f"--apart {name}={each}: '{each}' is not asked for{nearest(each, columns)}")
        if name in others:
            raise OptionError(f"--apart {name}={name}: nothing is apart from itself")
    return [
        Asked(name, column, apart_from.get(name, ()), akin.get(name, ()), hold.get(name, 0.0), name in lights)
        for name, column in columns.items()
    ]


def _of_names(option: str, texts: Sequence[str], names: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Read NAME=A,B of attributes that are asked for."""
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, _, others = text.partition("=")
        if name not in names:
            raise OptionError(f"{option} {text}: '{name}' is not asked for{nearest(name, names)}")
        found[name] = tuple(others.split(","))
    return found


def read_command_line(words: Sequence[str]) -> tuple[argparse.Namespace, list[Asked]]:
    """Raises OptionError for anything that cannot be."""
    parser = help_in_lines("find_attributes", __doc__)
    parser.add_argument("model", type=Path, help="a VAE's checkpoint, or the .onnx exported of it")
    parser.add_argument("--faces", type=Path, nargs="+", default=[], metavar="DIR", help="photos, or extracted crops")
    parser.add_argument("--labels", type=Path, metavar="FILE", help="who has which attribute, as list_attr_celeba")
    parser.add_argument("--with", type=Path, nargs="+", default=[], metavar="DIR", dest="having", help="photos with it")
    parser.add_argument("--without", type=Path, nargs="+", default=[], metavar="DIR", dest="lacking", help="without")
    parser.add_argument("--people", type=Path, metavar="FILE", help="whose each photo is; they are held out together")
    parser.add_argument("--attribute", nargs="+", required=True, metavar="NAME[=COLUMN]")
    parser.add_argument("--apart", nargs="+", default=[], metavar="NAME=OTHER,…")
    parser.add_argument(
        "--hold", nargs="+", default=[], metavar="NAME=STRENGTH",
        help="bend the means' difference away from all other attributes of the list: 0.03 a little, 0.3 firmly",
    )  # fmt: skip
    parser.add_argument(
        "--akin", nargs="+", default=[], metavar="NAME=COLUMN,…",
        help="columns that are the same thing: not held, and not counted among the others",
    )  # fmt: skip
    parser.add_argument(
        "--keep-light", nargs="+", default=[], metavar="NAME", help="directions that leave the light's numbers alone"
    )
    parser.add_argument(
        "--judge", type=Path, nargs="+", default=[], metavar="FILE",
        help="classifiers that say what the directions do to people held out; of two that know an attribute the first",
    )  # fmt: skip
    parser.add_argument(
        "--known", action="store_true", help="find nothing: have the directions judged that the model's .onnx has"
    )
    parser.add_argument("--metric", type=Path, metavar="FILE", help="a face embedding, to say how alike they stay")
    parser.add_argument("--judged", type=int, default=150, metavar="COUNT", help="people who are judged (%(default)s)")
    parser.add_argument("--by", choices=_WAYS, default="best", help="best: what tells more people right (%(default)s)")
    parser.add_argument(
        "--held-out", type=float, default=0.05, metavar="SHARE",
        help="of the people, who are only told apart; as in the VAE's own run (%(default)s)",
    )  # fmt: skip
    parser.add_argument("--batch", type=int, default=500, help="pictures between two looks at the means (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the order of pictures (%(default)s)")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help=".json; or the model's .onnx")
    add_cache(parser, "faces")
    arguments = parser.parse_args(words)
    asked = read_asked(arguments.attribute, arguments.apart, arguments.akin, arguments.hold, arguments.keep_light)
    listed, foldered = bool(arguments.faces and arguments.labels), bool(arguments.having and arguments.lacking)
    if arguments.known:
        if not arguments.judge or not arguments.faces or {arguments.model.suffix, arguments.out.suffix} != {".onnx"}:
            raise OptionError("--known goes with --judge, --faces and a model's .onnx, whose card is written into -o")
    elif listed == foldered:
        raise OptionError("name --faces and --labels, or --with and --without")
    if foldered and len(asked) > 1:
        raise OptionError("two folders show one attribute; name one as --attribute")
    if not 0 < arguments.held_out < 1:
        raise OptionError(f"--held-out {arguments.held_out:g} cannot be; it is more than 0 and less than 1")
    check_place(arguments.model, arguments.out)
    if arguments.metric and not arguments.judge:
        raise OptionError("--metric goes with --judge")
    if foldered and arguments.hold:
        raise OptionError("--hold needs a list of attributes, --labels")
    if arguments.judged < 1:
        raise OptionError(f"--judged {arguments.judged} cannot be; it is 1 or more")
    if arguments.batch < 1:
        raise OptionError(f"--batch {arguments.batch} cannot be; it is 1 or more")
    return arguments, asked


def open_judges(arguments: argparse.Namespace, asked: Sequence[Asked]) -> tuple[Bench | None, Embedding | None]:
    """Raises ModelError for files that are none, OptionError for an attribute that no judge knows."""
    if not arguments.judge:
        return None, None
    bench = Bench([open_judge(path) for path in arguments.judge])
    for one in asked:
        bench.knowing(one.column.removeprefix("-"))
    return bench, Embedding(arguments.metric) if arguments.metric else None


def main(words: Sequence[str] | None = None) -> int:
    try:
        arguments, asked = read_command_line(sys.argv[1:] if words is None else words)
        bench, embedding = open_judges(arguments, asked)
        if arguments.known and bench is not None:
            judge_known(arguments, asked, bench, embedding)
            return 0
        material = read_material(arguments, asked)
        found = find(material, asked, arguments.by, arguments.batch, arguments.seed)
        if bench is not None:
            indices = one_of_each(material.crowd, material.held_out)[: arguments.judged]
            sitters = [sitter(material.crowd, index) for index in indices]
            sitting = Sitting(sitters, material.codes[indices], material.encoder.decode, bench, embedding)
            found = verify(sitting, asked, found, bench)
        write(arguments.out, arguments.model, material, found)
    except RealtimeError as error:
        tell(str(error))
        return 2
    return 0


if __name__ == "__main__":
    silence_native_libraries()
    sys.exit(main())
