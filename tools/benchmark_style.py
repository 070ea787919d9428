"""How fast, calm and seamless styles are, in ratios of one run: `python -m tools.benchmark_style [MODEL.onnx …]`.

Prints Markdown for docs/benchmarks.md, with the machine. The models shipped are measured unless others are named. A
live run needs a source of 1280×720; without one the built-in demo is recorded and played.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime

from realtime.core.stats import RunStats
from realtime.effects import EffectContext
from realtime.effects.scene import Scene
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.models.card import ModelCard, ModelKind
from realtime.models.library import find_model, model_names
from realtime.models.runtime.onnx_model import OnnxModel, SessionPolicy
from realtime.outputs import Output
from realtime.picture_files.reader import read_picture
from realtime.picture_files.samples import sample_photo
from realtime.session.options import Options
from tools.benchmark import machine, make_video

SIDE_PX = 512
THREADS = 2
POLICY = SessionPolicy(provider="cpu", threads=THREADS)
EXCHANGE_ROUNDS = 3
Gaps = dict[str, float]
_PAN_FRAMES = 60
BASELINE = "fast neural style, width 32"


def main() -> None:
    """Measure what was asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help="names or files (all that are shipped or the user's own)")
    parser.add_argument("--source", type=Path, help="a 1280x720 video; default: made from the demo")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each live run (20)")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of the timings; the best of each counts (7)")
    parser.add_argument(
        "--switching", action="store_true", help="measure only how seamlessly styles are exchanged live"
    )
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    names = arguments.models or model_names(ModelKind.STYLE)
    paths = [find_model(name, ModelKind.STYLE) for name in names]
    if not paths:
        parser.error("there is no style to measure; name model files")
    with tempfile.TemporaryDirectory() as folder:
        source = arguments.source or make_video(Path(folder) / "demo.mp4", seconds=20)
        figures: dict[str, Any] = {"machine": machine()}
        if not arguments.switching:
            baseline = write_baseline(Path(folder) / "baseline.onnx")
            figures["models"] = measure_models([baseline, *paths], arguments.rounds)
            figures["flicker"] = {path.stem: measure_flicker(path) for path in paths}
            figures["live"] = {path.stem: measure_live(path, source, arguments.seconds) for path in paths}
        figures["switching"], figures["not switching"] = measure_exchange((paths * 2)[:2], source, arguments.seconds)
    tables = [] if arguments.switching else [as_markdown(figures), ""]
    print("\n".join([*tables, gaps_as_markdown(figures)]))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def write_baseline(path: Path) -> Path:
    """Write the usual network of 1.7 M parameters, untrained: how long it takes does not depend on what it learnt."""
    from tools.exporting.model import build_model
    from tools.networks import Part
    from tools.networks.fast_neural_style import FastNeuralStyle, FastNeuralStyleLayout

    part = Part(ModelKind.STYLE, FastNeuralStyle().eval(), FastNeuralStyleLayout.picture)
    path.write_bytes(build_model(part, ModelCard(ModelKind.STYLE, title=BASELINE)).SerializeToString())
    return path


# One model by itself -------------------------------------------------------------------------------------------------


