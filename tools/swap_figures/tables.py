"""The figures of a swap as Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tools.swap_figures.in_front import Kept
from tools.swap_figures.people import Verdict
from tools.swap_figures.talking import Talk

TALK_HEAD = (
    "| clip | photo | frames | hidden | likeness before | after | gain | like the viewer | expression, % (p95) "
    "| worst part | mouth r | eyes r | eyes off | seam (p95), where | steady | at motion, % | lag, frames "
    "| mouth, % | smiles: viewer, worn, agree |\n" + "|---" * 19 + "|"
)


def talk_row(talk: Talk) -> str:
    """One line of the table."""
    expression = talk.expression
    worst = max(expression.parts_percent, key=lambda name: expression.parts_percent[name])
    cells = [
        talk.clip,
        talk.photo,
        f"{talk.measured} of {talk.frames}",
        str(talk.hidden),
        f"{talk.before:.2f}",
        f"{talk.after:.2f}",
        f"{talk.gain:+.2f}",
        f"{talk.still_viewer:.2f}",
        f"{expression.percent:.1f} ({expression.worst_percent:.1f})",
        f"{worst} {expression.parts_percent[worst]:.1f}",
        f"{expression.mouth:.2f}",
        f"{expression.eyes:.2f}",
        f"{expression.eyes_off:.3f}",
        f"{talk.seam:.0f} ({talk.seam_worst:.0f}), {talk.seam_place}",
        f"{talk.steady:.2f}",
        f"{talk.stillness:.2f}",
        f"{talk.lag:.2f}",
        f"{expression.parts_percent['mouth']:.1f}",
        "; ".join(f"{each.viewer:.0%}, {each.worn:.0%}, {each.agrees:.0%}" for each in talk.smiles.values()),
    ]
    return f"| {' | '.join(cells)} |"


def in_front_table(measurements: Sequence[Kept]) -> str:
    """A line for each thing, over all clips in which it was before a face."""
    lines = [
        "| before the face | clips | frames | stays in front (least) | of the rest, left open (most) |",
        "|---" * 5 + "|",
    ]
    for thing in dict.fromkeys(each.thing for each in measurements if each.thing):
        rows = [each for each in measurements if each.thing == thing and each.frames >= _ENOUGH_FRAMES]
        if not rows:
            continue
        found, beside = [each.found for each in rows], [each.beside for each in rows]
        lines.append(
            f"| {thing} | {len(rows)} | {sum(each.frames for each in rows)} | {np.mean(found):.0%} ({min(found):.0%}) "
            f"| {np.mean(beside):.1%} ({max(beside):.1%}) |"
        )
    alone = sum(each.holes for each in measurements if not each.thing)
    after = sum(each.holes for each in measurements if each.thing)
    return "\n".join(
        [*lines, "", f"Frames with nothing before the face, but a hole in it: {alone}; after a thing: {after}."]
    )


_ENOUGH_FRAMES = 10
"""In fewer a share says nothing."""
_STILL_PERCENT = 1.0
"""A person moves less than that in a frame, % of the eye distance, to count as still."""


def summary(talks: Sequence[Talk], by: str) -> str:
    """All rows with one photo, one clip or one light in a line: the mean and the worst of each figure."""
    lines = [
        f"| {by} | likeness gained (least) | expression, % (most) | mouth r | eyes r | seam (p95, the worst) | steady "
        "where still: most | lag, frames: most | mouth, % (most) | smiles as the viewer (least) "
        "| smiles unasked (most) |",
        "|---" * 11 + "|",
    ]
    for name in dict.fromkeys(getattr(each, by) for each in talks):
        rows = [each for each in talks if getattr(each, by) == name]
        still = [each.steady for each in rows if each.stillness < _STILL_PERCENT]
        lags = [each.lag for each in rows if np.isfinite(each.lag)]
        cells = [
            name,
            f"{np.mean([each.gain for each in rows]):+.2f} ({min(each.gain for each in rows):+.2f})",
            f"{np.mean([each.expression.percent for each in rows]):.1f} "
            f"({max(each.expression.percent for each in rows):.1f})",
            _mean([each.expression.mouth for each in rows]),
            _mean([each.expression.eyes for each in rows]),
            f"{np.mean([each.seam for each in rows]):.0f} ({max(each.seam_worst for each in rows):.0f})",
            f"{max(still):.2f}" if still else "",
            f"{max(lags):.2f}" if lags else "",
            f"{np.mean([each.expression.parts_percent['mouth'] for each in rows]):.1f} "
            f"({max(each.expression.parts_percent['mouth'] for each in rows):.1f})",
            *_smiles(rows),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _smiles(rows: Sequence[Talk]) -> tuple[str, str]:
    """How often a new face smiles as its wearer does, and how often it does and the wearer does not, by each judge."""
    agrees, forced = [], []
    for judge in rows[0].smiles:
        found = [each.smiles[judge] for each in rows]
        agrees.append(f"{np.mean([each.agrees for each in found]):.0%} ({min(each.agrees for each in found):.0%})")
        forced.append(f"{np.mean([each.forced for each in found]):.0%} ({max(each.forced for each in found):.0%})")
    return "; ".join(agrees), "; ".join(forced)


def _mean(values: Sequence[float]) -> str:
    finite = [value for value in values if np.isfinite(value)]
    return f"{np.mean(finite):.2f}" if finite else ""


def steadiness_table(rows: Sequence[dict[str, Any]]) -> str:
    """Held pictures."""
    lines = ["| held picture | photo | noise | sway, px | change over the input's | grey levels |", "|---" * 6 + "|"]
    lines += [
        f"| {row['clip']} | {row['photo']} | {row['sigma']:g} | {row['sway_px']:g} | {row['ratio']:.2f} "
        f"| {row['change']:.2f} |"
        for row in rows
    ]
    return "\n".join(lines)


def lag_table(rows: Sequence[dict[str, Any]]) -> str:
    """Moved pictures."""
    lines = ["| moved picture | photo | motion | reach, px | frames late | off by, px (p95) |", "|---" * 6 + "|"]
    for row in rows:
        late = (
            "after the jump " + ", ".join(f"{share:.0%}" for share in row["arrived"])
            if "arrived" in row
            else f"{row['lag_frames']:.2f}"
        )
        off = f"{row['off_px_p95']:.2f}" if "off_px_p95" in row else ""
        lines.append(f"| {row['clip']} | {row['photo']} | {row['motion']} | {row['reach_px']} | {late} | {off} |")
    return "\n".join(lines)


PEOPLE_HEAD = (
    "| scene | person | asked | frames seen | bare, or touched unasked | covered in the worst | hidden | traded "
    "| most like themselves |\n" + "|---" * 9 + "|"
)


def people_row(verdict: Verdict) -> str:
    """One person in one scene."""
    return (
        f"| {verdict.scene} | {verdict.person} | {'yes' if verdict.asked else 'no'} | {verdict.frames} "
        f"| {verdict.wrong} | {verdict.covered:.0%} | {verdict.hidden} | {verdict.traded} "
        f"| {verdict.like_themselves:.2f} |"
    )


def rate_table(best: dict[str, dict[str, float]]) -> str:
    """The whole program, beside the first one of them."""
    portrait = next(iter(best.values()))["fps"]
    lines = [
        "| 1280×720 | fps, every frame | × portrait's | live, of 60 fps | age p50 (p99), frames | dropped |",
        "|---" * 6 + "|",
    ]
    lines += [
        f"| {name} | {figures['fps']:.0f} | {figures['fps'] / portrait:.2f} | {figures['live_fps']:.1f} "
        f"| {figures['age_frames_p50']:.2f} ({figures['age_frames_p99']:.2f}) | {figures['dropped']:.1%} |"
        for name, figures in best.items()
    ]
    return "\n".join(lines)


def speed_table(best: dict[str, dict[str, float]], parts: dict[str, dict[str, float]]) -> str:
    """The whole program, and where a frame's time goes."""
    lines = [
        rate_table(best),
        "",
        "| ms a frame | face, px | detector | mesh | network | all else of the effect (p95) |",
        "|---" * 6 + "|",
    ]
    lines += [
        f"| {name} | {ms['face_px']:.0f} | {ms['detector']:.2f} | {ms['mesh']:.2f} | {ms['network']:.2f} "
        f"| {ms['own']:.2f} ({ms['own_p95']:.2f}) |"
        for name, ms in parts.items()
    ]
    return "\n".join(lines)
