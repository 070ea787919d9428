"""What a chain of effects becomes where something is chosen: which go, which come, and in what order they stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from realtime.pipeline.effect_exchange import Chosen, Place
from realtime.pipeline.effect_slot import EffectSlot


class ExchangePlan(NamedTuple):
    """What a chain becomes where something is chosen: `before`, what is `new`, `after`."""

    before: tuple[EffectSlot, ...]
    former: tuple[EffectSlot, ...]
    """What was in the place of what is new, to fade out."""
    new: tuple[EffectSlot, ...]
    after: tuple[EffectSlot, ...]
    gone: tuple[EffectSlot, ...] = ()
    """What was elsewhere, and leaves as well."""


def plan_exchange(slots: Sequence[EffectSlot], chosen: Chosen) -> ExchangePlan:
    """Return what a chain becomes. A background that is to be keyed out is laid behind what all others have made; with
    any other the look is given people before it, and where it paints, it paints both.
    """
    if chosen.place is Place.WHOLE:
        return ExchangePlan((), tuple(slots), chosen.slots, ())
    if chosen.place is Place.BACKGROUND:
        return _with_background(slots, chosen)
    places = [at for at, slot in enumerate(slots) if not slot.traits.is_background]
    if places:
        at = places[-1]
        return ExchangePlan(tuple(slots[:at]), (slots[at],), chosen.slots, tuple(slots[at + 1 :]))
    behind = tuple(slot for slot in slots if not slot.traits.comes_last)
    return ExchangePlan(behind, (), chosen.slots, tuple(slot for slot in slots if slot.traits.comes_last))


def _with_background(slots: Sequence[EffectSlot], chosen: Chosen) -> ExchangePlan:
    backgrounds = [slot for slot in slots if slot.traits.is_background]
    others = tuple(slot for slot in slots if not slot.traits.is_background)
    comes_last = chosen.slots[-1].traits.comes_last if chosen.slots else False
    if len(backgrounds) == 1 and (not chosen.slots or backgrounds[0].traits.comes_last == comes_last):
        at = [slot.traits.is_background for slot in slots].index(True)  # where somebody has put it
        return ExchangePlan(tuple(slots[:at]), (backgrounds[0],), chosen.slots, tuple(slots[at + 1 :]))
    before, after = (others, ()) if comes_last else ((), others)
    return ExchangePlan(before, (), chosen.slots, after, tuple(backgrounds))


def bares_what_is_hidden(former: Sequence[EffectSlot], new: Sequence[EffectSlot]) -> bool:
    """Whether the picture of the effects that go shows as it is what has been asked to be hidden from now on."""

    def hide(slots: Sequence[EffectSlot]) -> tuple[bool, bool]:
        traits = [slot.traits for slot in slots]
        return any(one.hides_identity for one in traits), any(one.hides_surroundings for one in traits)

    (hid_people, hid_room), (hide_people, hide_room) = hide(former), hide(new)
    is_bare = all(slot.traits.uses_pixels for slot in former)
    return is_bare and ((hide_people and not hid_people) or (hide_room and not hid_room))
