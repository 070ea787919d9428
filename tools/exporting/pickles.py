"""Reads PyTorch's pickles as data. Nothing that a pickle names is ever looked up or called.

A pickle is a program for a small machine. Python's own runs whatever it names; this one knows the words that weights
are written in, makes plain values and tensors of them, and refuses the rest by name. Unlike PyTorch's reader it holds
every tensor to the bytes that are there, so that none reaches beyond its storage or is more than what it was read from.
"""

from __future__ import annotations

import dataclasses
import math
import pickletools
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import torch
from torch import Tensor

_MOST_STEPS = 3_000_000
"""An optimizer's state of a thousand weights takes some 50,000."""
_MOST_COPIED = 5_000_000
"""Letters and members that calls may copy: each may be told to copy the same long thing again."""
_MOST_DIMENSIONS = 16


class DamagedPickleError(Exception):
    """The bytes are no pickle, or one that does not add up."""


class ForeignNameError(Exception):
    """The pickle asks for something that is not weights. `args[0]` is its full name."""


@dataclasses.dataclass(frozen=True, slots=True)
class Named:
    """Something the pickle names that is a value: a dtype, a kind of storage, a class."""

    name: str
    dtype: torch.dtype | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Builder:
    """Something the pickle may call: our own function of the same meaning."""

    build: Callable[..., object]
    bounded: bool = False
    """It counts by itself what it copies of its arguments."""


class Opaque:
    """An object that is of no interest and was not made."""


@dataclasses.dataclass(frozen=True, slots=True)
class Storage:
    """Numbers in a row, that tensors are views of."""

    numbers: Tensor
    """One dimension; on the device "meta" where only sizes are wanted."""


StorageOf = Callable[[Named, str, int], Storage]
"""From a kind of storage, its key and the count of its elements to the storage itself."""


def storage_of(data: bytes, dtype: torch.dtype) -> Storage:
    """Return bytes as a storage. Raises DamagedPickleError where they are no whole numbers of it."""
    if len(data) % dtype.itemsize:
        raise DamagedPickleError
    if not data:
        return Storage(torch.empty(0, dtype=dtype))
    return Storage(torch.frombuffer(bytearray(data), dtype=dtype))


def view(storage: Storage, offset: object, size: object, stride: object) -> Tensor:
    """Return a tensor of a storage. Raises DamagedPickleError where it reaches beyond it, or repeats what is there."""
    sizes, strides = _whole(size), _whole(stride)
    (first,) = _whole((offset,))
    if len(sizes) != len(strides) or len(sizes) > _MOST_DIMENSIONS:
        raise DamagedPickleError
    count, there = math.prod(sizes), storage.numbers.numel()
    reach = first + 1 + sum((side - 1) * step for side, step in zip(sizes, strides, strict=True)) if count else 0
    if count > there or reach > there:
        raise DamagedPickleError
    return torch.as_strided(storage.numbers, sizes, strides, first if count else 0)


def unpickled(
    file: BinaryIO, storage: StorageOf, *, objects: bool = False, words: Mapping[str, Named | Builder] | None = None
) -> object:
    """Read one pickle from `file`, which is left behind its end.

    `objects`: TorchScript's own classes may be in it, and stay opaque; `words`: more names that it may say, and what
    they mean. Raises DamagedPickleError and ForeignNameError.
    """
    try:
        return _Machine(storage, objects, words or {}).run(file)
    except (DamagedPickleError, ForeignNameError):
        raise
    except RecursionError:
        raise DamagedPickleError from None
    except Exception as error:  # pickletools and the steps below: any kind, where the pickle makes no sense
        raise DamagedPickleError from error


_SIZED = (str, bytes, list, tuple, dict, set)


class _Mark:
    pass


_MARK = _Mark()


