"""Models run where their arrays lie, on what there is, and go on elsewhere when a GPU gives up."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from realtime.core.errors import ModelError, OptionError
from realtime.imaging.buffers import FramePool
from realtime.imaging.frame import Size
from realtime.models.runtime import engine_cache, ort_session
from realtime.models.runtime.onnx_model import OnnxModel, SessionPolicy
from realtime.models.runtime.providers import CPU_PLAN, Provider, ProviderPlan
from tests import tiny_models

CPU_ENGINE: tuple[tuple[str, Mapping[str, str]], ...] = ((Provider.CPU.ort_name, {}),)
HAS_GPU = bool(ort_session.machine().nvidia.gpus)


def scene(height: int = 48, width: int = 80) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (1, height, width, 3), np.uint8)


def open_by(path: Path, *plans: ProviderPlan, must_be: str = "", **dimensions: int) -> OnnxModel:
    return OnnxModel(path, plans, SessionPolicy(), dimensions, must_be=must_be)


def painted(model: OnnxModel, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    into = np.empty_like(picture)
    model.run({"frame": picture}, {"frame_out": into})
    return into


def test_a_style_repaints_into_the_callers_own_array(tmp_path: Path) -> None:
    model = OnnxModel.open(tiny_models.negative_style(tmp_path / "negative.onnx"))
    canvas = np.zeros((3, 48, 80, 3), np.uint8)  # the middle of three: nothing beside it may be touched
    model.run({"frame": scene()}, {"frame_out": canvas[1:2]})
    assert (canvas[1:2] == 255 - scene()).all()
    assert not canvas[0].any()
    assert not canvas[2].any()


def test_every_kind_runs(tmp_path: Path) -> None:
    face = np.random.default_rng(1).integers(0, 256, (1, tiny_models.SIDE, tiny_models.SIDE, 3), np.uint8)
    face_out, mask = np.empty_like(face), np.empty((*face.shape[:3], 1), np.uint8)
    OnnxModel.open(tiny_models.mirror_swap(tmp_path / "swap.onnx")).run(
        {"face": face}, {"face_out": face_out, "mask": mask}
    )
    assert (face_out == face[:, ::-1]).all()
    assert (mask == face[..., :1]).all()
    z = np.empty((1, 3), np.float32)
    OnnxModel.open(tiny_models.mean_encoder(tmp_path / "encoder.onnx")).run({"face": face}, {"z": z})
    assert z == pytest.approx(face.mean((1, 2)) / 255, abs=1e-5)
    OnnxModel.open(tiny_models.flat_decoder(tmp_path / "decoder.onnx")).run({"z": z}, {"face_out": face_out})
    assert (face_out == (z * 255).astype(np.uint8)).all()


def test_a_swap_takes_whose_face_and_how_far_beside_the_picture(tmp_path: Path) -> None:
    face = np.random.default_rng(2).integers(0, 256, (1, tiny_models.SIDE, tiny_models.SIDE, 3), np.uint8)
    face_out, mask = np.empty_like(face), np.empty((*face.shape[:3], 1), np.uint8)
    model = OnnxModel.open(tiny_models.tinting_swap(tmp_path / "swap.onnx"))
    model.warm()
    identity, morph = np.array([[1, 0.5, 0]], np.float32), np.array([0.25], np.float32)
    model.run({"face": face, "identity": identity, "morph": morph}, {"face_out": face_out, "mask": mask})
    wanted = face + (identity[:, np.newaxis, np.newaxis] * 255 - face) * morph
    assert np.abs(face_out - wanted).max() <= 0.5
    assert (mask == 255).all()
    with pytest.raises(ModelError, match=r"takes \['face', 'identity', 'morph'\]"):
        model.run({"face": face}, {"face_out": face_out, "mask": mask})
    wrong = np.zeros((1, 4), np.float32)
    with pytest.raises(ModelError, match=r"'identity' has shape \(1, 4\), not \[1, 3\]"):
        model.run({"face": face, "identity": wrong, "morph": morph}, {"face_out": face_out, "mask": mask})


def test_one_model_takes_any_size_and_a_fixed_one_folds_it_away(tmp_path: Path) -> None:
    path = tiny_models.blurred_style(tmp_path / "blurred.onnx")
    model = OnnxModel.open(path)
    assert model.input_shapes == {"frame": (1, "height", "width", 3)}
    for height, width in ((33, 47), (1, 1), (120, 64)):
        picture = np.full((1, height, width, 3), 90, np.uint8)
        assert painted(model, picture)[0, height // 2, width // 2, 0] == (90 if min(height, width) > 2 else 10)
    fixed = OnnxModel.open(path, dimensions={"height": 48, "width": 80})
    assert fixed.input_shapes == {"frame": (1, 48, 80, 3)}
    assert fixed.output_shapes == {"frame_out": (1, 48, 80, 3)}
    assert (painted(fixed, scene()) == painted(model, scene())).all()


def test_a_pool_gets_its_buffers_back(tmp_path: Path) -> None:
    """Nothing of ours or ONNX Runtime's may hold on to a picture: the pool goes by reference counts."""
    model = OnnxModel.open(tiny_models.negative_style(tmp_path / "negative.onnx"))
    pool, places = FramePool(Size(80, 48)), set()
    for _ in range(8):
        into = pool.take()
        model.run({"frame": scene()}, {"frame_out": into[None]})
        places.add(into.ctypes.data)
        del into
    assert len(places) == 1


