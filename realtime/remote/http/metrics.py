"""The status as Prometheus reads it: text format 0.0.4, base units, names that end in their unit or `_total`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from realtime.control.channel import Status

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_Sample = tuple[Mapping[str, str], float]


def metrics_text(status: Status, answered: Mapping[int, int]) -> str:
    """Return every metric. `answered`: how many answers of each HTTP status the server has given."""
    return "".join(_families(status, answered))


def _families(status: Status, answered: Mapping[int, int]) -> Iterator[str]:
    yield _family("frames_total", "counter", "Pictures made since the start.", [({}, status.frames)])
    yield _family("fps", "gauge", "Pictures made a second, over the last second or two.", [({}, status.fps)])
    yield _family("age_seconds", "gauge", "From capture to shown, lately.", [({}, status.age_ms / 1e3)])
    stages = [({"stage": name}, ms / 1e3) for name, ms in status.stage_ms]
    yield _family("stage_seconds", "gauge", "What each stage of a picture takes, lately.", stages)
    restarts = [({"stage": name}, count) for name, count in status.restarts]
    yield _family("restarts_total", "counter", "How often something was begun anew.", restarts)
    drops = [({"by": name}, count) for name, count in status.dropped]
    yield _family("dropped_total", "counter", "Frames that a newer one replaced, by whom.", drops)
    yield _family("faces", "gauge", "People in view.", [({}, status.faces)])
    viewers = [({"hour": hour}, count) for hour, count in status.viewers_by_hour]
    yield _family("viewers", "gauge", "People who came into view, by local hour.", viewers)
    for name, on, about in (
        ("paused", status.paused, "Whether the picture is held."),
        ("blank", status.blank, "Whether black is shown and the camera closed."),
        ("mirrored", status.mirrored, "Whether left and right are exchanged."),
        ("recording", bool(status.recording), "Whether a recording is being made."),
    ):
        yield _family(name, "gauge", about, [({}, on)])
    labels = {"effect": status.effect, "source": status.source, "provider": status.provider}
    if status.programme is not None:
        labels |= {"item": status.programme.current, "following": status.programme.following}
    yield _family("info", "gauge", "What runs now; always 1.", [(labels, 1)])
    answers = [({"status": str(code)}, count) for code, count in sorted(answered.items())]
    yield _family("http_answers_total", "counter", "Answers that this server gave, by HTTP status.", answers)


def _family(name: str, kind: str, about: str, samples: Iterable[_Sample]) -> str:
    lines = [f"# HELP realtime_{name} {about}", f"# TYPE realtime_{name} {kind}"]
    for labels, value in samples:
        words = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        lines.append(f"realtime_{name}{f'{{{words}}}' if words else ''} {float(value):.10g}")
    return "\n".join(lines) + "\n" if len(lines) > 2 else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
