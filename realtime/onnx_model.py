"""Runs ONNX models. The only module that imports ONNX Runtime.

A model is opened once, off the frame loop's path, and run for every frame on arrays that stay the caller's: they are
bound, not copied.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from realtime.errors import ModelError
from realtime.model_card import ModelCard
from realtime.model_contract import Port, check_array, check_contract
from realtime.model_file import check_safe, read_outline
from realtime.providers import CPU_PLAN, Provider, ProviderPlan

_log = logging.getLogger(__name__)

_NOTHING_BUT_FATAL = 4
# ONNX Runtime writes its own warnings and errors to the terminal, in colour and over many lines, also for what is no
# fault (a laptop without a GPU). What matters comes back as an exception and is said in one line of ours.
onnxruntime.set_default_logger_severity(_NOTHING_BUT_FATAL)
onnxruntime.disable_telemetry_events()

_TYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}
_WARMING_PX = 256


@dataclasses.dataclass(frozen=True, slots=True)
class SessionPolicy:
    """What the user and the program wish of every model."""

    provider: str = ""
    """A `Provider` by name; empty: the best that works."""
    threads: int = 0
    """Threads a model may compute on; 0: chosen so that detector and loop keep room."""
    cache: Path | None = None
    """Where compiled engines are kept; None: the user's cache."""