def test_opened_and_closed_models_leave_nothing_open(tmp_path: Path) -> None:
    path = tiny_models.blurred_style(tmp_path / "blurred.onnx")

    def threads() -> int:
        return len(list(Path("/proc/self/task").iterdir()))

    if not Path("/proc/self/task").is_dir():
        pytest.skip("threads are counted in /proc")
    gc.collect()  # what earlier tests left takes its threads with it
    before = threads()
    for _ in range(5):
        model = OnnxModel.open(path, SessionPolicy(threads=3))
        model.warm()
        assert threads() == before + 2  # the caller computes too
        model.close()
        del model
        gc.collect()
    assert threads() == before


def test_a_closed_model_says_so(tmp_path: Path) -> None:
    model = OnnxModel.open(tiny_models.negative_style(tmp_path / "negative.onnx"))
    model.close()
    with pytest.raises(ModelError, match="is closed"):
        painted(model, scene())


@pytest.mark.parametrize(
    ("picture", "into", "says"),
    [
        (np.zeros((1, 48, 80, 3), np.float32), np.zeros((1, 48, 80, 3), np.uint8), "is float32, not uint8"),
        (np.zeros((48, 80, 3), np.uint8), np.zeros((1, 48, 80, 3), np.uint8), "has shape"),
        (np.zeros((1, 48, 80, 4), np.uint8), np.zeros((1, 48, 80, 3), np.uint8), "not .1, 48, 80, 3."),
        (np.zeros((1, 48, 80, 3), np.uint8)[:, ::2], np.zeros((1, 24, 80, 3), np.uint8), "C-contiguous"),
        (np.zeros((1, 48, 80, 3), np.uint8), np.zeros((1, 48, 64, 3), np.uint8), "not .1, 48, 80, 3."),
        (np.zeros((1, 48, 80, 3), np.uint8), np.broadcast_to(np.uint8(0), (1, 48, 80, 3)).copy(), "cannot be written"),
    ],
)
def test_wrong_arrays_are_refused(tmp_path: Path, picture: NDArray[Any], into: NDArray[Any], says: str) -> None:
    into.flags.writeable = "written" not in says
    model = OnnxModel.open(tiny_models.negative_style(tmp_path / "negative.onnx"))
    with pytest.raises(ModelError, match=says):
        model.run({"frame": picture}, {"frame_out": into})


def test_wrong_names_are_refused(tmp_path: Path) -> None:
    model = OnnxModel.open(tiny_models.negative_style(tmp_path / "negative.onnx"))
    with pytest.raises(ModelError, match=r"takes .'frame'. and gives .'frame_out'."):
        model.run({"image": scene()}, {"frame_out": scene()})


