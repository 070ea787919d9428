"""Model files of PyTorch's that mean harm: they write a file, run a command, or never end.

What they write is called `mark…`, beside them; a reader that can be trusted leaves no such file.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

Change = Callable[[str, bytes], bytes | None]
"""From a member's name and bytes to its new bytes, None to leave it out."""


class Same(nn.Module):
    """Gives the picture back, not quite."""

    def forward(self, picture: Tensor) -> Tensor:
        return picture * 0.5


class _Intruder:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def intruding_pickle(mark: Path) -> bytes:
    """Return a pickle that makes the folder `mark` when it is read by Python's own machine."""
    return pickle.dumps(_Intruder(mark), protocol=2)


def packed(source: Path, target: Path, change: Change, extra: Mapping[str, bytes] | None = None) -> Path:
    """Write the archive `source` anew as `target`, its members changed and others added."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        folder = old.namelist()[0].partition("/")[0]
        for name in old.namelist():
            data = change(name.partition("/")[2], old.read(name))
            if data is not None:
                new.writestr(name, data)
        for name, data in (extra or {}).items():
            new.writestr(f"{folder}/{name}", data, zipfile.ZIP_DEFLATED)
    return target


_CODE = """
class Same(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  def forward(self: __torch__.tools.fuzzing.hostile.Same,
    picture: Tensor) -> Tensor:
    {body}
    return picture
{more}
"""
_BODIES = {
    "save": 'torch.save(picture, "{mark}")',
    "save-blank": 'torch. save(picture, "{mark}")',
    "save-line": 'torch \\\n      .save(picture, "{mark}")',
    "save-aten": 'ops.aten.save(picture, "{mark}")',
    "save-method": '(picture).save("{mark}")',
    "save-getattr": '_0 = getattr(picture, "save")\n    _0("{mark}")',
    "save-alias": 't = torch\n    t.save(picture, "{mark}")',
    "save-wide": '\uff54orch.save(picture, "{mark}")',
    "file": 'picture = torch.from_file("{mark}", True, 64)',
    "file-blank": 'picture = torch . from_file("{mark}", True, 64)',
    "file-aten": 'picture = ops.aten.from_file("{mark}", True, 64)',
    "file-brackets": 'picture = (torch\n      .from_file("{mark}", True, 64))',
    "profiler": 'ops.profiler._record_function_enter_new("x", None)',
    "class": '_0 = __torch__.torch.classes.dist_c10d.FileStore("{mark}", 1)',
    "escapes": 'print("\\x1b]0;PWNED\\x07")',
    "endless": "while True:\n      picture = torch.add(picture, 1)",
    "greedy": "for _0 in range(1000000000):\n      picture = torch.cat([picture, picture])",
    "huge": "picture = torch.mul(torch.full([200000, 200000], 1.), 2.)",
}


def scripts(folder: Path) -> Iterator[Path]:
    """Yield TorchScript files."""
    plain = folder / "plain.pt"
    torch.jit.script(Same()).save(plain)  # type: ignore[no-untyped-call]
    member = "code/__torch__/tools/fuzzing/hostile.py"

    def written(name: str, body: str, more: str = "", extra: Mapping[str, bytes] | None = None) -> Path:
        text = _CODE.format(body=body.replace("{mark}", str(folder / f"mark-{name}")), more=more).encode()
        return packed(plain, folder / f"{name}.pt", lambda inside, data: text if inside == member else data, extra)

    for name, body in _BODIES.items():
        yield written(name, body)
    state = f'  def __setstate__(self, state: Tuple[bool]) -> NoneType:\n    torch.save(1, "{folder / "mark-state"}")'
    yield written("state", "pass", state)
    twice = _CODE.format(body=f'torch.save(picture, "{folder / "mark-twice"}")', more="").encode()
    first = packed(plain, folder / "twice.pt", lambda inside, data: twice if inside == member else data)
    with zipfile.ZipFile(plain) as archive, zipfile.ZipFile(first, "a") as both:
        both.writestr(f"plain/{member}", archive.read(f"plain/{member}"))
    yield first
    calls = "\n".join(
        f"def f{n}(x: Tensor) -> Tensor:\n"
        + (
            f"  return __torch__.tools.fuzzing.hostile.f{n - 1}(__torch__.tools.fuzzing.hostile.f{n - 1}(x, ), )"
            if n
            else "  return torch.add(x, 1)"
        )
        for n in range(31)
    )
    yield written("many-calls", "picture = __torch__.tools.fuzzing.hostile.f30(picture, )", calls)
    yield written("bomb", "pass", extra={"code/__torch__/zeros.py": b"#" * 300_000_000})
    yield packed(plain, folder / "short.pt", lambda inside, data: None if inside.endswith("constants.pkl") else data)
    plain.unlink()


def programs(folder: Path) -> Iterator[Path]:
    """Yield files of torch.export."""
    free = torch.export.Dim.AUTO
    exported = torch.export.export(Same(), (torch.rand(1, 3, 16, 24),), dynamic_shapes=({2: free, 3: free},))
    torch.export.save(exported, folder / "plain.pt2")
    plain = folder / "plain.pt2"

    def written(
        name: str, change: Callable[[dict[str, Any], str], None], extra: Mapping[str, bytes] | None = None
    ) -> Path:
        def in_model(inside: str, data: bytes) -> bytes:
            if inside != "models/model.json":
                return data
            model = json.loads(data)
            change(model, str(folder / f"mark-{name}"))
            return json.dumps(model).encode()

        return packed(plain, folder / f"{name}.pt2", in_model, extra)

    for name, change in _MODEL_CHANGES.items():
        yield written(name, change)
    for name in ("sample_inputs", "weights", "constants"):
        yield _replaced(plain, name, {f"data/{name}/model.pt": intruding_pickle(folder / f"mark-{name}")})
    code = intruding_pickle(folder / "mark-label")
    label = json.dumps({"config": {"x": {"path_name": "model.pt", "is_param": False, "use_pickle": False}}}).encode()
    extra = {"data/sample_inputs/model.pt": code, "data/sample_inputs/own_config.json": label}
    yield _replaced(plain, "label", extra)
    for name, file, pickled in (("opaque", "opaque_obj_0", False), ("tensor", "tensor_0", True)):
        meta = {"dtype": 1, "sizes": [], "strides": [], "storage_offset": {"as_int": 0}, "requires_grad": False}
        entry = {"path_name": file, "is_param": False, "use_pickle": pickled, "tensor_meta": meta}
        extra = {
            "data/constants/model_constants_config.json": json.dumps({"config": {"x": entry}}).encode(),
            f"data/constants/{file}": intruding_pickle(folder / f"mark-{name}"),
        }
        yield _replaced(plain, name, extra)
    yield written("bomb", lambda model, _: None, {"data/weights/weight_9": b"\0" * 300_000_000})
    plain.unlink()


def _replaced(plain: Path, name: str, members: Mapping[str, bytes]) -> Path:

    return packed(plain, plain.with_name(f"{name}.pt2"), lambda n, data: None if n in members else data, members)


def _node(target: str, *inputs: Mapping[str, Any]) -> Callable[[dict[str, Any], str], None]:
    def change(model: dict[str, Any], mark: str) -> None:
        node = model["graph_module"]["graph"]["nodes"][0]
        node["target"] = target
        node["inputs"] = [
            {"name": "x", "arg": json.loads(json.dumps(entry).replace("MARK", mark)), "kind": 1} for entry in inputs
        ]

    return change


def _named(name: str) -> Callable[[dict[str, Any], str], None]:
    def change(model: dict[str, Any], mark: str) -> None:
        text = json.dumps(model["graph_module"]).replace('"picture"', json.dumps(name.replace("MARK", mark)))
        model["graph_module"] = json.loads(text)

    return change


def _guarded(model: dict[str, Any], mark: str) -> None:
    model["guards_code"] = [f"__import__('os').mkdir({mark!r}) or True"]


def _sized(model: dict[str, Any], mark: str) -> None:
    formula = f"__import__('os').mkdir({mark!r}) or Integer(3)"
    model["graph_module"]["graph"]["tensor_values"]["picture"]["sizes"][2] = {
        "as_expr": {"expr_str": formula, "hint": None}
    }


_PICTURE = {"as_tensor": {"name": "picture"}}
_MODEL_CHANGES = {
    "target-save": _node("torch.ops.aten.save.default", _PICTURE, {"as_string": "MARK"}),
    "target-file": _node("torch.ops.aten.from_file.default", {"as_string": "MARK"}, {"as_bool": True}, {"as_int": 64}),
    "target-system": _node("torch.os.mkdir", {"as_string": "MARK"}),
    "target-hub": _node("torch.hub.os.mkdir", {"as_string": "MARK"}),
    "target-getattr": _node("torch.ops.aten.add.__class__", {"as_string": "MARK"}),
    "target-extension": _node("#aoti:x", {"as_string": "MARK"}),
    "name": _named("picture): __import__('os').mkdir('MARK') #"),
    "name-escapes": _named("x\x1b]0;PWNED\x07"),
    "guard": _guarded,
    "size": _sized,
    "huge": _node("torch.ops.aten.expand.default", _PICTURE, {"as_ints": [100_000, 3, 1000, 1000]}),
    "full": _node("torch.ops.aten.full.default", {"as_ints": [200_000, 200_000]}, {"as_float": 1.0}),
    "power": _node("_operator.pow", {"as_int": 10}, {"as_int": 10_000_000_000}),
    "text": _node("_operator.mul", {"as_string": "a" * 100}, {"as_int": 10_000_000_000}),
}


def checkpoints(folder: Path) -> Iterator[Path]:
    """Yield files of weights."""
    weights = {"model.1.weight": torch.zeros(8, 3, 7, 7), "model.1.bias": torch.zeros(8)}
    wide = torch.zeros(1).expand(30_000, 30_000)
    found: dict[str, object] = {
        "intruder": {"state_dict": weights, "x": _Intruder(folder / "mark-intruder")},
        "wide": {"a": wide, "b": wide, "c": wide},
        "sparse": {
            "a": torch.sparse_coo_tensor(torch.zeros(2, 1), torch.ones(1), (100_000, 100_000)),
            "b": torch.zeros(2),
        },
        "quantised": {"a": torch.quantize_per_tensor(torch.zeros(4), 1.0, 0, torch.qint8), "b": torch.zeros(2)},
        "meta": {"a": torch.zeros(4, device="meta"), "b": torch.zeros(2)},
        "int8": {"a": torch.zeros(4, dtype=torch.int8), "b": torch.zeros(2)},
        "complex": {"a": torch.zeros(4, dtype=torch.complex64), "b": torch.zeros(2)},
        "escapes": {"a\x1b]0;PWNED\x07\n": torch.zeros(4), "b": torch.zeros(2)},
        "many": {f"{number}.weight": torch.zeros(1) for number in range(3000)},
    }
    for name, value in found.items():
        torch.save(value, folder / f"{name}.pth")
        yield folder / f"{name}.pth"
    torch.save({"a": wide, "b": wide, "c": wide}, folder / "wide-old.pth", _use_new_zipfile_serialization=False)
    yield folder / "wide-old.pth"
    (folder / "pickle.pth").write_bytes(intruding_pickle(folder / "mark-pickle"))
    yield folder / "pickle.pth"
    for name, words in {
        "memo": b"\x80\x02Nr\xff\xff\xff\xff.",
        "doubled": b"\x80\x02)" + b"2\x86" * 60 + b"}q\x002h\x00.",
        "deep": b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".",
        "number": b"\x80\x02L" + b"9" * 100_000 + b"L\n.",
    }.items():
        yield _pickled(folder / f"{name}.pth", words)
    lying = io.BytesIO()
    torch.save({"a": torch.zeros(4), "b": torch.zeros(2)}, lying)
    (folder / "plain.pth").write_bytes(lying.getvalue())
    yield packed(folder / "plain.pth", folder / "beyond.pth", _storages_lie)
    yield packed(folder / "plain.pth", folder / "bomb.pth", lambda _, data: data, {"data/9": b"\0" * 300_000_000})
    (folder / "plain.pth").unlink()
    (folder / "lfs.pth").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    yield folder / "lfs.pth"


def _pickled(path: Path, words: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", words)
        archive.writestr("x/version", "3\n")
    return path


def _storages_lie(name: str, data: bytes) -> bytes:
    """Say of a storage of four numbers that it has 60,004: PyTorch would read on in its memory."""
    return (
        data.replace(b"K\x04tq", b"Jd\xea\0\0tq").replace(b"K\x04\x85", b"Jd\xea\0\0\x85")
        if name == "data.pkl"
        else data
    )