class OnnxModel:
    """An opened model. `run`, `warm` and `close` come from one thread at a time; which thread does not matter."""

    path: Path
    card: ModelCard
    provider: str
    """What computes it, for people: `CPU`, `CUDA`."""
    notes: tuple[str, ...]
    """Why a slower provider was taken, a line each."""
    input_shapes: Mapping[str, tuple[int | str, ...]]
    output_shapes: Mapping[str, tuple[int | str, ...]]

    @classmethod
    def open(
        cls,
        path: Path,
        policy: SessionPolicy = SessionPolicy(),
        *,
        dimensions: Mapping[str, int] = MappingProxyType({}),
    ) -> OnnxModel:
        """Open a model that carries a card. Takes some ten milliseconds on the CPU, minutes where an engine is built.

        `dimensions` fixes free dimensions by name (`{"height": 512, "width": 512}`), so that shapes are folded away.
        Raises ModelError, one line, for whatever is wrong with the file, and OptionError for an unknown provider.
        """
        if policy.provider:
            Provider.parse(policy.provider)
        return cls(path, [CPU_PLAN], policy, dimensions)

    def __init__(
        self, path: Path, plans: Sequence[ProviderPlan], policy: SessionPolicy, dimensions: Mapping[str, int]
    ) -> None:
        """`open` calls this. `plans` are tried in turn; those after the one that works are kept for failures."""
        outline = read_outline(path)
        self.path, self.card, self.notes = path, ModelCard.read(outline.metadata, str(path)), ()
        check_safe(path, outline)
        self._policy, self._dimensions = policy, dict(dimensions)
        self._plans = list(plans)
        self._open_first()

    def run(self, inputs: Mapping[str, NDArray[Any]], into: Mapping[str, NDArray[Any]]) -> None:
        """Compute. Reads `inputs` and writes `into`, arrays of the shapes and types of the ports, C-contiguous; both
        are used where they lie and not kept. Raises ModelError.
        """
        self._bind(inputs, into)
        try:
            self._session.run_with_iobinding(self._binding)
        except Exception as error:  # ONNX Runtime raises whatever it likes, RuntimeError mostly
            self._recover(error)
            self.run(inputs, into)
            return
        for name in self._float_outputs:
            if not np.isfinite(into[name]).all():
                raise ModelError(f"{self.path} gives values that are no numbers in '{name}'; export it again")

    def warm(self) -> None:
        """Run it twice on an empty picture: the first runs allocate, choose kernels and start threads."""
        inputs = {name: _empty(port) for name, port in self._inputs.items()}
        into = {name: _empty(port) for name, port in self._outputs.items()}
        for _ in range(2):
            self.run(inputs, into)

    def close(self) -> None:
        """Free what it holds; it cannot be run any more."""
        del self._binding, self._session

    def _bind(self, inputs: Mapping[str, NDArray[Any]], into: Mapping[str, NDArray[Any]]) -> None:
        """Bind the very arrays, anew for each run: 8 µs, and a pool may hand out other buffers every time.

        By address, so that ONNX Runtime holds no reference: `realtime.buffers` goes by reference counts.
        """
        if inputs.keys() != self._inputs.keys() or into.keys() != self._outputs.keys():
            raise ModelError(f"{self.path} takes {list(self._inputs)} and gives {list(self._outputs)}")
        free: dict[str, int] = {}
        for ports, arrays in ((self._inputs, inputs), (self._outputs, into)):
            for name, array in arrays.items():
                if problem := check_array(ports[name], array, free):
                    raise ModelError(f"{self.path}: the array for '{name}' {problem}")
                where = (name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
                if ports is self._inputs:
                    self._binding.bind_input(*where)
                elif array.flags.writeable:
                    self._binding.bind_output(*where)
                else:
                    raise ModelError(f"{self.path}: the array for '{name}' cannot be written")

    def _open_first(self) -> None:
        """Open the first of the plans that works."""
        plan = self._plans.pop(0)
        session = self._session_for(plan)
        self._inputs = {node.name: _port(node) for node in session.get_inputs()}
        self._outputs = {node.name: _port(node) for node in session.get_outputs()}
        check_contract(self.path, self.card, self._inputs, self._outputs)
        self._float_outputs = [port.name for port in self._outputs.values() if port.dtype == "float32"]
        self.input_shapes = {port.name: port.shape for port in self._inputs.values()}
        self.output_shapes = {port.name: port.shape for port in self._outputs.values()}
        self.provider, self._plan = plan.title, plan
        self._session, self._binding = session, session.io_binding()

    def _session_for(self, plan: ProviderPlan) -> Any:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _NOTHING_BUT_FATAL
        options.intra_op_num_threads = self._policy.threads or _thread_count()
        options.inter_op_num_threads = 1
        options.enable_mem_pattern = plan.memory_pattern
        for key, value in plan.session_entries.items():
            options.add_session_config_entry(key, value)
        for name, size in self._dimensions.items():
            options.add_free_dimension_override_by_name(name, size)
        engines = [*plan.engines, (Provider.CPU.ort_name, {})]
        try:
            return onnxruntime.InferenceSession(str(self.path), options, providers=engines)
        except Exception as error:
            raise ModelError(f"{self.path} cannot be opened: {_in_short(error)}; export or add it again") from error

    def _recover(self, error: Exception) -> None:
        """Go on by the next plan after a failed run, or raise what the user can understand."""
        reason = _in_short(error)
        if not self._plans:
            raise ModelError(f"{self.path} failed: {reason}") from error
        failed = self.provider
        self._open_first()
        note = f"{failed} failed while running ({reason}); {self.path.stem} goes on with {self.provider}"
        self.notes = (*self.notes, note)
        _log.warning(note)


def _port(node: Any) -> Port:
    shape = tuple(side if isinstance(side, int) else str(side) for side in node.shape)
    return Port(node.name, _TYPES.get(node.type, node.type), shape)


def _empty(port: Port) -> NDArray[Any]:
    return np.zeros([side if isinstance(side, int) else _WARMING_PX for side in port.shape], port.dtype)


def _thread_count() -> int:
    return max(1, min(os.cpu_count() or 1, 8))


def _in_short(error: Exception) -> str:
    """Return what ONNX Runtime says without its codes, source files and further lines."""
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    text = re.sub(r"\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ", "", text)
    text = re.sub(r"/\S+?\.(cc|h|cpp):\d+ [^)]*\)\s*", "", text)
    return text if len(text) <= 200 else f"{text[:199]}…"


class AnyGraph:
    """Any graph, in the contract or not, computed on the CPU: for the steps that bring a file into the contract."""

    def __init__(self, graph: bytes, where: str) -> None:
        """`graph` is a serialised model with its weights inside. Raises ModelError, which names it as `where`."""
        self._where = where
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _NOTHING_BUT_FATAL
        options.intra_op_num_threads = _thread_count()
        options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=[Provider.CPU.ort_name])
        except Exception as error:  # ONNX Runtime raises whatever it likes, RuntimeError mostly
            raise ModelError(f"{where} cannot be opened: {_in_short(error)}; export it again") from error

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return every output by name, in arrays of its own. Raises ModelError where the graph fails."""
        names = [node.name for node in self._session.get_outputs()]
        try:
            return dict(zip(names, self._session.run(names, dict(inputs)), strict=True))
        except Exception as error:
            raise ModelError(f"{self._where} failed: {_in_short(error)}") from error
