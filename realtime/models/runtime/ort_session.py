"""ONNX Runtime's sessions: how they are built, fed and understood. The only module that imports ONNX Runtime."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from realtime.core.errors import shown
from realtime.models.card import CODES
from realtime.models.contract import Port
from realtime.models.runtime import nvidia
from realtime.models.runtime.providers import Machine, Provider

VERSION: str = onnxruntime.__version__
Arrays = Mapping[str, NDArray[Any]]

_NOTHING_BUT_FATAL = 4
# ONNX Runtime writes its own warnings and errors to the terminal, in colour and over many lines, also for what is no
# fault (a laptop without a GPU). What matters comes back as an exception and is said in one line of ours.
onnxruntime.set_default_logger_severity(_NOTHING_BUT_FATAL)
# The switch against its reports is in `realtime/__init__.py`. This ends what Windows may ask of it by itself (ETW), and
# what is left where somebody else in the process imported it before us.
onnxruntime.disable_telemetry_events()

_TYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}
_OPEN_PX = 256
"""For free sides, where a size must be made up."""


_HEAVY = re.compile(r"Conv|MatMul|Gemm")
_FOLDING_LIMIT = "optimization.constant_folding_max_output_size_in_bytes"
_MOST_FOLDED_BYTES = 1 << 27
"""What a graph makes of its constants is computed once, while it is opened, and nothing ends that; results larger than
the weights of any layer are left to the runs, which can be interrupted."""
_RECORD_ASSIGNMENT = "session.record_ep_graph_assignment_info"


class Runner(Protocol):
    """Feeds a session."""

    def run(self, inputs: Arrays, into: Arrays) -> None:
        """Compute from `inputs` into the arrays of `into`, all checked before. Raises whatever ONNX Runtime does."""

    def interrupt(self) -> None:
        """Let a run that is going on, and all later ones, end at once. Any thread."""

    def release(self) -> None:
        """Give back the memory that runs have taken, as the last thing that is done with it."""


@functools.cache
def machine() -> Machine:
    """Look, once, at what there is to compute with."""
    names = frozenset(onnxruntime.get_available_providers())
    found = nvidia.Nvidia() if sys.platform == "darwin" else nvidia.look()
    missing, tensorrt = "", False
    if found.gpus and Provider.CUDA.ort_name in names:
        missing = nvidia.preload_cuda(onnxruntime.preload_dlls)
        tensorrt = Provider.TENSORRT.ort_name in names and not missing and nvidia.preload_tensorrt()
    return Machine(names, getattr(onnxruntime, "cuda_version", ""), found, missing, tensorrt)


def thread_count() -> int:
    """Return how many threads a model computes on by default: half of the processor's, at least two where there are
    two, at most eight.

    The other half is the detector's, the camera's, the encoder's and the call's; where a core counts twice
    (hyper-threading) it is also where more threads stop helping.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, max(2, min(cores // 2, 8)))


def _waiting(version: str) -> dict[str, str]:
    """Return how threads wait for their next piece of work: 30 µs awake, then asleep.

    The style network at 512² on two threads of two cores, ms back to back, ms at 30 fps, share of a core at 30 fps:
    always awake (ONNX Runtime's default) 8.6, 9.1, 121 %; always asleep 9.3, 9.9, 53 %; 10 to 100 µs awake 8.6, 9.1,
    50 %. With other programs on both cores, always awake costs twice the processor time and twice the wait.
    """
    if tuple(map(int, version.split(".")[:2])) < (1, 31):  # would pass over the key without a word and stay awake
        return {"session.intra_op.allow_spinning": "0"}
    return {"session.intra_op.allow_spinning": "1", "session.intra_op.spin_duration_us": "30"}


def session_options(threads: int) -> Any:
    """Return ONNX Runtime's options for a session on so many threads of the CPU; 0: as many as `thread_count` says."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _NOTHING_BUT_FATAL
    options.intra_op_num_threads = threads or thread_count()
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.load_model_format", "ONNX")  # a file's ending decides nothing
    options.add_session_config_entry(_RECORD_ASSIGNMENT, "1")
    options.add_session_config_entry(_FOLDING_LIMIT, str(_MOST_FOLDED_BYTES))
    for key, value in _waiting(VERSION).items():
        options.add_session_config_entry(key, value)
    return options


def new_session(model: str | bytes, options: Any, engines: Sequence[tuple[str, Mapping[str, str]]]) -> Any:
    """Return a session computed by the first of `engines`. Raises whatever ONNX Runtime does, and RuntimeError where
    it would have taken another provider without a word.
    """
    # Again: onnxslim, for one, sets another when it is imported.
    onnxruntime.set_default_logger_severity(_NOTHING_BUT_FATAL)
    providers = {name: dict(own) for name, own in engines}
    providers.setdefault(Provider.CPU.ort_name, {})
    # enable_fallback=0: else a failure is printed and the CPU taken. The constructor ignores names it does not know,
    # so it is looked whether this one was understood.
    session = onnxruntime.InferenceSession(model, options, providers=list(providers.items()), enable_fallback=0)
    wanted = engines[0][0] if engines else Provider.CPU.ort_name
    if session.get_providers()[0] != wanted or getattr(session, "_enable_fallback", False):
        raise RuntimeError(f"ONNX Runtime could not start it (it took {session.get_providers()[0]})")
    return session


def unassigned_nodes(session: Any, engines: Iterable[str]) -> tuple[int, int]:
    """Return how many of a model's convolutions and matrix products are not computed by `engines`, and how many there
    are. A provider that does not know an operator leaves it to the CPU, with a copy there and back, and says nothing.
    """
    if not hasattr(session, "get_provider_graph_assignment_info"):  # an ONNX Runtime before 1.31 cannot tell
        return 0, 0
    heavy = [
        part.ep_name
        for part in session.get_provider_graph_assignment_info()
        for node in part.get_nodes()
        if _HEAVY.search(node.op_type)
    ]
    own = set(engines)
    return sum(name not in own for name in heavy), len(heavy)


class HostBinding:
    """Runs on the caller's own arrays, bound anew for each run: 8 µs, and a pool may hand out others every time."""

    def __init__(self, session: Any, *, on_cpu: bool) -> None:
        """`on_cpu`: it computes where the arrays lie and copies them nowhere."""
        self._session, self._binding = session, session.io_binding()
        self._on_cpu = on_cpu
        self._options = onnxruntime.RunOptions()
        self._last: list[tuple[bool, str, Any, tuple[int, ...]]] = []

    def run(self, inputs: Arrays, into: Arrays) -> None:
        self._last = [(True, name, array.dtype, array.shape) for name, array in inputs.items()]
        self._last += [(False, name, array.dtype, array.shape) for name, array in into.items()]
        self._bound(inputs, into)
        self._session.run_with_iobinding(self._binding, self._options)

    def interrupt(self) -> None:
        self._options.terminate = True  # looked at between two operators, and in loops

    def _bound(self, inputs: Arrays, into: Arrays) -> None:
        # By address: then ONNX Runtime holds no reference, and `realtime.imaging.buffers` goes by reference counts.
        for name, array in inputs.items():
            self._binding.bind_input(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
        for name, array in into.items():
            self._binding.bind_output(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)

    def release(self) -> None:
        """Empty the session's arena while other Python threads go on.

        A session's destructor does it too, but under Python's lock: 6 ms for the style network at 1280×720, 100 for
        fast-neural-style of 16 channels, in which no picture is made. A run gives the lock away, and one that is ended
        before its first operator empties the arena all the same; 1 to 2 ms are left then.
        """
        if not self._on_cpu:  # arrays of earlier runs, which may be gone, would be copied to the device
            return
        # Arrays of its own: those of earlier runs may be gone.
        inputs = {name: np.zeros(shape, dtype) for is_input, name, dtype, shape in self._last if is_input}
        into = {name: np.zeros(shape, dtype) for is_input, name, dtype, shape in self._last if not is_input}
        self._bound(inputs, into)
        options = onnxruntime.RunOptions()
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        options.terminate = True
        with contextlib.suppress(Exception):  # "exiting due to terminate flag", whatever class that is in
            self._session.run_with_iobinding(self._binding, options)


class DeviceBinding:
    """Runs on buffers that stay on the device, as a recorded CUDA graph must: it is played again on the very addresses
    it was recorded with, so pictures are brought there and fetched by hand.
    """

    def __init__(self, session: Any, device: str) -> None:
        self._session, self._binding, self._device = session, session.io_binding(), device
        self._values: dict[str, Any] = {}
        self._recorded, self._unrecorded = onnxruntime.RunOptions(), onnxruntime.RunOptions()
        self._unrecorded.add_run_config_entry("gpu_graph_id", "-1")

    def run(self, inputs: Arrays, into: Arrays, *, recorded: bool = True) -> None:
        for name, array in inputs.items():
            if name not in self._values:
                self._binding.bind_ortvalue_input(name, self._new_value(name, array))
            self._values[name].update_inplace(array)
        for name, array in into.items():
            if name not in self._values:
                self._binding.bind_ortvalue_output(name, self._new_value(name, array))
        self._session.run_with_iobinding(self._binding, self._recorded if recorded else self._unrecorded)
        for name, array in into.items():
            np.copyto(array, self._values[name].numpy())

    def interrupt(self) -> None:
        self._recorded.terminate = self._unrecorded.terminate = True

    def release(self) -> None:
        """Nothing: a device's memory is given back where the session ends."""

    def check_recording(self, inputs: Iterable[Port], outputs: Iterable[Port]) -> None:
        """Compare what is played from the recording with the same runs done without it, on two different pictures:
        a recording that reads or writes anywhere else shows the first picture for ever. Raises RuntimeError.
        """
        random = np.random.default_rng(0)
        played = {port.name: empty_array(port) for port in outputs}
        computed = {name: array.copy() for name, array in played.items()}
        for _ in range(2):
            picture = {port.name: _random_array(port, random) for port in inputs}
            self.run(picture, computed, recorded=False)
            self.run(picture, played)
            for name, array in played.items():
                if not np.allclose(array, computed[name].astype(np.float64), rtol=0.02, atol=2):
                    raise RuntimeError(f"its recorded graph gives other values in '{name}'")

    def _new_value(self, name: str, array: NDArray[Any]) -> Any:
        shape, dtype = list(array.shape), array.dtype.type
        value = onnxruntime.OrtValue.ortvalue_from_shape_and_type(shape, dtype, self._device, 0)
        self._values[name] = value
        return value


def ports(nodes: Iterable[Any]) -> dict[str, Port]:
    """Return a session's inputs or outputs by name."""
    return {node.name: _port(node) for node in nodes}


def _port(node: Any) -> Port:
    shape = tuple(side if isinstance(side, int) else str(side) for side in node.shape)
    return Port(node.name, _TYPES.get(node.type, node.type), shape)


def empty_array(port: Port) -> NDArray[Any]:
    """Return zeros of a port's shape and type; where a dimension is free, of one code or of a usual picture."""
    sides = (side if isinstance(side, int) else 1 if side == CODES else _OPEN_PX for side in port.shape)
    return np.zeros(tuple(sides), port.dtype)


def _random_array(port: Port, random: np.random.Generator) -> NDArray[Any]:
    """Return what a network may be given: any bytes, or codes as they lie about 0. Of a code of 200 an encoder never
    gives, a decoder makes numbers without bounds.
    """
    shape = empty_array(port).shape
    if port.dtype == "uint8":
        return random.integers(0, 256, shape, np.uint8)
    return random.standard_normal(shape).astype(port.dtype)


def first_line(error: Exception) -> str:
    """Return what ONNX Runtime says without its codes, source files and further lines, fit to be shown."""
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    text = re.sub(r"\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ", "", text)
    text = re.sub(r"^Load model from .*? failed:", "", text)
    text = re.sub(r"^Error in execution: ", "", text)
    text = re.sub(
        r"Non-zero status code returned while running (\w+) node\. Name:'.*?' Status Message: ", r"\1: ", text
    )
    text = re.sub(r"/\S+?\.(cc|h|cpp):\d+ [^)]*\)\s*", "", text).strip().rstrip(".")
    # It quotes names out of the file.
    return shown(text, 200) if len(text) <= 200 else f"{shown(text, 199)}…"
