"""Runs ONNX models in our contract (`realtime.models.card`).

A model is opened once, off the frame loop's path, and run for every frame on arrays that stay the caller's: they are
bound, not copied. What is tried to compute it, and in which order, is told in `realtime.models.runtime.providers`; how
ONNX Runtime is asked, in `realtime.models.runtime.ort_session`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.core import isolated_process
from realtime.core.errors import ModelError
from realtime.core.language import _
from realtime.models.card import FREE_DIMENSIONS, ModelCard
from realtime.models.contract import Port, check_array, check_contract
from realtime.models.file_safety import check_safe, read_card, read_header
from realtime.models.runtime import engine_cache, ort_session
from realtime.models.runtime.ort_session import Arrays, DeviceBinding, HostBinding, Runner, empty_array, first_line
from realtime.models.runtime.providers import CPU_PLAN, Provider, ProviderPlan, choose, plans_for, why_unavailable
from realtime.models.stages import stage_of

log = logging.getLogger(__name__)

_OUT_OF_MEMORY = re.compile(
    "failed to allocate|available memory of|out.of.memory|enough memory|alloc_failed|bad_alloc|bad allocation|8007000e",
    re.IGNORECASE,
)
"""How ONNX Runtime's arena, CUDA, cuDNN, DirectML and C++ say it."""
_OTHER_SIZE = re.compile(r"invalid dimensions for output|computed output shape")


@dataclasses.dataclass(frozen=True, slots=True)
class SessionPolicy:
    """What the user and the program ask of every model."""

    provider: str = ""
    """A `Provider` by name; empty: the best that works."""
    threads: int = 0
    """Threads a model may compute on; 0: chosen so that detector and loop keep room
    (`ort_session.thread_count`)."""
    cache: Path | None = None
    """Where compiled engines are kept; None: the user's cache."""


ON_CPU = SessionPolicy(provider="cpu")
"""For trials, whose bounds of memory and time are those of the processor."""


