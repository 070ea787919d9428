"""What the tray costs: `python -m tools.measure_tray --effect style:woodblock`.

One run with a window, in which the tray comes and goes every few seconds, so that a machine that is busy is so with it
and without. Prints how long the window takes for a picture, and how old pictures are when they are shown, both as
medians and as a ratio, and how many were dropped. `--no-thumbnails`: the tray alone.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Sequence

from realtime.control.commands import Quit
from realtime.core.stats import RunStats
from realtime.imaging.frame import Frame, Size

_SETTLES_S = 0.7
CLOSED, OPEN, BETWEEN = "closed", "open", "between"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m tools.measure_tray", description=__doc__)
    parser.add_argument("--effect", default="none")
    parser.add_argument("--source", default="demo")
    parser.add_argument("--size", type=Size.parse, default=Size(1280, 720))
    parser.add_argument("--seconds", type=float, default=3.0, help="between coming and going")
    parser.add_argument("--times", type=int, default=12)
    parser.add_argument("--no-thumbnails", action="store_true")
    chosen = parser.parse_args(argv)
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    from realtime.outputs.window.window import Window
    from realtime.session.assembly import build
    from realtime.session.offers.catalogue import Catalogue
    from realtime.session.options import Options

    if chosen.no_thumbnails:
        Catalogue.watch = lambda self, category: None  # type: ignore[method-assign]
    state = BETWEEN
    took_s: dict[str, list[float]] = {CLOSED: [], OPEN: [], BETWEEN: []}
    ages_s: dict[str, list[float]] = {CLOSED: [], OPEN: [], BETWEEN: []}
    dropped = {CLOSED: 0, OPEN: 0, BETWEEN: 0}
    show = Window.show

    def timed(self: Window, frame: Frame) -> None:
        began_s = time.perf_counter()
        show(self, frame)
        took_s[state].append(time.perf_counter() - began_s)
        ages_s[state].append(time.monotonic() - frame.captured_at_s)

    Window.show = timed  # type: ignore[method-assign]
    options = Options(source=chosen.source, size=chosen.size, effect=(chosen.effect,), output=("window",), loop=True)
    run = build(options, lambda what, share: None, RunStats())
    window = run.loop.outputs[0]
    assert isinstance(window, Window)
    assert window.tray is not None
    tray, began_s, before = window.tray, time.monotonic(), 0

    def look(processed: int) -> None:  # noqa: ARG001 - the signature is the supervisor's
        nonlocal state, before
        turn, inside_s = divmod(time.monotonic() - began_s, chosen.seconds)
        now = run.loop.stats.dropped_before_processing + sum(one.dropped for one in run.loop.stats.outputs)
        dropped[state] += now - before
        before = now
        if turn >= chosen.times:
            run.supervisor.controls.send(Quit())
        elif turn % 2:
            tray.wake(time.monotonic(), for_s=10.0)
        else:
            tray.leave()
        state = BETWEEN if inside_s < _SETTLES_S else OPEN if turn % 2 else CLOSED

    run.supervisor.on_processed = look
    run.go()
    for name in (CLOSED, OPEN):
        show_ms, age_ms = (1e3 * statistics.median(found[name]) for found in (took_s, ages_s))
        print(f"{name:7} {len(took_s[name])} pictures, {show_ms:.2f} ms each in the window, {age_ms:.1f} ms old, "
              f"{dropped[name]} dropped")  # fmt: skip
    more_ms = 1e3 * (statistics.median(took_s[OPEN]) - statistics.median(took_s[CLOSED]))
    ratio = statistics.median(ages_s[OPEN]) / statistics.median(ages_s[CLOSED])
    print(f"open: {more_ms:+.2f} ms a picture, age {ratio:.2f} times as before")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
