"""What can compute a model: the ways in order of speed, what each needs, and how each is asked for.

Nothing here imports ONNX Runtime; `realtime.models.runtime.onnx_model` opens what is planned here.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from pathlib import Path

from realtime.core.errors import OptionError, nearest
from realtime.core.language import N_, _
from realtime.models.runtime.nvidia import Nvidia


class Provider(enum.Enum):
    """What computes, by the name it has on the command line; in the order in which they are tried."""

    TENSORRT = "tensorrt"
    CUDA = "cuda"
    COREML = "coreml"
    DIRECTML = "directml"
    OPENVINO = "openvino"
    CPU = "cpu"

    @property
    def title(self) -> str:
        """For people: `TensorRT`."""
        return _TITLES[self]

    @property
    def ort_name(self) -> str:
        """The name ONNX Runtime gives it."""
        return _ORT_NAMES[self]

    @classmethod
    def parse(cls, text: str) -> Provider:
        """Read a name as the user writes it. Raises OptionError."""
        names = [provider.value for provider in cls]
        word = text.strip().lower()
        if word not in names:
            raise OptionError(
                _(
                    "no provider '{text}'{hint}; there are: {names}",
                    text=text,
                    hint=nearest(word, names),
                    names=", ".join(names),
                )
            )
        return cls(word)


_TITLES = {
    Provider.TENSORRT: "TensorRT",
    Provider.CUDA: "CUDA",
    Provider.COREML: "CoreML",
    Provider.DIRECTML: "DirectML",
    Provider.OPENVINO: "OpenVINO",
    Provider.CPU: "CPU",
}
_ORT_NAMES = {
    Provider.TENSORRT: "TensorrtExecutionProvider",
    Provider.CUDA: "CUDAExecutionProvider",
    Provider.COREML: "CoreMLExecutionProvider",
    Provider.DIRECTML: "DmlExecutionProvider",
    Provider.OPENVINO: "OpenVINOExecutionProvider",
    Provider.CPU: "CPUExecutionProvider",
}


@dataclasses.dataclass(frozen=True, slots=True)
class ProviderPlan:
    """One way to open a model."""

    title: str
    """What is shown: `CUDA`."""
    engines: tuple[tuple[str, Mapping[str, str]], ...] = ()
    """ONNX Runtime's names with their options, the one wanted first, those it may lean on after it; the CPU is
    always there last."""
    session_entries: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Session configuration, as in onnxruntime_session_options_config_keys.h."""
    memory_pattern: bool = True
    fixed_buffers_on: str = ""
    """The device that inputs and outputs must stay on at fixed addresses (`cuda`), because a recorded graph of calls
    is played again and again; empty: they are bound where the caller has them."""
    engine_folder: Path | None = None
    """Where the provider keeps what it compiled for this very model."""

    @property
    def is_cpu(self) -> bool:
        return not self.engines


CPU_PLAN = ProviderPlan(Provider.CPU.title)
"""The way that always works."""


@dataclasses.dataclass(frozen=True, slots=True)
class Machine:
    """What there is to compute with."""

    ort_names: frozenset[str]
    """The providers this build of ONNX Runtime has."""
    cuda_version: str = ""
    """The CUDA it was built for: `13.0`."""
    nvidia: Nvidia = Nvidia()
    missing_cuda: str = ""
    """CUDA libraries that could not be loaded, looked for only where an NVIDIA GPU is."""
    tensorrt: bool = False
    """TensorRT's libraries are there, looked for only where an NVIDIA GPU is."""


@dataclasses.dataclass(frozen=True, slots=True)
class Unavailability:
    """Why a provider cannot be used."""

    reason: str
    next_step: str
    half_there: bool = False
    """The machine has the hardware for it: worth a line even where nobody asked for this provider."""


def why_unavailable(provider: Provider, machine: Machine) -> Unavailability | None:
    """Say what keeps a provider from being used, or None where it may be tried."""
    if provider is Provider.CPU:
        return None
    needs_nvidia = provider in (Provider.TENSORRT, Provider.CUDA)
    gpu, cuda = machine.nvidia, machine.cuda_version
    wanted = provider is Provider.CUDA  # one line is enough for a GPU, and TensorRT is an extra
    if needs_nvidia and gpu.driver_fault:
        return Unavailability(
            _("the NVIDIA driver does not work (CUDA error {driver_fault})", driver_fault=gpu.driver_fault),
            _("restart, or install the driver again"),
            half_there=wanted,
        )
    if needs_nvidia and not gpu.gpus:
        return Unavailability(_("no NVIDIA GPU is found"), _("leave --provider out, or install NVIDIA's driver"))
    if provider.ort_name not in machine.ort_names:
        half_there = wanted and bool(gpu.gpus)
        return Unavailability(
            _("the installed ONNX Runtime was built without it"), _(_BUILT_WITH[provider]), half_there=half_there
        )
    if needs_nvidia and gpu.driver_cuda[0] < int(cuda.partition(".")[0] or 0):
        have = ".".join(map(str, gpu.driver_cuda))
        return Unavailability(
            _("the NVIDIA driver offers CUDA {have}, not {cuda}", have=have, cuda=cuda),
            _("update the driver"),
            half_there=wanted,
        )
    if needs_nvidia and machine.missing_cuda:
        return Unavailability(
            _("CUDA's libraries are missing ({missing_cuda})", missing_cuda=machine.missing_cuda),
            _("`pip install 'onnxruntime-gpu[cuda,cudnn]'` brings them"),
            half_there=wanted,
        )
    if provider is Provider.TENSORRT and not machine.tensorrt:
        return Unavailability(
            _("TensorRT 10 is not installed"),
            _("`pip install 'tensorrt-cu{cuda}<11'` brings it, or use --provider cuda", cuda=cuda.partition(".")[0]),
        )
    return None


