"""Which provider is tried on which machine, and what is said where one is half there."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnxruntime
import pytest

from realtime.core.errors import OptionError
from realtime.models.runtime import nvidia
from realtime.models.runtime.nvidia import Nvidia
from realtime.models.runtime.providers import Machine, Provider, Unavailability, choose, plans_for, why_unavailable

GPU_BUILD = frozenset({"TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"})
GPU = Nvidia(1, (13, 0))
WORKING = Machine(GPU_BUILD, "13.0", GPU)
WITH_TENSORRT = Machine(GPU_BUILD, "13.0", GPU, tensorrt=True)
LAPTOP = Machine(GPU_BUILD, "13.0")
MAC = Machine(frozenset({"CoreMLExecutionProvider", "CPUExecutionProvider"}))


@pytest.mark.parametrize(
    ("machine", "fixed_sizes", "tried"),
    [
        (LAPTOP, True, "cpu"),
        (WORKING, True, "cuda cpu"),
        (WITH_TENSORRT, True, "tensorrt cuda cpu"),
        (WITH_TENSORRT, False, "cuda cpu"),
        (MAC, True, "coreml cpu"),
        (Machine(frozenset({"DmlExecutionProvider"})), True, "directml cpu"),
        (Machine(frozenset({"OpenVINOExecutionProvider"})), True, "openvino cpu"),
    ],
)
def test_the_quickest_that_can_work_comes_first_and_nothing_is_said(
    machine: Machine, fixed_sizes: bool, tried: str
) -> None:
    assert choose(None, machine, fixed_sizes=fixed_sizes) == ([Provider(name) for name in tried.split()], [])


HALF_THERE = [
    (Machine(GPU_BUILD, "13.0", Nvidia(driver_fault=803)), "the NVIDIA driver does not work (CUDA error 803); restart"),
    (Machine(GPU_BUILD, "13.0", Nvidia(1, (12, 8))), "the NVIDIA driver offers CUDA 12.8, not 13.0; update the driver"),
    (Machine(GPU_BUILD, "13.0", GPU, "libcudnn.so.9"), "CUDA's libraries are missing (libcudnn.so.9); `pip install"),
    (Machine(frozenset({"CPUExecutionProvider"}), "", GPU), "the installed ONNX Runtime was built without it; install"),
]


@pytest.mark.parametrize(("machine", "says"), HALF_THERE)
def test_what_is_half_there_is_one_line(machine: Machine, says: str) -> None:
    tried, notes = choose(None, machine, fixed_sizes=True)
    assert tried == [Provider.CPU]
    assert [note.startswith(f"no CUDA: {says}") for note in notes] == [True]
    problem = why_unavailable(Provider.CUDA, machine)
    assert problem is not None
    assert problem.half_there


def test_a_provider_somebody_asked_for_is_not_replaced() -> None:
    assert choose(Provider.CUDA, WITH_TENSORRT, fixed_sizes=True) == ([Provider.CUDA, Provider.CPU], [])
    assert choose(Provider.TENSORRT, WITH_TENSORRT, fixed_sizes=False) == ([Provider.TENSORRT, Provider.CPU], [])
    assert choose(Provider.CPU, WITH_TENSORRT, fixed_sizes=True) == ([Provider.CPU], [])
    missing = why_unavailable(Provider.TENSORRT, WORKING)
    assert missing == Unavailability(
        "TensorRT 10 is not installed", "`pip install 'tensorrt-cu13<11'` brings it, or use --provider cuda"
    )


def test_names_are_guessed() -> None:
    assert Provider.parse(" CUDA ") is Provider.CUDA
    with pytest.raises(OptionError, match="did you mean 'openvino'"):
        Provider.parse("open-vino")


class TestPlans:
    def test_the_options_are_those_the_libraries_read(self, tmp_path: Path) -> None:
        """ONNX Runtime's provider libraries hold the names of their options; an unknown one would close the way."""
        asked: dict[str, set[str]] = {}
        for provider in (Provider.CUDA, Provider.TENSORRT):
            for fixed_sizes in (False, True):
                for plan in plans_for(provider, tmp_path / "x", tmp_path / "t", fixed_sizes=fixed_sizes):
                    for engine, options in plan.engines:
                        asked.setdefault(engine, set()).update(options)
        assert asked.keys() == {Provider.CUDA.ort_name, Provider.TENSORRT.ort_name}
        for engine, names in asked.items():
            name = "cuda" if engine == Provider.CUDA.ort_name else "tensorrt"
            library = next((Path(onnxruntime.__file__).parent / "capi").glob(f"*onnxruntime_providers_{name}.*"), None)
            if library is None:
                pytest.skip("this build of ONNX Runtime has no GPU providers")
            with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                assert [option for option in names if content.find(option.encode() + b"\0") < 0] == []

    def test_with_fixed_sizes_cuda_is_tried_recorded_first(self, tmp_path: Path) -> None:
        recorded, plain = plans_for(Provider.CUDA, tmp_path, tmp_path, fixed_sizes=True)
        assert recorded.fixed_buffers_on == "cuda"
        assert dict(recorded.engines[0][1])["enable_cuda_graph"] == "1"
        assert not plain.fixed_buffers_on
        assert "enable_cuda_graph" not in plain.engines[0][1]
        assert recorded.title == plain.title == "CUDA"
        (only,) = plans_for(Provider.CUDA, tmp_path, tmp_path, fixed_sizes=False)
        assert only.engines[0][1]["cudnn_conv_algo_search"] == "HEURISTIC"

    @pytest.mark.parametrize("provider", list(Provider))
    def test_every_provider_has_a_plan(self, tmp_path: Path, provider: Provider) -> None:
        for plan in plans_for(provider, tmp_path / "engine", tmp_path / "timing", fixed_sizes=True):
            assert plan.is_cpu == (provider is Provider.CPU)
            if not plan.is_cpu:
                assert plan.engines[0][0] == provider.ort_name
            kept = [value for _, options in plan.engines for value in options.values() if str(tmp_path) in value]
            assert bool(kept) == (plan.engine_folder is not None)


