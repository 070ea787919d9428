"""NVIDIA's .pkl snapshots, good and hostile, as `tools.export_onnx` reads them."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import torch

from tools.fuzzing import Seed, Target
from tools.fuzzing.hostile import intruding_pickle
from tools.fuzzing.mutation import mutated
from tools.fuzzing.nvidia_pickles import write_snapshot
from tools.networks.stylegan2 import StyleGan2

_AS_BYTES = 0.4
"""So many of the changes are to bytes, whatever they mean; the others are to whole steps of the pickle."""
_MOST_STEPS = 12
_BEGINS = b"\x80\x02}X\x05\x00\x00\x00G_ema"
_ASKS = b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n"
_ASKED_FOR = (
    "os system",
    "builtins eval",
    "torch load",
    "posix mkdir",
    "torch.storage _load_from_bytes",
    "codecs encode",
)


def seeds(folder: Path) -> Sequence[Seed]:
    """Write snapshots of small generators, and pickles that mean harm."""
    written: list[Seed] = []
    for name, channels in (("small", (8, 8, 4)), ("one", (4,))):
        tensors = {key: torch.randn_like(one) for key, one in StyleGan2((6, 8, 8), channels).state_dict().items()}
        written.append(write_snapshot(folder / f"{name}.pkl", {key: 0 * one for key, one in tensors.items()}, tensors))
    for name, data in _hostile(folder):
        path = folder / f"{name}.pkl"
        path.write_bytes(data)
        written.append(path)
    return written


class _Calling:
    """Pickled, it asks for a call of NVIDIA's own."""

    def __init__(self, name: str, *arguments: object) -> None:
        self.name, self.arguments = name, arguments

    def pickled(self) -> bytes:
        """Return the whole pickle of it, as `G_ema` of a snapshot."""
        module, name = self.name.rsplit(".", 1)
        called = b"".join(pickle.dumps(one, protocol=2)[2:-1] for one in self.arguments)
        return _BEGINS + f"c{module}\n{name}\n(".encode() + called + b"tRs."


def _hostile(folder: Path) -> Iterator[tuple[str, bytes]]:
    network, stored = "torch_utils.persistence._reconstruct_persistent_obj", "torch.storage._load_from_bytes"
    yield "code", intruding_pickle(folder / "mark-code")
    yield "code-in-storage", _Calling(stored, intruding_pickle(folder / "mark-storage")).pickled()
    for kind in ("_parameters", "_buffers", "_modules"):
        inner = pickle.dumps({"type": "class", "state": {kind: {"x": 0}}}, protocol=2)[2:-1]
        harm = intruding_pickle(folder / f"mark{kind}")[2:-1]
        yield f"code-in{kind}", _BEGINS + _ASKS + b"(" + inner.replace(b"K\x00", harm) + b"tRs."
    source = f"import os\nos.mkdir({str(folder / 'mark-source')!r})"
    yield "source", _Calling(network, {"type": "class", "module_src": source, "class_name": "G", "state": {}}).pickled()
    yield "state-is-text", _Calling(network, {"type": "class", "state": "x" * 1000}).pickled()
    yield "names-are-numbers", _Calling(network, {"state": {"_parameters": {7: 1}, "_modules": {None: {}}}}).pickled()
    yield "no-argument", _Calling(network).pickled()
    yield "many-arguments", _Calling(network, *range(1000)).pickled()
    yield "deep", b"\x80\x02" + _ASKS * 100_000 + b"."
    yield "deep-tuples", b"\x80\x02)" + b"\x85" * 200_000 + b"."
    yield "nested", _nested(3000)
    yield "same-storage", _same_storage(4000)
    yield "itself", b"\x80\x02]q\x00h\x00a."
    yield "empty", b""
    yield "stop", b"."


def _nested(depth: int) -> bytes:
    """Networks in a network, each in the modules of the next."""
    begin = _ASKS + b"(}X\x05\x00\x00\x00state}X\x08\x00\x00\x00_modules}X\x01\x00\x00\x00a"
    return _BEGINS + begin * depth + b"}" + b"ssstR" * depth + b"s."


def _same_storage(times: int) -> bytes:
    """One storage of a megabyte that is asked for many times."""
    stored = _legacy_storage()
    first = b"B" + len(stored).to_bytes(4, "little") + stored + b"q\x01"
    call = b"ctorch.storage\n_load_from_bytes\n"
    return b"\x80\x02](" + call + b"(" + first + b"tR" + (call + b"(h\x01tR") * times + b"e."


def _legacy_storage() -> bytes:
    file = io.BytesIO()
    torch.save(torch.zeros(1_000_000, dtype=torch.uint8).untyped_storage(), file, _use_new_zipfile_serialization=False)
    return file.getvalue()


def changed(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change bytes, or leave out, double, move or swap steps of the pickle, or what it asks for."""
    places = _places(data) if random.random() > _AS_BYTES else []
    if len(places) < 4:
        return mutated(random, data, others)
    steps = [data[begin:end] for begin, end in zip(places, [*places[1:], len(data)], strict=True)]
    for _ in range(random.randint(1, 3)):
        first = random.randrange(1, len(steps))
        some = steps[first : first + random.randint(1, _MOST_STEPS)]
        way = random.randrange(4)
        if way == 0:
            del steps[first : first + len(some)]
        elif way == 1:
            steps[first:first] = some * random.choice((1, 2, 1000))
        elif way == 2:
            place = random.randrange(1, len(steps))
            steps[place : place + len(some)] = some
        else:
            steps[first] = b"c" + random.choice(_ASKED_FOR).replace(" ", "\n").encode() + b"\n"
        if len(steps) < 4:
            break
    return b"".join(steps)


def _places(data: bytes) -> list[int]:
    """Return where the pickle's steps begin, as far as it can be read."""
    places = []
    try:
        for _, _, place in pickletools.genops(data):
            places.append(int(place or 0))
    except Exception:  # noqa: S110 - pickletools raises whatever it meets
        pass
    return places


def command(seed: Seed, out: Path) -> Sequence[str]:  # noqa: ARG001 - nothing is written
    return ["tools.fuzzing.checkpoints", os.fspath(seed)]


TARGET = Target(seeds, command, mutate=changed, preload=("onnxslim", "onnxruntime"))