def choose(wanted: Provider | None, machine: Machine, *, fixed_sizes: bool) -> tuple[list[Provider], list[str]]:
    """Return the providers to try, the CPU last, and why those that should have worked are not among them.

    Without `fixed_sizes` TensorRT is left out of the automatic choice: it would build an engine, which takes a minute,
    for every new size.
    """
    if wanted is not None:
        return [wanted] if wanted is Provider.CPU else [wanted, Provider.CPU], []
    chosen, notes = [], []
    for provider in Provider:
        problem = why_unavailable(provider, machine)
        if problem is None and (fixed_sizes or provider is not Provider.TENSORRT):
            chosen.append(provider)
        elif problem is not None and problem.half_there:
            notes.append(
                _(
                    "no {title}: {reason}; {next_step}",
                    title=provider.title,
                    reason=problem.reason,
                    next_step=problem.next_step,
                )
            )
    return chosen, notes


def plans_for(provider: Provider, folder: Path, timing: Path, *, fixed_sizes: bool) -> list[ProviderPlan]:
    """Return the ways to ask ONNX Runtime for a provider, the quickest first.

    `folder` is the model's own for compiled engines, `timing` one that all models share. The names of options are
    those in the provider libraries of ONNX Runtime 1.31; an unknown one makes a provider fail to open.
    """
    name, title, sizes = provider.ort_name, provider.title, "1" if fixed_sizes else "0"
    if provider is Provider.CPU:
        return [CPU_PLAN]
    if provider is Provider.TENSORRT:
        options = {
            "trt_engine_cache_enable": "1",
            "trt_engine_cache_path": str(folder),
            "trt_timing_cache_enable": "1",
            "trt_timing_cache_path": str(timing),
        }
        # What TensorRT does not take (our uint8 ends, in some versions) stays on the GPU through CUDA.
        engines = ((name, options), (Provider.CUDA.ort_name, _cuda_options(fixed_sizes=True)))
        return [ProviderPlan(title, engines, engine_folder=folder)]
    if provider is Provider.CUDA:
        plain = ProviderPlan(title, ((name, _cuda_options(fixed_sizes=fixed_sizes)),))
        if not fixed_sizes:
            return [plain]
        # A small network is a hundred short kernels: launching them one by one costs more than running them. With
        # fixed sizes they are recorded once as a CUDA graph; a model with parts on the
        # CPU refuses that and opens plain.
        recorded = ((name, {**_cuda_options(fixed_sizes=True), "enable_cuda_graph": "1"}),)
        return [ProviderPlan(title, recorded, fixed_buffers_on="cuda"), plain]
    if provider is Provider.COREML:
        options = {
            "ModelFormat": "MLProgram",
            "MLComputeUnits": "ALL",
            "RequireStaticInputShapes": sizes,
            "ModelCacheDirectory": str(folder),
        }
        return [ProviderPlan(title, ((name, options),), engine_folder=folder)]
    if provider is Provider.DIRECTML:
        # Memory patterns are what DirectML cannot do, says its documentation.
        return [ProviderPlan(title, ((name, {"device_id": "0"}),), memory_pattern=False)]
    options = {"device_type": "AUTO:GPU,CPU", "cache_dir": str(folder)}
    return [ProviderPlan(title, ((name, options),), engine_folder=folder)]


def _cuda_options(*, fixed_sizes: bool) -> dict[str, str]:
    return {
        "device_id": "0",
        # The exhaustive search tries every algorithm at a convolution's first run: well spent while warming up, a
        # stutter for every new size.
        "cudnn_conv_algo_search": "EXHAUSTIVE" if fixed_sizes else "HEURISTIC",
        "use_tf32": "1",  # ten bits of mantissa are plenty for pictures of eight
        "arena_extend_strategy": "kSameAsRequested",  # other programs share the GPU's memory: the call, OBS
    }


_BUILT_WITH = {
    Provider.TENSORRT: N_("install the GPU build: `pip uninstall onnxruntime` and `pip install onnxruntime-gpu`"),
    Provider.CUDA: N_("install the GPU build: `pip uninstall onnxruntime` and `pip install onnxruntime-gpu`"),
    Provider.COREML: N_("CoreML is part of ONNX Runtime on macOS only"),
    Provider.DIRECTML: N_("on Windows: `pip uninstall onnxruntime-gpu` and `pip install onnxruntime-directml`"),
    Provider.OPENVINO: N_("`pip uninstall onnxruntime-gpu` and `pip install onnxruntime-openvino`"),
}