class OnnxModel:
    """An opened model. `run`, `warm` and `close` come from one thread at a time, no matter which; `interrupt` from
    any, at any time.
    """

    path: Path
    card: ModelCard
    provider: str
    """What computes it, for people: `CPU`, `CUDA`. It may change in `run`, when a GPU fails."""
    notes: tuple[str, ...]
    """Why a slower provider was taken, a line each."""
    input_shapes: Mapping[str, tuple[int | str, ...]]
    output_shapes: Mapping[str, tuple[int | str, ...]]
    file_shapes: Mapping[str, tuple[int | str, ...]]
    """The inputs' shapes as they stand in the file, before `dimensions` fixed what is free there."""

    @classmethod
    def open(
        cls,
        path: Path,
        policy: SessionPolicy = SessionPolicy(),
        *,
        dimensions: Mapping[str, int] = MappingProxyType({}),
        stage: Sequence[str] = (),
    ) -> OnnxModel:
        """Open a model that carries a card. Takes some ten milliseconds on the CPU, minutes where an engine is built.

        `dimensions` fixes free dimensions by name (`{"height": 512, "width": 512}`), so that shapes are folded away.
        `stage` names the outputs that are wanted, where only the part that gives them shall be opened; whoever asks
        for it sees that the parts together keep the contract (`open_stages`).
        Raises ModelError, one line, for whatever is wrong with the file and for a provider that was asked for and
        cannot be had, and OptionError for the name of no provider.
        """
        wanted = Provider.parse(policy.provider) if policy.provider else None
        problem = why_unavailable(wanted, ort_session.machine()) if wanted else None
        if problem is not None and wanted is not None:
            raise ModelError(
                _(
                    "{title} cannot be used: {reason}; {next_step}",
                    title=wanted.title,
                    reason=problem.reason,
                    next_step=problem.next_step,
                )
            )
        fixed_sizes = bool(dimensions) or read_card(path).kind not in FREE_DIMENSIONS
        providers, notes = choose(wanted, ort_session.machine(), fixed_sizes=fixed_sizes)
        plans: list[ProviderPlan] = []
        if providers != [Provider.CPU]:
            header = read_header(path)
            check_safe(path, header)
            cache = engine_cache.cache_folder(policy.cache)
            parts = (ort_session.VERSION, *(f"{name}={size}" for name, size in sorted(dimensions.items())), *stage)
            for provider in providers:
                folder = engine_cache.engine_folder(cache, path, header.external_files, (provider.value, *parts))
                plans += plans_for(provider, folder, engine_cache.timing_folder(cache), fixed_sizes=fixed_sizes)
        else:
            plans = [CPU_PLAN]
        must_be = wanted.title if wanted else ""
        return cls(path, plans, policy, dimensions, notes=notes, must_be=must_be, stage=stage)

    def __init__(
        self,
        path: Path,
        plans: Sequence[ProviderPlan],
        policy: SessionPolicy,
        dimensions: Mapping[str, int],
        *,
        notes: Sequence[str] = (),
        must_be: str = "",
        stage: Sequence[str] = (),
    ) -> None:
        """`open` calls this. `plans` are tried in turn, those after the one that works are kept for failures;
        `must_be` is the title of the only one that will do for opening, or empty.
        """
        header = read_header(path)
        self.path, self.card, self.notes = path, ModelCard.read(header.metadata, str(path)), tuple(notes)
        check_safe(path, header)
        self._stage = stage_of(path, stage) if stage else None
        self._policy, self._dimensions, self._plans = policy, dict(dimensions), list(plans)
        self._opset, self.file_shapes = header.opset, header.inputs
        self._runner: Runner | None = None
        self._is_interrupted = False
        self._open_next(must_be)

    def run(self, inputs: Arrays, into: Arrays) -> None:
        """Compute. Reads `inputs` and writes `into`, arrays of the shapes and types of the ports, C-contiguous; both
        are used where they lie and not kept. When a GPU fails or is out of memory, the same run is done by the next
        provider, which takes as long as opening does, and a line is logged. Raises ModelError.
        """
        self._check(inputs, into)
        while True:
            if self._runner is None:
                raise ModelError(_("{path} is closed; open it again", path=self.path))
            try:
                self._runner.run(inputs, into)
                break
            except Exception as error:  # ONNX Runtime raises whatever it likes, RuntimeError mostly
                if self._is_interrupted:
                    raise ModelError(_("{path} was interrupted", path=self.path)) from error
                self._recover(error)
        for name in self._float_outputs:
            if not np.isfinite(into[name]).all():
                raise ModelError(
                    _(
                        "{path} gives values that are no numbers in '{name}'; export or add it again",
                        path=self.path,
                        name=name,
                    )
                )

    def interrupt(self) -> None:
        """End a run that is going on, and every later one, with a ModelError: at its next operator, on any thread."""
        self._is_interrupted = True
        runner = self._runner
        if runner is not None:
            runner.interrupt()

    @property
    def ports(self) -> tuple[Mapping[str, Port], Mapping[str, Port]]:
        """Its inputs and its outputs, by name."""
        return self._inputs, self._outputs

    def warm(self) -> None:
        """Run it twice on an empty picture: the first runs allocate, choose kernels and start threads."""
        inputs = {name: empty_array(port) for name, port in self._inputs.items()}
        into = {name: empty_array(port) for name, port in self._outputs.items()}
        for _unused in range(2):
            self.run(inputs, into)

    def close(self) -> None:
        """Free what it holds; it cannot be run any more. Takes some milliseconds, on any thread."""
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.release()

    def _check(self, inputs: Arrays, into: Arrays) -> None:
        """Raise ModelError where an array does not fit its port; 2 µs."""
        if inputs.keys() != self._inputs.keys() or into.keys() != self._outputs.keys():
            raise ModelError(
                _(
                    "{path} takes {inputs} and gives {outputs}",
                    path=self.path,
                    inputs=list(self._inputs),
                    outputs=list(self._outputs),
                )
            )
        free: dict[str, int] = {}
        for ports, arrays in ((self._inputs, inputs), (self._outputs, into)):
            for name, array in arrays.items():
                problem = check_array(ports[name], array, free)
                if not problem and arrays is into and not array.flags.writeable:
                    problem = _("cannot be written")
                if problem:
                    raise ModelError(
                        _("{path}: the array for '{name}' {problem}", path=self.path, name=name, problem=problem)
                    )

    def _open_next(self, must_be: str = "") -> None:
        """Open by the first plan that works and note why those before it did not."""
        while True:
            plan = self._plans.pop(0)
            try:
                session = self._session(plan)
                runner = self._runner_for(session, plan)
                left = self._left_over(session, plan, may_be_most=must_be == plan.title)
            except ModelError:
                raise
            except Exception as error:  # ONNX Runtime raises whatever it likes
                reason = first_line(error)
                if plan.is_cpu and "opset" in reason:
                    raise ModelError(
                        _(
                            "{path} is written in ONNX opset {opset}, which the installed ONNX Runtime "
                            "{version} does not know; upgrade onnxruntime, or export it with a lower "
                            "opset",
                            path=self.path,
                            opset=self._opset,
                            version=ort_session.VERSION,
                        )
                    ) from error
                if plan.is_cpu:
                    raise ModelError(
                        _("{path} cannot be opened: {reason}; export or add it again", path=self.path, reason=reason)
                    ) from error
                following = self._plans[0].title
                if following == plan.title:  # the same provider asked in a simpler way: nobody need know
                    continue
                if must_be == plan.title:
                    raise ModelError(
                        _(
                            "{path} cannot be run with {title}: {reason}; leave out --provider",
                            path=self.path,
                            title=plan.title,
                            reason=reason,
                        )
                    ) from error
                self.notes = (
                    *self.notes,
                    _(
                        "no {title} for {stem} ({reason}); trying {following}",
                        title=plan.title,
                        stem=self.path.stem,
                        reason=reason,
                        following=following,
                    ),
                )
            else:
                self.provider, self._runner, self.notes = plan.title, runner, (*self.notes, *left)
                return

    def _runner_for(self, session: Any, plan: ProviderPlan) -> Runner:
        self._inputs, self._outputs = ort_session.ports(session.get_inputs()), ort_session.ports(session.get_outputs())
        if self._stage is None:
            check_contract(self.path, self.card, self._inputs, self._outputs)
        self._float_outputs = [port.name for port in self._outputs.values() if port.dtype == "float32"]
        self.input_shapes = {port.name: port.shape for port in self._inputs.values()}
        self.output_shapes = {port.name: port.shape for port in self._outputs.values()}
        if not plan.fixed_buffers_on:
            return HostBinding(session, on_cpu=plan.is_cpu)
        runner = DeviceBinding(session, plan.fixed_buffers_on)
        runner.check_recording(self._inputs.values(), self._outputs.values())
        return runner

    def _left_over(self, session: Any, plan: ProviderPlan, *, may_be_most: bool) -> list[str]:
        """Return a line where a provider leaves work to the CPU. Raises RuntimeError where that is most of it: the
        copies then cost more than the provider gains.
        """
        if plan.is_cpu:
            return []
        left, heavy = ort_session.unassigned_nodes(session, [name for name, _unused in plan.engines])
        if heavy and left * 2 >= heavy and not may_be_most:
            raise RuntimeError(f"it would leave {left} of {heavy} convolutions to the CPU")
        return (
            [
                _(
                    "{title} leaves {left} of {heavy} convolutions of {stem} to the CPU",
                    title=plan.title,
                    left=left,
                    heavy=heavy,
                    stem=self.path.stem,
                )
            ]
            if left
            else []
        )

    def _session(self, plan: ProviderPlan) -> Any:
        """Build a session; a provider's engine that does not load is thrown away and built again."""
        if plan.engine_folder is None:
            return self._bare_session(plan)
        kept = engine_cache.prepare(plan.engine_folder)
        if not kept:
            log.info(_("%s compiles %s for this machine, once: it may take a minute"), plan.title, self.path.stem)
        try:
            session = self._bare_session(plan)
        except Exception:
            if not kept:
                raise
            engine_cache.discard(plan.engine_folder)
            engine_cache.prepare(plan.engine_folder)
            session = self._bare_session(plan)
        engine_cache.finish(plan.engine_folder)
        return session

    def _bare_session(self, plan: ProviderPlan) -> Any:
        options = ort_session.session_options(self._policy.threads)
        options.enable_mem_pattern = plan.memory_pattern
        for key, value in plan.session_entries.items():
            options.add_session_config_entry(key, value)
        for name, size in self._dimensions.items():
            options.add_free_dimension_override_by_name(name, size)
        return ort_session.new_session(self._stage or str(self.path), options, plan.engines)

    def _recover(self, error: Exception) -> None:
        """Go on by the next plan after a failed run, or raise what the user can understand."""
        reason, failed = first_line(error), self.provider
        no_memory = isinstance(error, MemoryError) or bool(_OUT_OF_MEMORY.search(str(error)))
        if no_memory:
            reason = _("out of memory")
            self._plans = [plan for plan in self._plans if plan.is_cpu]  # the others share the memory that is full
        if not self._plans:
            if no_memory:
                raise ModelError(
                    _("{path} needs more memory than there is; choose a smaller size", path=self.path)
                ) from error
            if _OTHER_SIZE.search(str(error)):
                raise ModelError(
                    _("{path} gives another size than it was asked for; add it again", path=self.path)
                ) from error
            raise ModelError(
                _("{path} failed: {reason}; export or add it again", path=self.path, reason=reason)
            ) from error
        self._runner = None  # frees what the failed one holds before the next one is opened
        self._open_next()
        if self.provider != failed:
            note = _(
                "{failed} failed while running ({reason}); {stem} goes on with {provider}",
                failed=failed,
                reason=reason,
                stem=self.path.stem,
                provider=self.provider,
            )
            self.notes = (*self.notes, note)
            log.warning(note)