def measure_models(paths: Sequence[Path], rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds from frame in to frame out at 512×512, in turn, and the share of what is no network."""
    dimensions = {"height": SIDE_PX, "width": SIDE_PX}
    models = {path.stem: OnnxModel.open(path, POLICY, dimensions=dimensions) for path in paths}
    frame = photo(Size(SIDE_PX, SIDE_PX))[np.newaxis]
    out = np.empty_like(frame)
    best_s = dict.fromkeys(models, float("inf"))
    for model in models.values():
        model.warm()
    for _ in range(rounds):
        for name, model in models.items():
            until_s = time.perf_counter() + 0.4  # as many as fit: a quick one needs more to meet a quiet moment
            while True:
                began_s = time.perf_counter()
                model.run({"frame": frame}, {"frame_out": out})
                best_s[name] = min(best_s[name], time.perf_counter() - began_s)
                if time.perf_counter() > until_s:
                    break
    for model in models.values():
        model.close()
    shares = {path.stem: contract_share(path, frame) for path in paths}
    return {name: {"ms": 1e3 * best_s[name], "contract": shares[name]} for name in models}


def contract_share(path: Path, frame: Pixels) -> float:
    """The share of a model's time before its first convolution and after its last: layout, range, padding, bytes."""
    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        for name, size in (("height", SIDE_PX), ("width", SIDE_PX)):
            options.add_free_dimension_override_by_name(name, size)
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        for _ in range(12):
            session.run(None, {"frame": frame})
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    nodes = [event for event in events if event.get("cat") == "Node" and event["name"].endswith("_kernel_time")]
    nodes.sort(key=lambda event: float(event["ts"]))
    names = [event["name"] for event in nodes]
    length = len(set(names))
    runs = [nodes[begin : begin + length] for begin in range(0, len(nodes) - length + 1, length)]
    shares = []
    for run in runs[2:]:
        convolutions = [place for place, event in enumerate(run) if "Conv" in event["args"]["op_name"]]
        whole = sum(event["dur"] for event in run)
        inside = sum(event["dur"] for event in run[convolutions[0] : convolutions[-1] + 1]) if convolutions else 0
        shares.append(1 - inside / whole)
    return float(np.median(shares))


# The effect ----------------------------------------------------------------------------------------------------------


def measure_flicker(path: Path) -> dict[str, float]:
    """Mean |out(t) − out(t−1)| ÷ mean |in(t) − in(t−1)| on a photo with sensor noise, with the effect's calm and
    without it; then the same clip from an H.264 camera.
    """
    still = photo(Size(384, 384))
    noise = np.random.default_rng(1)
    spread = 4 * np.sqrt(0.4 + 0.6 * still / 128)  # photons: brighter pixels are noisier, by the root
    clip = [np.clip(still + noise.normal(0, spread) + 0.5, 0, 255).astype(np.uint8) for _ in range(60)]
    figures = {}
    for name, pictures in (("noise", clip), ("H.264", through_h264(clip))):
        for steady in (True, False):
            painted = paint_all(path, pictures, steady=steady)
            figures[name if steady else f"{name}, as painted"] = change(painted[20:]) / change(pictures[20:])
    for steady in (True, False):
        figures["pan" if steady else "pan, as painted"] = measure_pan(path, steady=steady)
    return figures


def measure_pan(path: Path, *, steady: bool) -> float:
    """The same ratio while the camera turns by a pixel a frame, each picture laid over the one before it where both
    show the same: by whole pixels, so that nothing is resampled.
    """
    wide = photo(Size(384 + _PAN_FRAMES, 384))
    noise, spread = np.random.default_rng(2), 4 * np.sqrt(0.4 + 0.6 * wide / 128)
    noisy = [np.clip(wide + noise.normal(0, spread) + 0.5, 0, 255).astype(np.uint8) for _ in range(_PAN_FRAMES)]
    pictures = [np.ascontiguousarray(pixels[:, at : at + 384]) for at, pixels in enumerate(noisy)]
    painted = paint_all(path, pictures, steady=steady)
    return panned_change(painted[20:]) / panned_change(pictures[20:])


def panned_change(pictures: Sequence[Pixels]) -> float:
    """As `change`, of pictures that move left by a pixel each; 16 pixels at the rim, newly seen, do not count."""
    inner, before = np.s_[16:-16, 16:-17], np.s_[16:-16, 17:-16]
    pairs = zip(pictures[1:], pictures[:-1], strict=True)
    return float(np.mean([np.abs(later[inner].astype(np.int16) - earlier[before]).mean() for later, earlier in pairs]))


def paint_all(path: Path, pictures: Sequence[Pixels], *, steady: bool) -> list[Pixels]:
    """Every picture through the effect at full size."""
    from realtime.effects.style import StyleEffect, StyleSettings

    context = EffectContext(frame=Size.of(pictures[0]), every_frame=True, provider="cpu")
    effect = StyleEffect.open(str(path), StyleSettings(steady=steady), context)
    frames = [Frame(pixels, 0.0, index / 30, index) for index, pixels in enumerate(pictures)]
    painted = [effect.make(Scene(frame, [])).pixels for frame in frames]
    effect.close()
    return painted


def change(pictures: Sequence[Pixels]) -> float:
    """Mean |picture(t) − picture(t − 1)|, grey levels."""
    pairs = zip(pictures[1:], pictures[:-1], strict=True)
    return float(np.mean([np.abs(later.astype(np.int16) - earlier).mean() for later, earlier in pairs]))


def through_h264(pictures: Sequence[Pixels]) -> list[Pixels]:
    """The pictures as a camera with H.264 at 2 Mbit/s would give them."""
    import av

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "clip.mp4")
        with av.open(path, "w") as file:
            stream = file.add_stream("libx264", rate=30, options={"preset": "veryfast", "tune": "zerolatency"})
            stream.height, stream.width = pictures[0].shape[:2]
            stream.pix_fmt, stream.bit_rate = "yuv420p", 2_000_000
            for pixels in pictures:
                file.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
            file.mux(stream.encode(None))
        with av.open(path) as file:
            return [np.asarray(frame.to_ndarray(format="bgr24"), np.uint8) for frame in file.decode(video=0)]