def driver(count: int = 1, version: int = 13000, *, init: int = 0, fault: int = 0) -> tuple[Callable[..., int], ...]:
    """A driver's three entry points, as C would have them."""
    into = ctypes.POINTER(ctypes.c_int)
    kind, one = ctypes.CFUNCTYPE(ctypes.c_int, into), ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint)

    def give(value: int) -> Any:
        def call(place: Any) -> int:
            place[0] = value
            return fault

        return kind(call)

    return one(lambda flags: init), give(count), give(version)


class TestDriver:
    def test_a_gpu(self) -> None:
        assert nvidia.ask(*driver(2, 12080)) == Nvidia(2, (12, 8))

    def test_a_driver_without_a_gpu_is_no_fault(self) -> None:
        for code in (3, 34, 100):
            assert nvidia.ask(*driver(init=code)) == Nvidia()

    def test_a_driver_that_does_not_work(self) -> None:
        assert nvidia.ask(*driver(init=803)) == Nvidia(driver_fault=803)
        assert nvidia.ask(*driver(fault=999)) == Nvidia(driver_fault=999)

    def test_missing_libraries_are_named_and_not_printed(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Real words of `onnxruntime.preload_dlls`, for files and for names."""

        def preload() -> None:
            print("Failed to load /opt/my python/nvidia/cu13/lib/libcublas.so.13: libcublasLt.so.13: cannot open")
            print("Failed to load libcublas.so.13: libcublas.so.13: cannot open shared object file: No such file")
            print("Failed to load libcurand.so.10: libcurand.so.10: cannot open shared object file: No such file")
            print("Please follow https://onnxruntime.ai/docs/install/#cuda-and-cudnn to install CUDA.")

        assert nvidia.preload_cuda(preload) == "libcublas.so.13, libcurand.so.10"
        assert nvidia.preload_cuda(lambda: None) == ""
        assert capsys.readouterr().out == ""

    def test_onnx_runtime_still_says_it_like_this(self) -> None:
        if nvidia.look().gpus or not getattr(onnxruntime, "cuda_version", ""):
            pytest.skip("CUDA may be complete here, or this build has none")
        import ctypes.util

        if ctypes.util.find_library("cublas"):
            pytest.skip("CUDA is installed here")
        assert "cublas" in nvidia.preload_cuda(onnxruntime.preload_dlls)

    def test_tensorrt_is_not_believed_without_its_library(self) -> None:
        import ctypes.util

        if ctypes.util.find_library("nvinfer"):
            pytest.skip("TensorRT is installed here")
        assert not nvidia.preload_tensorrt()
