"""The effects of a run, one after the other, and how one is exchanged while the picture goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from realtime.control.parameters import Parameters, ParameterTree
from realtime.core.settings import Value
from realtime.core.stats import RunStats
from realtime.disclosure.label import Label
from realtime.effects.scene import Scene
from realtime.imaging.frame import Face, Frame, Pixels, Size
from realtime.imaging.provenance import SYNTHETIC, Provenance
from realtime.pipeline.cross_fade import CrossFade
from realtime.pipeline.effect_calls import EffectCalls
from realtime.pipeline.effect_exchange import Chosen, EffectExchange, Place
from realtime.pipeline.effect_slot import EffectSlot
from realtime.pipeline.exchange_plan import bares_what_is_hidden, plan_exchange
from realtime.pipeline.marking import Marking
from realtime.pipeline.turn import Telling

_MOST_FACTS = 20
_MOST_NOTICES = 3


class _SavedState(NamedTuple):
    """What an effect that was left shall know when the user comes back to it."""

    parameters: Mapping[str, Value]
    """What was set while it was shown."""
    state: object


class EffectChain:
    """Runs every frame through its effects. `make`, `close`: processing thread; `replace`: any.

    An effect may be anybody's code: each call into one goes through `calls`, and what it returns is looked at.
    """

    def __init__(
        self,
        slots: Sequence[EffectSlot],
        stats: RunStats,
        label: Label | None = None,
        *,
        source_type: str = "",
        parameters: ParameterTree | None = None,
    ) -> None:
        """`label`, `source_type`: as `Marking` takes them. `parameters`: where what can be set about the effects in use
        is to be found, each by its name.
        """
        self.parameters = ParameterTree() if parameters is None else parameters
        self.slots = list(slots)
        """The effects in use, in order. Written by the processing thread."""
        self._owners: list[str] = []
        self._stats = stats
        self.calls = EffectCalls(stats)
        self._marking = Marking(label, source_type, stats)
        self.is_closed = False
        """Whether its effects are closed, or being so: then it has nothing to say any more. Any thread."""
        self.speech_at: Callable[[float], float | None] = lambda at_s: None
        """[processing thread] How far a mouth is open that says what was heard when a frame was captured, as
        `Scene.speech`."""
        self.whole_screen: Callable[[], Size | None] = lambda: None
        """[processing thread] The screen on which pictures lie whole, where there is one."""
        self._must_mark_anew = False
        self._was_set = False
        """Whether a parameter was set since the last picture. Any thread."""
        self._leaving: tuple[EffectSlot, ...] = ()  # fade out
        self._fade: CrossFade | None = None
        self._fading = slice(0, 0)  # those of `slots` that fade in
        self.exchange = EffectExchange(self.calls, lambda slot: self._marking.prepare(slot.traits))
        self._saved: dict[str, _SavedState] = {}  # by spec: what effects that were left shall know when they are back
        for slot in self.slots:
            self._marking.prepare(slot.traits)
        self._begin_marking()
        self.parameters.listen(self._note_setting)
        self.describe()

    @property
    def hides_people(self) -> bool:
        """Whether an effect hides who is in the picture. Any thread."""
        return any(slot.traits.hides_identity for slot in self.slots)

    @property
    def is_synthetic(self) -> bool:
        """Whether an effect shows a face that is not the camera's. Any thread."""
        return any(slot.traits.synthetic for slot in self.slots)

    @property
    def hides_surroundings(self) -> bool:
        """Whether an effect hides the room behind people. Any thread."""
        return any(slot.traits.hides_surroundings for slot in self.slots)

    @property
    def hides_people_anyway(self) -> bool:
        """Whether people are not seen as they are whatever look is chosen. Any thread."""
        return any(slot.traits.hides_identity or not slot.traits.uses_pixels for slot in self._lasting())

    @property
    def hides_surroundings_anyway(self) -> bool:
        """Whether the room is not seen whatever look and background are chosen. Any thread."""
        return any(slot.traits.hides_surroundings or not slot.traits.uses_pixels for slot in self._lasting())

    @property
    def look_spec(self) -> str:
        """The last effect that is no background, the one that keys exchange, as `--effect` writes it; empty: there is
        none. Any thread.
        """
        look = self._in_place(Place.LOOK)
        return look[0].spec if look else ""

    @property
    def background_spec(self) -> str:
        """The same of what is seen behind people. Any thread."""
        backgrounds = self._in_place(Place.BACKGROUND)
        return backgrounds[-1].spec if backgrounds else ""

    @property
    def background_is_covered(self) -> bool:
        """Whether a background is chosen of which nothing is seen, because a look draws a picture of its own over it.
        Any thread.
        """
        slots = list(self.slots)
        return any(
            slot.traits.hides_surroundings and any(not other.traits.uses_pixels for other in slots[at + 1 :])
            for at, slot in enumerate(slots)
            if slot.traits.is_background
        )

    def _in_place(self, place: Place) -> Sequence[EffectSlot]:
        """Return what is in use there. Any thread."""
        slots = list(self.slots)
        if place is Place.WHOLE:
            return slots
        if place is Place.BACKGROUND:
            return [slot for slot in slots if slot.traits.is_background]
        return [slot for slot in slots if not slot.traits.is_background][-1:]

    def _lasting(self) -> Sequence[EffectSlot]:
        """Return the effects that nothing but a scene takes the place of. Any thread."""
        return [slot for slot in self.slots if not slot.traits.is_background][:-1]

    @property
    def uses_faces(self) -> bool:
        """Whether any effect looks at faces."""
        return any(slot.traits.uses_faces for slot in self.slots)

    @property
    def uses_pixels(self) -> bool:
        """Whether the camera's pixels can reach the outputs or an effect's eye."""
        return not self.slots or self.slots[0].traits.uses_pixels

    @property
    def stepped(self) -> list[str]:
        """Paths of the parameters that keys change: those with steps, the last effect's first. Any thread."""
        return [
            f"{owner}.{one.name}"
            for slot in reversed(list(self.slots))
            for owner, parameters in _named(slot)
            for one in parameters
            if one.live and one.step is not None
        ]

    def still_picture(self) -> tuple[Pixels, Provenance] | None:
        """Return the face that the last effect which makes one has made, and how; None: there is none. Any thread."""
        for slot in reversed(list(self.slots)):
            picture = self.calls.ask(slot, "still_picture", lambda effect: effect.still_picture(), None)
            if picture is not None:
                return picture, Provenance((slot.asked.public_name,), SYNTHETIC)
        return None

    def learn_rest(self) -> bool:
        """Ask the effects to take the viewer's face as it is for its rest. False: none does so. Any thread."""
        learning = [
            self.calls.ask(slot, "learn_rest", lambda effect: effect.learn_rest(), False) for slot in list(self.slots)
        ]
        return any(learning)

    def facts(self) -> list[tuple[str, str]]:
        """Return the effects' lines for the HUD. Any thread."""
        lines: list[tuple[str, str]] = []
        for slot in list(self.slots):
            lines += self.calls.ask(slot, "facts", lambda effect: _lines(effect.facts()), [])
        return lines[:_MOST_FACTS]

    def notices(self) -> list[str]:
        """Return what the effects want whoever sits before the picture to know now. Any thread."""
        told: list[str] = []
        for slot in list(self.slots):
            told += self.calls.ask(slot, "notices", lambda effect: [str(line) for line in effect.notices()], [])
        return told[:_MOST_NOTICES]

    @property
    def titles(self) -> list[str]:
        """What was asked for, in order, as people read it and as the statistics name it."""
        return [slot.title for slot in self.slots]

    def replace(self, slot: EffectSlot, fade_s: float = 0.0) -> None:
        """Put an opened effect in the place of the look, or of the background where it is one, from the next frame on.
        For `fade_s` of the source's time the picture of the one that goes shines through, unless it shows bare what the
        new one hides. A background that is new, or moves, is there at once.
        """
        place = Place.BACKGROUND if slot.traits.is_background else Place.LOOK
        self.exchange.choose(Chosen((slot,), fade_s, place))

    def remove_background(self, fade_s: float = 0.0) -> None:
        """Let the room be seen, from the next frame on, and softly as `replace` does."""
        self.exchange.choose(Chosen((), fade_s, Place.BACKGROUND))

    def replace_all(self, slots: Sequence[EffectSlot], fade_s: float = 0.0) -> None:
        """Put opened effects in the place of all of them; otherwise as `replace`."""
        self.exchange.choose(Chosen(tuple(slots), fade_s, Place.WHOLE))

    def tell_source(self, source_type: str) -> None:
        """Mark the pictures from the next ones on by what another source says of itself, as `Marking` takes it. Any
        thread.
        """
        self._marking.tell_source(source_type)
        self._must_mark_anew = True

    def close_unused(self, slot: EffectSlot) -> None:
        """Close an opened effect that is not wanted any more and never was in the chain. Any thread; never raises."""
        self.calls.close(slot)

    def make(self, frame: Frame, faces: Sequence[Face], at: Telling | None = None) -> Frame:
        """Return the picture of this moment. A failing effect is reported once and bridged. Raises nothing but what
        `at` does, where the thread says what it is at; None: the chain's own pulse.

        Faces that are not confirmed are given to effects that hide people, and to no others.
        """
        at = at or self.calls.pulse
        if self._must_mark_anew:
            self._must_mark_anew = False
            self._begin_marking()
        if self.exchange.has_opened_anew:
            self._put_in_place(at)
        while self.exchange.has_chosen:
            self._take_over(frame.pts_s, at)
        if self._leaving and (self._fade is None or self._fade.is_over(frame.pts_s)):
            self._end_fade(at)
        slots = self.slots
        scene = Scene(frame, speech=self.speech_at(frame.captured_at_s))
        if self._fade is None:
            picture, is_given_away, _ = self._through(slots, scene, frame, faces, at)
        else:
            picture, is_given_away = self._through_fade(self._fade, scene, faces, at)
        at.at("the label")
        if self._was_set:
            self._was_set = False
            self._look_at_traits()
        return self._marking.mark(picture, frame, may_write=is_given_away)

    def _through(
        self, slots: Sequence[EffectSlot], scene: Scene, seen: Frame, faces: Sequence[Face], at: Telling
    ) -> tuple[Frame, bool, Scene]:
        """Run a picture through effects, one after the other; return what they made of it, whether its pixels are
        nobody else's, and the scene as the next effect finds it.
        """
        picture, is_given_away = seen, False
        confirmed = [face for face in faces if face.confirmed]
        for slot in slots:
            scene = scene.after(picture, faces if slot.traits.hides_identity else confirmed)
            picture, is_given_away = self.calls.picture_of(slot, scene, at)
            if not slot.traits.uses_pixels:  # nothing in what it has drawn lies where the camera saw it
                scene = Scene(picture, speech=scene.speech)
        return picture, is_given_away, scene

    def _through_fade(self, fade: CrossFade, scene: Scene, faces: Sequence[Face], at: Telling) -> tuple[Frame, bool]:
        """As `_through`, while some of the effects come softly."""
        slots, fading = self.slots, self._fading
        seen, _, scene = self._through(slots[: fading.start], scene, scene.frame, faces, at)
        picture, _, following = self._through(slots[fading], scene, seen, faces, at)
        if not slots[fading.stop :]:
            return self._faded(fade, scene, seen, faces, picture, at, self.whole_screen()), True
        picture = self._faded(fade, scene, seen, faces, picture, at)
        picture, is_given_away, _ = self._through(slots[fading.stop :], following, picture, faces, at)
        return picture, is_given_away

    def _faded(
        self,
        fade: CrossFade,
        scene: Scene,
        seen: Frame,
        faces: Sequence[Face],
        picture: Frame,
        at: Telling,
        screen: Size | None = None,
    ) -> Frame:
        """Return the new effects' picture of what they have `seen` with the former ones' shining through. `screen`:
        where it is the last picture, and both lie on that one.
        """
        began_s = time.perf_counter()
        former, _, _ = self._through(self._leaving, scene, seen, faces, at)
        pixels = fade.blend(former.pixels, picture.pixels, seen.pts_s, screen)
        fade.took(time.perf_counter() - began_s)
        return picture.with_pixels(pixels)

    def _note_setting(self, path: str, value: object) -> None:  # noqa: ARG002 - as listeners are told
        self._was_set = True

    def _look_at_traits(self) -> None:
        """Mark pictures as what they are from now on, where a parameter has made them synthetic, or not so any more."""
        slots = [*self._leaving, *self.slots]
        changed = [slot for slot in slots if slot.has_become_another()]
        if changed:
            for slot in changed:
                self._marking.prepare(slot.traits)
            self._begin_marking()

    def _end_fade(self, at: Telling) -> None:
        leaving, self._leaving, self._fade = self._leaving, (), None
        if leaving:
            self._begin_marking()
        for slot in leaving:
            self.calls.close_former(slot, at)

    def close(self) -> None:
        """Close every effect."""
        self.describe()
        self.is_closed = True  # before `slots` is empty, which another thread may see
        pulse = self.calls.pulse
        self._end_fade(pulse)
        slots, self.slots = self.slots, []
        for slot in [*slots, *self.exchange.close()]:
            pulse.at(f"closing {slot.name}")
            self.calls.close(slot)
        pulse.rest()

    def describe(self) -> None:
        """Tell the statistics what runs, and on what: a model may change its provider on the way. Once the chain is
        closed, what was told last stays. Any thread.
        """
        slots = list(self.slots)
        if self.is_closed:
            return
        self._stats.effects = [slot.title for slot in slots]
        for slot in slots:
            self._stats.providers[slot.title] = self.calls.ask(
                slot, "provider", lambda effect: str(effect.provider), ""
            )
            nothing: dict[str, Any] = {}
            report = self.calls.ask(slot, "report", lambda effect: _as_json(effect.report()), nothing)
            if len(slot.parameters):
                report = {"parameters": slot.parameters.as_json(), **report}
            for name, parameters in slot.within.items():
                report = {**report, name: parameters.as_json()}
            if report:
                self._stats.effect_reports[slot.title] = report

    def _take_over(self, pts_s: float, at: Telling) -> None:
        chosen = self.exchange.take_chosen(self._in_place)
        if chosen is None:
            return
        self._end_fade(at)  # of the one before, where that was still on its way
        plan = plan_exchange(self.slots, chosen)
        leaving = (*plan.former, *plan.gone)
        if leaving:
            self._describe(at)
        for slot in leaving:
            self._save(slot, at)
        if plan.new and chosen.place is not Place.WHOLE:
            self._hand_over(leaving[-1] if leaving else None, plan.new[-1], at)
        at.rest()
        self.exchange.end_taking()
        self.slots = [*plan.before, *plan.new, *plan.after]
        former = plan.former
        fades = chosen.fade_s > 0 and bool(former) and not any(slot.is_left for slot in former)
        if fades and not bares_what_is_hidden(former, plan.new):
            begins = len(plan.before)
            self._leaving, self._fade = former, CrossFade(pts_s, chosen.fade_s)
            self._fading = slice(begins, begins + len(plan.new))
        self._begin_marking()
        for slot in plan.gone if self._leaving else leaving:
            self.calls.close_former(slot, at)
        self._describe(at)

    def _save(self, former: EffectSlot, at: Telling) -> None:
        """Keep what an effect knows that is left."""
        self.calls.enter(former, at)
        state = self.calls.ask(former, "save_state", lambda effect: effect.save_state(), None)
        self._saved[former.spec] = _SavedState(former.changed, state)

    def _hand_over(self, former: EffectSlot | None, new: EffectSlot, at: Telling) -> None:
        """Let the new effect know what it knew when it was left, or what it can take over. Where that fails, it begins
        without.
        """
        calls = self.calls
        calls.enter(new, at)
        if (saved := self._saved.get(new.spec)) is not None:
            calls.set_parameters(new, saved.parameters)
            if saved.state is not None:
                calls.ask(new, "restore_state", lambda effect: effect.restore_state(saved.state), None)
        if former is not None and not former.is_left:
            calls.ask(new, "inherit_state", lambda effect: effect.inherit_state(former.effect), None)

    def _describe(self, at: Telling) -> None:
        at.at("what the effects tell of themselves")
        self.describe()
        at.rest()

    @property
    def is_whole(self) -> bool:
        """Whether a picture can be made: no effect hangs that has no other in its place yet. Any thread."""
        return self.exchange.is_whole(self._in_place)

    def is_in_effect(self, what: str) -> bool:
        """Whether `what`, where the processing thread said it is, is an effect that can be begun anew. Any thread."""
        return self.exchange.open_again is not None and self.calls.is_in(what)

    def leave_behind(self) -> None:
        """Leave the effect that the processing thread was in and open another in its place. Any thread; that thread has
        lost its turn. Raises RuntimeError where no thread can be started.
        """
        hung = self.calls.called
        assert hung is not None  # noqa: S101 - `is_in_effect` was asked
        self.exchange.leave_behind(hung, is_used=self._is_used(hung))
        if any(slot is hung for slot in self._leaving):
            self._leaving, self._fade = tuple(slot for slot in self._leaving if slot is not hung), None
            self._begin_marking()
        if not self.is_whole:
            self.exchange.open_hung_again()

    def _is_used(self, slot: EffectSlot) -> bool:
        return any(one is slot for one in self.slots)

    def _put_in_place(self, at: Telling) -> None:
        """Let what was opened anew go on where the one that hangs is, with the values that are set now."""
        slot, hung = self.exchange.take_opened_anew()
        if slot is None:
            return
        if hung is None or not self._is_used(hung):  # another effect was chosen meanwhile
            self.calls.close_former(slot, at)
            return
        self.calls.enter(slot, at)
        self.calls.set_parameters(slot, hung.changed)
        at.rest()
        self.exchange.end_hanging()
        self.slots = [slot if one is hung else one for one in self.slots]
        self._end_fade(at)
        self._begin_marking()
        self._describe(at)

    def _publish_parameters(self) -> None:
        """Put the parameters of the effects in use into the tree, under their names; a second `style` is `style2`.
        Effects within others come last.
        """
        owners: list[str] = []
        for slot in self.slots:
            slot.owner = _free_name(slot.asked.name, owners)
            owners.append(slot.owner)
        for slot in self.slots:
            slot.owners_within = {name: _free_name(name, owners) for name in slot.within}
            owners += slot.owners_within.values()
        for owner in self._owners:
            if owner not in owners:
                self.parameters.drop(owner)
        for slot in self.slots:
            for owner, parameters in _named(slot):
                self.parameters.hold(owner, parameters)
        self._owners = owners

    def _begin_marking(self) -> None:
        self._publish_parameters()
        slots = [*self._leaving, *self.slots]
        self._marking.begin([slot.asked.public_name for slot in slots], [slot.traits for slot in slots])


def _free_name(name: str, owners: Sequence[str]) -> str:
    return name if name not in owners else f"{name}{sum(owner.startswith(name) for owner in owners) + 1}"


def _named(slot: EffectSlot) -> list[tuple[str, Parameters[Any]]]:
    """Return what can be set about an effect and those within it, each by the name it is found under."""
    within = [(slot.owners_within.get(name, name), parameters) for name, parameters in slot.within.items()]
    return [(slot.owner, slot.parameters), *within]


def _lines(facts: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(str(label), str(words)) for label, words in facts.items()]


def _as_json(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report as it can be written at the end of a run, when nothing may fail any more."""
    plain: dict[str, Any] = json.loads(json.dumps(dict(report), default=str))
    return plain