class _Machine:
    def __init__(self, storage: StorageOf, objects: bool, words: Mapping[str, Named | Builder]) -> None:
        self._storage_of = storage
        self._objects = objects
        self._words = words
        self._stack: list[Any] = []
        self._memo: dict[int, object] = {}
        self._copied = 0

    def run(self, file: BinaryIO) -> object:
        for count, (code, argument, _) in enumerate(pickletools.genops(file)):
            if count > _MOST_STEPS:
                raise DamagedPickleError
            name = code.name
            if name == "STOP":
                return self._stack.pop()
            if name in _PUSHED:
                self._stack.append(argument)
            elif name in _CONSTANTS:
                self._stack.append(_CONSTANTS[name]())
            else:
                step = _STEPS.get(name)
                if step is None:
                    raise DamagedPickleError
                step(self, argument)
        raise DamagedPickleError

    def since_mark(self) -> list[Any]:
        place = len(self._stack) - 1
        while self._stack[place] is not _MARK:
            place -= 1
            if place < 0:
                raise DamagedPickleError
        found = self._stack[place + 1 :]
        del self._stack[place:]
        return found

    def skip(self, _: object) -> None:
        """A step that changes nothing here."""

    def pop(self, _: object) -> None:
        self._stack.pop()

    def pop_mark(self, _: object) -> None:
        self.since_mark()

    def double(self, _: object) -> None:
        self._stack.append(self._stack[-1])

    def put(self, place: int) -> None:
        self._memo[place] = self._stack[-1]

    def memoize(self, _: object) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def get(self, place: int) -> None:
        self._stack.append(self._memo[place])

    def tuple_of(self, count: int) -> None:
        found = tuple(self._stack[-count:])
        if len(found) != count or any(part is _MARK for part in found):
            raise DamagedPickleError
        self._stack[-count:] = [found]

    def tuple_since_mark(self, _: object) -> None:
        self._stack.append(tuple(self.since_mark()))

    def list_since_mark(self, _: object) -> None:
        self._stack.append(self.since_mark())

    def dict_since_mark(self, _: object) -> None:
        pairs = self.since_mark()
        self._stack.append(_filled({}, pairs))

    def frozenset_since_mark(self, _: object) -> None:
        self._stack.append(frozenset(map(_key, self.since_mark())))

    def append(self, _: object) -> None:
        value = self._stack.pop()
        self._into(list).append(value)

    def appends(self, _: object) -> None:
        values = self.since_mark()
        self._into(list).extend(values)

    def set_item(self, _: object) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._fill([key, value])

    def set_items(self, _: object) -> None:
        self._fill(self.since_mark())

    def _fill(self, pairs: list[Any]) -> None:
        if isinstance(self._stack[-1], Opaque):
            return
        _filled(self._into(dict), pairs)

    def add_items(self, _: object) -> None:
        values = self.since_mark()
        self._into(set).update(map(_key, values))

    def _into(self, kind: type[Any]) -> Any:
        found = self._stack[-1]
        if type(found) is not kind:
            raise DamagedPickleError
        return found

    def global_name(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self._stack.append(self._found(module, name))

    def global_on_stack(self, _: object) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise DamagedPickleError
        self._stack.append(self._found(module, name))

    def _found(self, module: str, name: str) -> Named | Builder:
        full = f"{module}.{name}"
        if self._objects and _is_script_class(full):
            return Builder(lambda *_: Opaque())
        found = self._words.get(full) or _WORDS.get(full)
        if found is None:
            raise ForeignNameError(full)
        return found

    def call(self, _: object) -> None:
        arguments, called = self._stack.pop(), self._stack.pop()
        if not isinstance(called, Builder) or not isinstance(arguments, tuple):
            raise DamagedPickleError
        if not called.bounded:
            self._copied += sum(len(part) for part in arguments if isinstance(part, _SIZED))
        if self._copied > _MOST_COPIED:
            raise DamagedPickleError
        self._stack.append(called.build(*arguments))

    def build(self, _: object) -> None:
        self._stack.pop()  # a state dict's version marks, or what an object we do not make would hold
        if not isinstance(self._stack[-1], dict | Opaque | Tensor):
            raise DamagedPickleError

    def persistent(self, _: object) -> None:
        self._stack.append(self._storage(self._stack.pop()))

    def _storage(self, named: object) -> Storage:
        if not isinstance(named, tuple) or len(named) < 5 or named[0] not in ("storage", b"storage"):
            raise DamagedPickleError
        kind, key = named[1], named[2]
        if not isinstance(kind, Named) or kind.dtype is None or not isinstance(key, str | int):
            raise DamagedPickleError
        (count,) = _whole((named[4],))
        whole = self._storage_of(kind, str(key), count)
        part = named[5] if len(named) > 5 else None
        if part is None:
            return whole
        _, offset, length = part  # files of PyTorch before 0.4
        return Storage(view(whole, offset, (length,), (1,)))


def _whole(numbers: object) -> tuple[int, ...]:
    if not isinstance(numbers, tuple | list) or any(type(number) is not int or number < 0 for number in numbers):
        raise DamagedPickleError
    return tuple(numbers)


def _key(value: object) -> Any:
    """Return what may be a key. Tuples in tuples may not: their hash takes twice as long at each level."""
    parts = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(part, str | bytes | int | float | None) for part in parts):
        raise DamagedPickleError
    return value


def _filled(target: dict[Any, Any], pairs: list[Any]) -> dict[Any, Any]:
    if len(pairs) % 2:
        raise DamagedPickleError
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        target[_key(key)] = value
    return target


def _is_script_class(full: str) -> bool:
    """Tell whether a name is of a class that the file's own code makes; `torch.classes` are compiled, with files among
    them.
    """
    return full.startswith("__torch__.") and ".torch.classes" not in full and full != "__torch__.torch.classes"


def as_mapping(pairs: object = (), *_: object) -> dict[Any, Any]:
    """Return what a class like dict is made of."""
    if isinstance(pairs, dict):
        return dict(pairs)
    if not isinstance(pairs, list | tuple):
        return {}  # defaultdict(list)
    return _filled({}, [part for pair in pairs for part in pair])


def _tensor(storage: Storage, offset: object, size: object, stride: object, *_: object) -> Tensor:
    return view(storage, offset, size, stride)