def photo(size: Size) -> Pixels:
    """Grace Hopper, the photo that matplotlib carries, cut to a shape."""
    pixels = read_picture(sample_photo())
    height = pixels.shape[1] * size.height // size.width
    return np.asarray(cv2.resize(pixels[:height], size, interpolation=cv2.INTER_AREA), np.uint8)


# The live loop -------------------------------------------------------------------------------------------------------


def measure_live(path: Path, source: Path, seconds: float) -> dict[str, Any]:
    """The program's own statistics of a live run into a window that nobody sees."""
    from realtime.session import assembly

    stats = RunStats()
    options = Options(source=str(source), effect=(f"style:{path}",), output=("window",), loop=True, seconds=seconds)
    assembly.build(options, lambda what, share: None, stats).go()
    return stats.as_json()


class Watch(Output):
    """Notes when each picture is shown."""

    name = "watch"

    def __init__(self) -> None:
        self.shown_at_s: list[float] = []

    def show(self, frame: Frame) -> None:  # noqa: ARG002
        self.shown_at_s.append(time.monotonic())

    def close(self) -> None:
        pass


def measure_exchange(pair: Sequence[Path], source: Path, seconds: float) -> tuple[list[Gaps], list[Gaps]]:
    """Live runs with and without exchanging styles, in turn: a machine has gaps of its own."""
    switching, staying = [], []
    for _ in range(EXCHANGE_ROUNDS):
        staying.append(measure_switching(pair[:1], source, seconds))
        switching.append(measure_switching(pair, source, seconds))
    return switching, staying