def open_stages(
    path: Path, stages: Sequence[Sequence[str]], policy: SessionPolicy = SessionPolicy()
) -> list[OnnxModel]:
    """Open a model as several, each of which gives some of its outputs: all of them together.

    Raises ModelError as `OnnxModel.open` does, also where the parts together do not keep the contract.
    """
    if read_header(path).external_files:
        raise ModelError(
            _("{path} keeps its weights in other files; `realtime models add {path}` makes one of them", path=path)
        )
    with contextlib.ExitStack() as unfinished:
        opened = []
        for stage in stages:
            model = OnnxModel.open(path, policy, stage=stage)
            unfinished.callback(model.close)
            opened.append(model)
        inputs, outputs = ({k: v for model in opened for k, v in model.ports[side].items()} for side in (0, 1))
        check_contract(path, opened[0].card, inputs, outputs)
        unfinished.pop_all()
    return opened


class NeedsMemoryError(ModelError):
    """A graph that asks for more memory than there is, or than a trial may take."""


class RawSession:
    """Any graph, in the contract or not, computed on the CPU: for the steps that bring a file into the contract."""

    def __init__(self, graph: bytes, where: str, threads: int = 0) -> None:
        """`graph` is a serialised model with its weights inside; `threads` for one run, 0: as many as there are cores.
        Raises ModelError, which names it as `where`.
        """
        self._where = where
        isolated_process.step()
        try:
            options = ort_session.session_options(threads)
            # An arena keeps what the largest run took, twice that where it grew: 1.1 GB for fast-neural-style of 32
            # channels at 1024x512, where 0.6 are enough; and several graphs are tried at the same time.
            options.enable_cpu_mem_arena = options.enable_mem_pattern = False
            self._session = ort_session.new_session(graph, options, ())
        except Exception as error:  # ONNX Runtime raises whatever it likes, RuntimeError mostly
            if isinstance(error, MemoryError) or _OUT_OF_MEMORY.search(str(error)):
                raise NeedsMemoryError(_("{where} needs far more memory than a picture should", where=where)) from error
            raise ModelError(
                _("{where} cannot be opened: {reason}; export it again", where=where, reason=first_line(error))
            ) from error

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return every output by name, in arrays of its own. Raises ModelError where the graph fails."""
        isolated_process.step()
        names = [node.name for node in self._session.get_outputs()]
        try:
            return dict(zip(names, self._session.run(names, dict(inputs)), strict=True))
        except Exception as error:
            if isinstance(error, MemoryError) or _OUT_OF_MEMORY.search(str(error)):
                raise NeedsMemoryError(
                    _("{where} needs far more memory than a picture should", where=self._where)
                ) from error
            raise ModelError(_("{where} failed: {reason}", where=self._where, reason=first_line(error))) from error
