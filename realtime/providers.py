"""What can compute a model: the ways in order of speed, what each needs, and how each is asked for.

Nothing here imports ONNX Runtime; `realtime.onnx_model` opens what is planned here.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping

from realtime.errors import OptionError, nearest


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
            raise OptionError(f"no provider '{text}'{nearest(word, names)}; there are: {', '.join(names)}")
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
_HOW_TO_GET = {
    Provider.TENSORRT: "`pip install tensorrt-cu{cuda}` brings it",
    Provider.CUDA: "`pip install onnxruntime-gpu[cuda,cudnn]` brings its libraries",
    Provider.COREML: "it is part of onnxruntime on macOS only",
    Provider.DIRECTML: "on Windows, `pip uninstall onnxruntime-gpu` and `pip install onnxruntime-directml` bring it",
    Provider.OPENVINO: "`pip uninstall onnxruntime-gpu` and `pip install onnxruntime-openvino` bring it",
    Provider.CPU: "install onnxruntime again",
}


@dataclasses.dataclass(frozen=True, slots=True)
class ProviderPlan:
    """One way to open a model."""

    title: str
    """What is shown: `CUDA`."""
    engines: tuple[tuple[str, Mapping[str, str]], ...]
    """ONNX Runtime's names with their options, the one wanted first, those it may lean on after it."""
    session_entries: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Session configuration, as in onnxruntime_session_options_config_keys.h."""
    memory_pattern: bool = True
    is_cpu: bool = False


CPU_PLAN = ProviderPlan(Provider.CPU.title, (), is_cpu=True)
"""The way that always works."""