def measure_switching(paths: Sequence[Path], source: Path, seconds: float) -> Gaps:
    """A live run in which the style is exchanged every second and a half, and the gaps between pictures shown."""
    from realtime.pipeline.effect_menu import EffectMenu
    from realtime.session import assembly, effect_opening

    stats, watch = RunStats(), Watch()
    options = Options(source=str(source), effect=(f"style:{paths[0]}",), output=("none",), loop=True, seconds=seconds)
    run = assembly.build(options, lambda what, share: None, stats)
    info = run.loop.capture.info
    context = EffectContext(frame=info.size, fps=info.fps, alongside=True)
    specs = [f"style:{path}" for path in paths] if len(paths) > 1 else []
    menu = EffectMenu(
        lambda: specs,
        options.effect[0],
        lambda spec: effect_opening.open_effect(spec, options, context),
        run.loop.chain,
        lambda said: None,
    )
    due_s, switches = float("inf"), 0

    def tick() -> None:
        nonlocal due_s, switches
        if not watch.shown_at_s:
            if watch not in [output_worker.output for output_worker in run.loop.output_workers]:
                run.loop.add(watch)
            due_s = time.monotonic() + 3.0  # the start is not what is measured
        elif specs and time.monotonic() > due_s:
            menu.step(1)
            switches += 1
            due_s += 1.5

    run.loop.run(tick)
    menu.close()
    run.supervisor.close()
    gaps = np.diff(watch.shown_at_s)[60:] * info.fps
    return {
        "switches": switches,
        "pictures": len(watch.shown_at_s),
        "longest gap, frames": float(gaps.max()),
        "gaps over 2 frames": int((gaps > 2).sum()),
        "gaps over 1.5 frames": int((gaps > 1.5).sum()),
    }


# The page ------------------------------------------------------------------------------------------------------------


def as_markdown(figures: dict[str, Any]) -> str:
    """The figures as tables."""
    models, flicker, live = figures["models"], figures["flicker"], figures["live"]
    baseline = models["baseline"]
    baseline_ms = baseline["ms"]
    lines = [
        f"Machine: {figures['machine']}. {SIDE_PX}×{SIDE_PX}: {THREADS} threads, the best of many runs in turn.",
        "",
        f"| style | ms at {SIDE_PX}² | fps | × the baseline's | contract's share | flicker, noise | H.264 | a pan |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        f"| *{BASELINE}* | {baseline_ms:.1f} | {1e3 / baseline_ms:.1f} | 1 | {baseline['contract']:.1%} | | | |",
    ]
    for name, calm in flicker.items():
        one = models[name]
        lines.append(
            f"| {name} | {one['ms']:.2f} | {1e3 / one['ms']:.0f} | {baseline_ms / one['ms']:.1f} "
            f"| {one['contract']:.1%} | {calm['noise']:.2f} (as painted {calm['noise, as painted']:.2f}) "
            f"| {calm['H.264']:.2f} ({calm['H.264, as painted']:.2f}) "
            f"| {calm['pan']:.2f} ({calm['pan, as painted']:.2f}) |"
        )
    lines += ["", "| live | fps | of | age p50, frames | dropped | works at |", "| --- | --- | --- | --- | --- | --- |"]
    for name, stats in live.items():
        source_fps, (output, *_) = stats["source"]["fps"], stats["outputs"]
        (report,) = stats["effect_reports"].values()
        dropped = stats["frames"]["dropped_before_processing"] + output["dropped"]
        sizes = ", ".join(f"{count} at {size}" for size, count in report["frames_by_working_size"].items())
        age = output["age_ms"]["p50"] * source_fps / 1e3
        lines.append(
            f"| {name} | {stats['fps']:.1f} | {source_fps:g} | {age:.2f} | {dropped} of {stats['frames']['captured']} "
            f"| {sizes} |"
        )
    return "\n".join(lines)


def gaps_as_markdown(figures: dict[str, Any]) -> str:
    """How long pictures stayed on, over all rounds."""
    lines = [
        f"Machine: {figures['machine']}. A style exchanged every 1.5 s, and the same run without, in turn.",
        "",
        "| live | switches | pictures | gaps over 1.5 frame times | over 2 | the longest, in each round |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for what in ("not switching", "switching"):
        rounds: list[Gaps] = figures[what]
        longest = ", ".join(f"{one['longest gap, frames']:.2f}" for one in rounds)
        sums = (
            f"{sum(one[name] for one in rounds):.0f}"
            for name in ("switches", "pictures", "gaps over 1.5 frames", "gaps over 2 frames")
        )
        lines.append(f"| {what} | {' | '.join(sums)} | {longest} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
