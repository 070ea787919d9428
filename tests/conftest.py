from __future__ import annotations

import contextlib
import functools
import gc
import importlib.util
import logging
import os
import signal
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from realtime.core import language

# On a loaded machine anything takes long once.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# Before anything imports SDL: tests open windows that nobody sees, and hear nothing.
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

# Messages are compared as they stand in the code; programs under test are told by it, too.
os.environ["LANGUAGE"] = "en"

if "PYTEST_XDIST_WORKER" in os.environ:  # the cores have a process each; before anything imports PyTorch or OpenCV
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")
    # SymPy remembers 1000 results, and PyTorch's exporter comes back to more: an eighth of its time.
    os.environ.setdefault("SYMPY_CACHE_SIZE", "50000")

# Whatever the shell asks for: the processes that share the tests and some 150 programs that tests start import the same
# modules, and compiling them takes as long as running them.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A shell lets what it starts in the background ignore Ctrl-C, and that passes on to every program started from here,
# which then keeps to it. Programs under test are to be ended by it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

MOST_PROCESSES = 4
"""Each takes about a gigabyte."""
SHARED_DATA = Path(os.environ.get("REALTIME_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Share whole folders of tests out to a process for each core and two more, for some always wait; one more where
    others share the machine, as those of a CI do. Single files, and what a person wants to watch, stay in this one.
    `-n 0` keeps all in it.
    """
    option = config.option
    if not config.pluginmanager.hasplugin("xdist") or hasattr(config, "workerinput") or option.numprocesses is not None:
        return
    is_watched = option.usepdb or option.capture == "no" or option.collectonly
    if not is_watched and any(Path(argument).is_dir() for argument in config.args):
        waiting = 1 if os.environ.get("CI") else 2
        option.numprocesses = min(MOST_PROCESSES, waiting + (os.cpu_count() or 1))
        # By files, because their fixtures are made once for all of a file, in our own order (below).
        option.dist, option.loadscopereorder = "loadfile", False


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported to find the tests stays: no search for garbage goes through it, half a second each."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the folders first. They hold the slow files, and a slow one that comes last keeps one process busy alone."""
    items.sort(key=lambda item: item.path.parent == Path(__file__).parent)


_QUIET: tuple[list[logging.Handler], int, bool] = [], logging.NOTSET, True
"""The program's log as it is before the program runs; what a fixture of a whole module has run may have set it up."""


@pytest.fixture(autouse=True)
def _a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the program sets up for its whole process, log, standard error and Ctrl-C, ends with its test."""
    monkeypatch.setattr("realtime.__main__.silence_native_libraries", lambda: sys.stderr)
    logger = logging.getLogger("realtime")
    logger.handlers[:], logger.level, logger.propagate = _QUIET
    ctrl_c = signal.getsignal(signal.SIGINT)
    yield
    logger.handlers[:], logger.level, logger.propagate = _QUIET
    if ctrl_c is not None and signal.getsignal(signal.SIGINT) is not ctrl_c:  # a program that ends hears it no more
        signal.signal(signal.SIGINT, ctrl_c)


@pytest.fixture(autouse=True)
def _english_again(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test that speaks another language, `realtime --language` for one, leaves the next one in English."""
    monkeypatch.setenv("LANGUAGE", "en")
    yield
    language.forget()


@pytest.fixture(scope="session")
def _tried_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tried-models")


@pytest.fixture(autouse=True)
def _what_was_tried_is_remembered_here(_tried_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests note in a folder of their own which models passed, not in the user's cache."""
    monkeypatch.setattr("realtime.model_import.vetting.records_folder", lambda: _tried_models)


@pytest.fixture(scope="session", autouse=True)
def _models_are_timed_in_a_run_or_three() -> Iterator[None]:
    """How fast a model is that is brought in is told from up to fifty runs, or two seconds of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("realtime.model_import.steps._TIMED_FOR_S", 0.0)
        yield


@pytest.fixture(scope="session", autouse=True)
def _written_models_are_timed_in_one_run() -> Iterator[None]:
    """How much faster a written model is than PyTorch is told from up to thirty runs of both, at each size."""
    with pytest.MonkeyPatch.context() as patch:
        if "torch" in sys.modules:
            patch.setattr("tools.exporting.check._MOST_RUNS", 1)
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_table_of_operators() -> Iterator[None]:
    """PyTorch's exporter makes its table of operators anew for every model, in a third of a second: here it is kept."""
    with pytest.MonkeyPatch.context() as patch:
        if "torch" in sys.modules:
            with contextlib.suppress(ImportError, AttributeError):  # it is PyTorch's own affair where it lies
                from torch.onnx._internal.exporter._registration import ONNXRegistry

                kept = functools.cache(ONNXRegistry.from_torchlib)
                patch.setattr(ONNXRegistry, "from_torchlib", staticmethod(kept))
        yield


@pytest.fixture(autouse=True)
def _nothing_is_remembered_here(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A window under test begins afresh, and leaves nothing in the user's folder of settings."""
    place = tmp_path_factory.getbasetemp() / "remembered"
    monkeypatch.setattr("realtime.session.remembered.folder", lambda: place)


@pytest.fixture(scope="session")
def navy_photo() -> Path:
    """Grace Hopper, a US Navy photo in the public domain that matplotlib carries."""
    spec = importlib.util.find_spec("matplotlib")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "mpl-data" / "sample_data" / "grace_hopper.jpg"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real videos and pictures that are not part of the repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no shared data at {SHARED_DATA} (REALTIME_SHARED_DATA names the folder)")
    return SHARED_DATA
