"""Where the arrow keys go among the widgets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from realtime.outputs.window.tray.layout import MENU, Layout
from realtime.outputs.window.tray.widgets import Item, Label, Panel, Widget


class _Spot(NamedTuple):
    key: str
    x: float
    y: float


def reachable(layout: Layout) -> Sequence[tuple[Panel, Widget]]:
    """Return what Enter may mean, in reading order: of an open list its lines, and nothing else."""
    menu = layout.panel(MENU)
    panels = [menu] if menu is not None else layout.panels
    return [
        (panel, widget)
        for panel in panels
        for widget in panel.widgets
        if not isinstance(widget, Label) and (menu is None or isinstance(widget, Item))
    ]


def moved(layout: Layout, focus: str, right: int, down: int) -> str:
    """Return the key of the nearest widget in a direction: one of `right` and `down` is 1 or -1; the same where there
    is none.
    """
    spots = [_spot(panel, widget) for panel, widget in reachable(layout)]
    here = next((spot for spot in spots if spot.key == focus), None)
    if here is None:
        return spots[0].key if spots else ""
    best, best_cost = focus, float("inf")
    for spot in spots:
        ahead = (spot.x - here.x) * right + (spot.y - here.y) * down
        aside = abs((spot.y - here.y) * right) + abs((spot.x - here.x) * down)
        if ahead <= 1 or (right and aside > ahead + 8):
            continue
        cost = ahead + (4 * aside if right else 0.5 * aside)
        if cost < best_cost:
            best, best_cost = spot.key, cost
    return best


def _spot(panel: Panel, widget: Widget) -> _Spot:
    place = widget.place
    x, y = panel.place.left + place.left + place.width / 2, panel.place.top + place.top + place.height / 2
    return _Spot(widget.key, x, y)
