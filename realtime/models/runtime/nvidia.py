"""Whether an NVIDIA GPU is here and what its libraries lack, asked of the driver itself.

ONNX Runtime's GPU build is what everybody gets on Linux and Windows, with a GPU or without. So that a laptop without
one hears nothing of it, and a machine where something is half there hears what is missing, this is looked at before
ONNX Runtime is asked (which would only write to the terminal that it failed).
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import functools
import importlib.util
import io
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

# CUresult, from cuda.h: "no device is there" in all its forms, which is no fault.
_NO_DEVICE = frozenset({3, 34, 100})  # NOT_INITIALIZED (no kernel module), STUB_LIBRARY (containers), NO_DEVICE


@dataclasses.dataclass(frozen=True, slots=True)
class Nvidia:
    """What the driver said."""

    gpus: int = 0
    driver_cuda: tuple[int, int] = (0, 0)
    """The newest CUDA the driver runs: (13, 0)."""
    driver_fault: int = 0
    """A CUresult other than 'no device': a driver is installed and does not work."""


@functools.cache
def look() -> Nvidia:
    """Ask the driver, once a run. Without a driver this takes a failed library load."""
    library = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(library)
    except OSError:
        return Nvidia()
    return ask(driver.cuInit, driver.cuDeviceGetCount, driver.cuDriverGetVersion)


def ask(init: Callable[..., int], count_devices: Callable[..., int], driver_version: Callable[..., int]) -> Nvidia:
    """Put the driver's three answers together; each call returns a CUresult, as in cuda.h."""
    fault = init(0)
    if fault:
        return Nvidia(driver_fault=0 if fault in _NO_DEVICE else fault)
    count, version = ctypes.c_int(0), ctypes.c_int(0)
    fault = count_devices(ctypes.byref(count)) or driver_version(ctypes.byref(version))
    if fault:
        return Nvidia(driver_fault=0 if fault in _NO_DEVICE else fault)
    return Nvidia(count.value, (version.value // 1000, version.value % 1000 // 10))


def preload_cuda(preload_dlls: Callable[[], None]) -> str:
    """Load CUDA's and cuDNN's libraries from their Python packages by `onnxruntime.preload_dlls`; return the names of
    those that are missing, or an empty string.
    """
    printed = io.StringIO()
    # It prints what it does not find. Called only where a GPU is, and over in milliseconds.
    with contextlib.redirect_stdout(printed), contextlib.suppress(OSError, RuntimeError):
        preload_dlls()
    missing = re.findall(r"^Failed to load (.+?): ", printed.getvalue(), re.MULTILINE)
    return ", ".join(dict.fromkeys(re.split(r"[\\/]", name)[-1] for name in missing))


def preload_tensorrt() -> bool:
    """Load TensorRT 10 from where the system has it or from its Python package; return whether it is there."""
    names = (
        ("nvinfer_10.dll", "nvinfer_plugin_10.dll", "nvonnxparser_10.dll")
        if sys.platform == "win32"
        else ("libnvinfer.so.10", "libnvinfer_plugin.so.10", "libnvonnxparser.so.10")
    )
    package = importlib.util.find_spec("tensorrt_libs")
    folders = [Path(folder) for folder in (package.submodule_search_locations or ())] if package else []
    for folder in folders:
        if sys.platform == "win32":
            os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"  # it loads its builder by name
    for name in names:
        places = [str(folder / name) for folder in folders if (folder / name).is_file()]
        try:
            # Global, so that ONNX Runtime's own library finds what is loaded by its name.
            ctypes.CDLL((places or [name])[0], mode=ctypes.RTLD_GLOBAL)
        except OSError:
            return False
    return True