def _tensor_of_dtype(
    storage: Storage, offset: object, size: object, stride: object, _: object, __: object, kind: Named, *___: object
) -> Tensor:
    if kind.dtype is None or storage.numbers.numel() % kind.dtype.itemsize:
        raise DamagedPickleError
    return view(Storage(storage.numbers.view(kind.dtype)), offset, size, stride)


def _subclassed(build: object, _: object, arguments: object, *__: object) -> object:
    if not isinstance(build, Builder) or not isinstance(arguments, tuple):
        raise DamagedPickleError
    return build.build(*arguments)


def _bytes(text: str = "", *_: object) -> bytes:
    return text.encode("latin-1")


_STORAGES = {
    "Float": torch.float32,
    "Double": torch.float64,
    "Half": torch.float16,
    "BFloat16": torch.bfloat16,
    "Long": torch.int64,
    "Int": torch.int32,
    "Short": torch.int16,
    "Char": torch.int8,
    "Byte": torch.uint8,
    "Bool": torch.bool,
    "ComplexFloat": torch.complex64,
    "ComplexDouble": torch.complex128,
}
_DTYPES = (*_STORAGES.values(), torch.complex32, torch.float8_e4m3fn, torch.float8_e5m2, torch.uint16, torch.uint32)
_OPAQUE = Builder(lambda *_: Opaque())
_WORDS: Mapping[str, Named | Builder] = {
    "collections.OrderedDict": Builder(as_mapping),
    "collections.defaultdict": Builder(as_mapping),
    "collections.Counter": Builder(as_mapping),
    "builtins.set": Builder(lambda values=(): set(map(_key, values))),
    "__builtin__.set": Builder(lambda values=(): set(map(_key, values))),
    "builtins.bytearray": Builder(lambda value=b"", *_: value if isinstance(value, bytes) else _bytes(value)),
    "__builtin__.bytearray": Builder(lambda value=b"", *_: value if isinstance(value, bytes) else _bytes(value)),
    "_codecs.encode": Builder(_bytes),
    **{
        f"{module}.{name}": Named(name)
        for module in ("builtins", "__builtin__")
        for name in ("list", "dict", "int", "float")
    },
    "torch._utils._rebuild_tensor": Builder(_tensor),
    "torch._utils._rebuild_tensor_v2": Builder(_tensor),
    "torch._utils._rebuild_tensor_v3": Builder(_tensor_of_dtype),
    "torch._utils._rebuild_parameter": Builder(lambda tensor, *_: tensor),
    "torch._utils._rebuild_parameter_with_state": Builder(lambda tensor, *_: tensor),
    "torch._tensor._rebuild_from_type_v2": Builder(_subclassed),
    "torch.Tensor": Named("Tensor"),
    "torch.nn.parameter.Parameter": Named("Parameter"),
    "torch.Size": Builder(lambda sides=(): tuple(sides)),
    "torch.device": Builder(lambda *words: str(words[0])),
    "torch.jit._pickle.restore_type_tag": Builder(lambda value, *_: value),
    **{
        f"torch.jit._pickle.build_{kind}list": Builder(lambda value, *_: value)
        for kind in ("int", "double", "bool", "tensor")
    },
    "torch.storage.UntypedStorage": Named("UntypedStorage", torch.uint8),
    **{f"torch.{name}Storage": Named(f"{name}Storage", dtype) for name, dtype in _STORAGES.items()},
    **{f"torch.storage.{name}Storage": Named(f"{name}Storage", dtype) for name, dtype in _STORAGES.items()},
    **{str(dtype): Named(str(dtype), dtype) for dtype in _DTYPES},
    # A loss kept as a number of NumPy's: nothing of it is needed.
    **{
        f"{module}.{name}": _OPAQUE
        for module in ("numpy.core.multiarray", "numpy._core.multiarray")
        for name in ("scalar", "_reconstruct")
    },
    **{f"numpy.{name}": _OPAQUE for name in ("dtype", "ndarray")},
    "argparse.Namespace": _OPAQUE,  # how a training was started
}

_PUSHED = frozenset(
    {
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    }
)
_CONSTANTS: Mapping[str, Callable[[], object]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_SET": set,
    "MARK": lambda: _MARK,
}
_STEPS: Mapping[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(("PROTO", "FRAME"), _Machine.skip),
    "POP": _Machine.pop,
    "POP_MARK": _Machine.pop_mark,
    "DUP": _Machine.double,
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _Machine.put),
    "MEMOIZE": _Machine.memoize,
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Machine.get),
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "TUPLE": _Machine.tuple_since_mark,
    "LIST": _Machine.list_since_mark,
    "DICT": _Machine.dict_since_mark,
    "FROZENSET": _Machine.frozenset_since_mark,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.appends,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "ADDITEMS": _Machine.add_items,
    "GLOBAL": _Machine.global_name,
    "STACK_GLOBAL": _Machine.global_on_stack,
    **dict.fromkeys(("REDUCE", "NEWOBJ"), _Machine.call),
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.persistent,
}