class TestProviders:
    def test_the_cpu_is_quiet_about_itself(self, tmp_path: Path) -> None:
        model = OnnxModel.open(tiny_models.negative_style(tmp_path / "negative.onnx"), SessionPolicy(provider="cpu"))
        assert (model.provider, model.notes) == ("CPU", ())

    @pytest.mark.skipif(HAS_GPU, reason="this machine has an NVIDIA GPU")
    def test_a_machine_without_a_gpu_hears_nothing_of_it(self, tmp_path: Path) -> None:
        """Neither a note of ours nor a line of ONNX Runtime's, whose GPU build looks for CUDA and TensorRT."""
        path = tiny_models.negative_style(tmp_path / "negative.onnx")
        code = (
            "import pathlib, sys; from realtime.models.runtime.onnx_model import OnnxModel\n"
            "model = OnnxModel.open(pathlib.Path(sys.argv[1]), dimensions={'height': 64, 'width': 64})\n"
            "model.warm(); assert (model.provider, model.notes) == ('CPU', ()), (model.provider, model.notes)"
        )
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def test_an_unknown_provider_is_guessed(self, tmp_path: Path) -> None:
        with pytest.raises(OptionError, match="did you mean 'cuda'"):
            OnnxModel.open(tiny_models.negative_style(tmp_path / "negative.onnx"), SessionPolicy(provider="cudda"))

    @pytest.mark.skipif(HAS_GPU, reason="this machine has an NVIDIA GPU")
    @pytest.mark.parametrize("name", ["tensorrt", "cuda", "coreml", "directml", "openvino"])
    def test_a_forced_provider_that_is_not_here_is_one_line(self, tmp_path: Path, name: str) -> None:
        if Provider(name).ort_name in onnxruntime.get_available_providers() and name not in ("tensorrt", "cuda"):
            pytest.skip(f"{name} is here")
        with pytest.raises(ModelError, match=f"{Provider(name).title} cannot be used: .*; ") as caught:
            OnnxModel.open(tiny_models.negative_style(tmp_path / "negative.onnx"), SessionPolicy(provider=name))
        assert "\n" not in str(caught.value)

    @pytest.mark.skipif(HAS_GPU, reason="this machine has an NVIDIA GPU")
    @pytest.mark.parametrize("provider", [Provider.TENSORRT, Provider.CUDA])
    def test_a_session_that_took_another_provider_is_not_believed(
        self, tmp_path: Path, provider: Provider, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """ONNX Runtime takes the CPU without an exception where CUDA does not load, and prints where TensorRT fails."""
        if provider.ort_name not in onnxruntime.get_available_providers():
            pytest.skip("a build without GPU providers")
        path = tiny_models.negative_style(tmp_path / "negative.onnx")
        there = ProviderPlan(provider.title, ((provider.ort_name, {}),))
        model = open_by(path, there, CPU_PLAN)
        assert model.provider == "CPU"
        assert len(model.notes) == 1
        assert model.notes[0].startswith(f"no {provider.title} for negative (")
        with pytest.raises(ModelError, match=f"cannot be run with {provider.title}"):
            open_by(path, there, CPU_PLAN, must_be=provider.title)
        assert capfd.readouterr() == ("", "")

    def test_onnx_runtime_understands_what_it_is_asked(self, tmp_path: Path) -> None:
        """Its constructor and its configuration take any name without a word: what we pass must be what it reads."""
        path = tiny_models.negative_style(tmp_path / "negative.onnx")
        session = ort_session.new_session(str(path), ort_session.session_options(0), ())
        assert session._enable_fallback is False
        keys = ("session.intra_op.allow_spinning", "session.intra_op.spin_duration_us")
        options = ort_session.session_options(0)
        assert [options.get_session_config_entry(key) for key in keys] == ["1", "30"]
        folder = Path(onnxruntime.__file__).parent / "capi"
        cores = [path for path in folder.glob("*onnxruntime*") if path.is_file()]
        for key in keys:
            assert any(key.encode() in path.read_bytes() for path in cores if "providers" not in path.name)

    def test_work_left_to_the_cpu_is_counted(self, tmp_path: Path) -> None:
        """As CUDA would leave it: the same session seen from a provider that computes none of it."""
        path = tiny_models.blurred_style(tmp_path / "blurred.onnx")
        session = ort_session.new_session(str(path), ort_session.session_options(0), ())
        assert ort_session.unassigned_nodes(session, [Provider.CPU.ort_name]) == (0, 1)
        assert ort_session.unassigned_nodes(session, [Provider.CUDA.ort_name]) == (1, 1)


@pytest.fixture(scope="module")
def scarce() -> ProviderPlan:
    """A provider with a megabyte of memory: ONNX Runtime's own arena, which is also CUDA's, with a limit."""
    limits = {"max_mem": 1 << 20, "arena_extend_strategy": 1, "initial_chunk_size_bytes": 1 << 16}
    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(
        memory, onnxruntime.OrtArenaCfg({**limits, "max_dead_bytes_per_chunk": -1})
    )
    return ProviderPlan("Scarce", CPU_ENGINE, {"session.use_env_allocators": "1"})


class TestGivingUp:
    def test_out_of_memory_goes_on_on_the_cpu_with_one_line(
        self, tmp_path: Path, scarce: ProviderPlan, caplog: pytest.LogCaptureFixture
    ) -> None:
        other = ProviderPlan("Other", CPU_ENGINE)  # of the same memory: not worth a try
        model = open_by(tiny_models.blurred_style(tmp_path / "blurred.onnx"), scarce, other, CPU_PLAN)
        assert model.provider == "Scarce"
        painted(model, scene(32, 32))
        assert model.provider == "Scarce"
        with caplog.at_level(logging.WARNING):
            large = painted(model, np.full((1, 1024, 1024, 3), 90, np.uint8))
        assert (large[0, 1:-1, 1:-1] == 90).all()  # this very picture, not the next one
        assert model.provider == "CPU"
        line = "Scarce failed while running (out of memory); blurred goes on with CPU"
        assert [record.getMessage() for record in caplog.records] == [line]
        assert model.notes == (line,)

    def test_without_another_way_it_is_an_error_and_the_model_lives(self, tmp_path: Path, scarce: ProviderPlan) -> None:
        model = open_by(tiny_models.blurred_style(tmp_path / "blurred.onnx"), scarce)
        with pytest.raises(ModelError, match="needs more memory than there is; choose a smaller size"):
            painted(model, scene(1024, 1024))
        painted(model, scene(32, 32))

    def test_buffers_that_stay_on_the_device_give_the_same_pictures(self, tmp_path: Path) -> None:
        """The way of recorded CUDA graphs, with the CPU as the device."""
        path = tiny_models.blurred_style(tmp_path / "blurred.onnx")
        kept = open_by(path, ProviderPlan("Kept", CPU_ENGINE, fixed_buffers_on="cpu"), CPU_PLAN, height=48, width=80)
        assert kept.provider == "Kept"
        plain = OnnxModel.open(path)
        for seed in range(3):
            picture = np.random.default_rng(seed).integers(0, 256, (1, 48, 80, 3), np.uint8)
            assert (painted(kept, picture) == painted(plain, picture)).all()

    def test_a_recording_that_shows_something_else_is_not_used(self, tmp_path: Path) -> None:
        """A model whose answer changes from run to run stands for a recording that does not follow its input."""
        from onnx import TensorProto, helper

        from realtime.models.card import ModelCard, ModelKind

        path = tiny_models.write_model(
            tmp_path / "restless.onnx",
            [
                helper.make_node("Cast", ["frame"], ["numbers"], to=TensorProto.FLOAT),
                helper.make_node("RandomUniformLike", ["numbers"], ["noise"], high=255.0),
                helper.make_node("Cast", ["noise"], ["frame_out"], to=TensorProto.UINT8),
            ],
            [tiny_models.picture("frame")],
            [tiny_models.picture("frame_out")],
            card=ModelCard(ModelKind.STYLE),
        )
        model = open_by(path, ProviderPlan("Kept", CPU_ENGINE, fixed_buffers_on="cpu"), CPU_PLAN, height=48, width=80)
        assert model.provider == "CPU"
        assert "recorded graph gives other values in 'frame_out'" in model.notes[0]


class TestEngines:
    """What providers compiled is kept whole or not at all; here by the CPU, which compiles nothing."""

    def plan(self, folder: Path) -> ProviderPlan:
        return ProviderPlan("Compiler", CPU_ENGINE, engine_folder=folder)

    def test_a_finished_engine_is_marked_and_found_again(self, tmp_path: Path) -> None:
        path = tiny_models.negative_style(tmp_path / "negative.onnx")
        (tmp_path / "weights.bin").write_bytes(b"1")

        def folder(weights: Sequence[str] = ("weights.bin",), size: int = 64) -> Path:
            return engine_cache.engine_folder(tmp_path / "cache", path, weights, ("cuda", "1.31", f"height={size}"))

        first = folder()
        open_by(path, self.plan(first), CPU_PLAN)
        assert engine_cache.prepare(first)
        assert folder(size=65) != first == folder()
        (tmp_path / "weights.bin").write_bytes(b"2")
        assert folder() != first
        (tmp_path / "weights.bin").write_bytes(b"1")
        tiny_models.negative_style(path, title="Changed")
        assert folder() != first

    def test_a_damaged_engine_is_built_again(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = tmp_path / "cache" / "engine"
        assert not engine_cache.prepare(folder)
        (folder / "kernels").write_text("cut off")
        engine_cache.finish(folder)

        new_session = ort_session.new_session

        def compile_session(*arguments: Any) -> Any:
            """As a provider that reads what it kept before it opens: TensorRT does."""
            kept = folder / "kernels"
            if kept.is_file() and kept.read_text() != "kernels":
                raise RuntimeError("engine deserialisation failed")
            kept.write_text("kernels")
            return new_session(*arguments)

        monkeypatch.setattr(ort_session, "new_session", compile_session)
        path = tiny_models.negative_style(tmp_path / "negative.onnx")
        model = OnnxModel(path, [self.plan(folder), CPU_PLAN], SessionPolicy(), {})
        assert model.provider == "Compiler"
        assert (folder / "kernels").read_text() == "kernels"

    def test_a_build_that_was_cut_off_long_ago_is_thrown_away(self, tmp_path: Path) -> None:
        import os

        folder = tmp_path / "cache" / "engine"
        engine_cache.prepare(folder)
        (folder / "half").touch()
        engine_cache.prepare(folder)
        assert (folder / "half").exists()  # perhaps another process at work
        os.utime(folder, (0, 0))
        engine_cache.prepare(folder)
        assert list(folder.iterdir()) == []

    def test_engines_nobody_uses_any_more_go(self, tmp_path: Path) -> None:
        import os

        old, new = tmp_path / "cache" / "old", tmp_path / "cache" / "new"
        for folder in (old, new):
            engine_cache.prepare(folder)
            engine_cache.finish(folder)
        os.utime(old / "complete", (0, 0))
        engine_cache.prepare(new)
        assert not old.exists()
        assert new.exists()

    def test_a_cache_that_cannot_be_written_costs_the_provider_not_the_run(self, tmp_path: Path) -> None:
        (tmp_path / "cache").write_text("a file where the folder should be")
        path = tiny_models.negative_style(tmp_path / "negative.onnx")
        model = open_by(path, self.plan(tmp_path / "cache" / "engine"), CPU_PLAN)
        assert model.provider == "CPU"
        assert model.notes[0].startswith("no Compiler for negative (")


def test_threads_leave_room(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {}
    for cores in (1, 2, 3, 4, 8, 16, 64):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, cores=cores: set(range(cores)), raising=False)
        counts[cores] = ort_session.thread_count()
    assert counts == {1: 1, 2: 2, 3: 2, 4: 2, 8: 4, 16: 8, 64: 8}
