"""The supervisor beside the loop: obeys commands, looks after the other parts, and tells what is going on."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from realtime.cameras import Camera, CameraInfo
from realtime.control.channel import ControlChannel, Status
from realtime.control.commands import (
    ChooseBackground,
    ChooseEffect,
    ChooseItem,
    ChooseScene,
    ChooseSource,
    Command,
    KeepFace,
    KeepScene,
    LearnRest,
    NextParameter,
    Quit,
    ReopenCamera,
    SaveSnapshot,
    SetBlank,
    SetInCalls,
    SetMirrored,
    SetParameter,
    SetPaused,
    SetRecording,
    StepEffect,
    StepParameter,
    StepScene,
)
from realtime.control.front_end import FrontEnd
from realtime.core.errors import FAULTS, OnceLogger, OptionError, OutputError
from realtime.core.language import N_, _
from realtime.core.titles import effect_title
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.effect_menu import EffectMenu
from realtime.pipeline.render_loop import RenderLoop
from realtime.session.in_calls import InCalls
from realtime.session.scenes.live import Scenes
from realtime.session.snapshots import Snapshots

log = logging.getLogger(__name__)

_STATUS_EVERY_S = 0.25
_AT_LAST_S = 5.0  # an effect that is being opened by a key is waited for at the end;
_SOON_S = 0.5  # where somebody waits for it, not much
_NOTHING_RESTS = N_("no effect here asks how your face is at rest")
_PLAIN = "none"
_COMMAND_PATIENCE_S = 60.0  # a recording that is stopped by a key is finished first


class Supervisor:
    """Attends to a running loop. All methods: main thread."""

    def __init__(
        self,
        loop: RenderLoop,
        controls: ControlChannel,
        menu: EffectMenu,
        snapshots: Snapshots,
        open_source: Callable[[str], Camera],
        front_ends: Sequence[FrontEnd] = (),
        in_calls: InCalls | None = None,
    ) -> None:
        """`open_source` opens a source by its spec; any thread. `front_ends`: what stands beside the loop, begun
        already; they are looked after and closed here. `in_calls`: the virtual camera's switch; None: there is none.
        """
        self.on_source: Callable[[str, CameraInfo], None] = lambda spec, info: None
        """Called when another source is read, with what it was asked for by."""
        self.on_processed: Callable[[int], None] = lambda processed: None
        """Called about four times a second with the number of frames made: a progress bar."""
        self.scenes: Scenes | None = None
        """What keeps and brings back scenes; None: there are none in this run."""
        self.source = ""
        """The source in use, as `--source` writes it; empty: the one that was found."""
        self._loop = loop
        self.controls = controls
        self.menu = menu
        self._snapshots = snapshots
        self._open_source = open_source
        self._front_ends = front_ends
        self._in_calls = in_calls
        self._source = loop.capture.info
        self._front_end_faults = OnceLogger(log)
        self._stepped = ""
        self._next_status_s = 0.0
        self._told: set[str] = set()  # of what the effects want to be known
        self._standing: set[str] = set()  # outputs that were told to stand still

    def obey_waiting(self) -> None:
        """Carry out what was asked before the first frame: a gallery that opens at ten must not flash at nine."""
        while (command := self.controls.next_command()) is not None:
            self._obey(command)

    def tick(self) -> None:
        """Carry out a command, and every quarter of a second look after everything else. Cheap: called all the time."""
        command = self.controls.next_command()
        if command is not None:
            self._loop.main_pulse.at(f"the command {type(command).__name__}", _COMMAND_PATIENCE_S)
            self._obey(command)
            self._next_status_s = 0.0  # a switch that is pressed shows at once that it was
        now_s = time.monotonic()
        if now_s >= self._next_status_s:
            self._next_status_s = now_s + _STATUS_EVERY_S
            self.look_after()

    def look_after(self) -> None:
        """Look after everything that is not a command, and publish the status; `tick` does so when it is time."""
        self._loop.main_pulse.at("what the effects tell of themselves")
        self._loop.capture.watch()
        self._notice_another_source()
        if self._in_calls is not None:
            self._in_calls.look_after()
        self._notice_failed_recording()
        self._notice_standing_outputs()
        self._tell_status()
        self.on_processed(self._loop.stats.processed)
        for front_end in self._front_ends:
            self._loop.main_pulse.at(f"the {type(front_end).__name__}")
            try:
                front_end.look_after()
            except FAULTS as error:  # the picture goes on without it
                self._front_end_faults.failure(_("the {part} fails", part=type(front_end).__name__), error)

    def close(self) -> None:
        """Let what is being opened or saved come to its end."""
        for front_end in reversed(self._front_ends):
            try:
                front_end.close()
            except FAULTS as error:
                self._front_end_faults.failure(_("closing the {part} fails", part=type(front_end).__name__), error)
        if self._in_calls is not None:
            self._in_calls.close()
        if self.scenes is not None:
            self.scenes.close()
        self.menu.close(_SOON_S if self._loop.interrupted else _AT_LAST_S)
        self._snapshots.close()

    def _obey(self, command: Command) -> None:
        loop, say = self._loop, self.controls.say
        match command:
            case Quit():
                loop.stop()
            case SetMirrored(on):
                loop.maker.mirrored = not loop.maker.mirrored if on is None else on
                say(_("mirrored") if loop.maker.mirrored else _("not mirrored"))
            case SetPaused(on):
                loop.maker.paused = not loop.maker.paused if on is None else on
            case SetBlank(on):
                self._set_blank(not loop.is_blank if on is None else on)
            case ReopenCamera():
                self._try(loop.capture.reopen)
            case StepEffect(by, fade_s):
                self.menu.step(by, fade_s)
            case ChooseEffect(spec, fade_s, planned):
                self.menu.choose(spec, fade_s, planned=planned)
            case ChooseBackground(spec, fade_s):
                self.menu.choose_background(spec, fade_s)
            case ChooseItem(name):
                self._choose_item(name)
            case ChooseScene() | StepScene() | KeepScene():
                self._obey_scene(command)
            case ChooseSource(spec):
                loop.capture.choose(spec, functools.partial(self._open_source, spec), say)
            case SetParameter(path, value):
                self._set(path, value)
            case StepParameter(steps):
                self._step_parameter(steps)
            case NextParameter():
                self._next_parameter()
            case LearnRest():
                says = _("look straight at the camera for a second") if loop.chain.learn_rest() else _(_NOTHING_RESTS)
                self.controls.say(says)
            case SaveSnapshot():
                if loop.newest is not None:
                    self._snapshots.save_picture(loop.newest)
            case KeepFace(effect):
                self._keep_face(effect)
            case SetInCalls(on):
                if self._in_calls is None:
                    say(_("nothing is live here; no call can take it"))
                else:
                    self._in_calls.set(on)
            case SetRecording(on):
                self._notice_failed_recording()
                if on is None or on == (self._snapshots.recorder is None):
                    self._toggle_recording()

    def _obey_scene(self, command: ChooseScene | StepScene | KeepScene) -> None:
        if self.scenes is None:
            self.controls.say(_("there are no scenes in this run"))
            return
        match command:
            case ChooseScene(name, fade_s):
                self.scenes.choose(name, fade_s)
            case StepScene(by):
                self.scenes.step(by)
            case KeepScene(name, with_source):
                self.scenes.keep(name, self.source if with_source and self.source else None)

    def _keep_face(self, effect: str) -> None:
        kept = self._loop.chain.still_picture()
        if kept is None:
            self.controls.say(_("no effect here makes a face of its own; --effect walk does"))
            return
        self._snapshots.save_face(*kept, lambda path: self._use_face(effect, path))

    def _use_face(self, effect: str, path: Path) -> None:
        """[saving thread]"""
        if effect:
            self.controls.send(ChooseEffect(f"{effect}:{path}"))

    def _set_blank(self, on: bool) -> None:
        if self._loop.every_frame:
            self.controls.say(_("nothing is live here; there is nothing to blank"))
            return
        self._try(lambda: self._loop.set_blank(on))
        self._tell_status()

    def _try(self, change: Callable[[], None]) -> None:
        try:
            change()
        except RuntimeError as error:  # no further thread now
            self._say(_("the camera cannot be opened now: {reason}", reason=error))

    def _choose_item(self, name: str) -> None:
        if self.controls.programme is None:
            self.controls.say(_("no programme runs here; choose an effect instead"))
            return
        try:
            self.controls.programme.choose(name)
        except OptionError as error:
            self._say(str(error))

    def _set(self, path: str, value: object) -> None:
        try:
            self.controls.parameters.set(path, value)
        except OptionError as error:
            self.controls.say(str(error))

    def _step_parameter(self, steps: int) -> None:
        path = self._stepped_parameter()
        if path:
            self.controls.parameters.step(path, steps)
        self.controls.say(
            self._shown(path)
            or _("{titles} has no strength to change", titles=" + ".join(self._titles()) or _("this effect"))
        )

    def _next_parameter(self) -> None:
        paths, path = self._loop.chain.stepped, self._stepped_parameter()
        if len(paths) < 2:
            self.controls.say(_("up and down change nothing else here"))
            return
        self._stepped = paths[(paths.index(path) + 1) % len(paths)]
        self.controls.say(_("up and down: {stepped}", stepped=self._shown(self._stepped)))

    def _stepped_parameter(self) -> str:
        """Return the path of what up and down change now; empty: nothing."""
        paths = self._loop.chain.stepped
        if self._stepped not in paths:
            self._stepped = paths[0] if paths else ""
        return self._stepped

    def _shown(self, path: str) -> str:
        """Return a parameter as people read it: `strength 70%`, in a chain `Night: strength 70%`."""
        shown = next(
            (f"{one.title} {one.text(value)}" for at, one, value in self.controls.parameters.list() if at == path), ""
        )
        slots = list(self._loop.chain.slots)
        of_it = [slot for slot in slots if path.startswith(f"{slot.owner}.")]
        return f"{effect_title(of_it[0].spec)}: {shown}" if shown and of_it and len(slots) > 1 else shown

    def _toggle_recording(self) -> None:
        recorder = self._snapshots.recorder
        if recorder is not None:
            self._loop.remove(recorder)
            self._snapshots.recording_stopped()
            return
        newest = self._loop.newest
        is_seen_through = newest is not None and newest.opacity is not None
        try:
            self._loop.add(self._snapshots.start_recording(is_seen_through=is_seen_through))
        except OutputError as error:
            self.controls.say(str(error))

    def _notice_another_source(self) -> None:
        capture = self._loop.capture
        if capture.chosen and capture.info is not self._source:
            self._source, self.source = capture.info, capture.chosen
            self.on_source(capture.chosen, capture.info)

    def _notice_failed_recording(self) -> None:
        """The loop has taken out and closed a recorder that could not go on: say so where somebody looks."""
        recorder = self._snapshots.recorder
        if recorder is None or any(output_worker.output is recorder for output_worker in self._loop.output_workers):
            return
        outputs = reversed(self._loop.stats.outputs)
        reason = next((output.failure for output in outputs if output.name == recorder.name), "")
        self._snapshots.recording_failed(reason or _("the recording {name} has ended", name=recorder.name))

    def _notice_standing_outputs(self) -> None:
        """Say it once when an output takes nothing any more, and when it does again."""
        for output_worker in self._loop.output_workers:
            stands = (
                output_worker.is_stuck and not output_worker.output.on_main_thread
            )  # a window that stands is the watchdog's
            if stands and output_worker.title not in self._standing:
                self._standing.add(output_worker.title)
                self._say(
                    _(
                        "{title} has taken no picture for {stuck_s:.0f} s",
                        title=output_worker.title,
                        stuck_s=output_worker.stuck_for_s(),
                    )
                )
            elif not stands and output_worker.title in self._standing:
                self._standing.remove(output_worker.title)
                self._say(_("{title} takes pictures again", title=output_worker.title))

    def _say(self, line: str) -> None:
        log.warning("%s", line)
        self.controls.say(line)

    def _parameter_facts(self) -> Iterator[tuple[str, str]]:
        """What up and down change, for the HUD."""
        path = self._stepped_parameter()
        for at, one, value in self.controls.parameters.list():
            if at == path:
                yield one.title, one.text(value)

    def _front_end_facts(self) -> Iterator[tuple[str, str]]:
        for front_end in self._front_ends:
            try:
                yield from front_end.facts()
            except FAULTS as error:
                self._front_end_faults.failure(_("the {part} fails", part=type(front_end).__name__), error)

    def _titles(self) -> tuple[str, ...]:
        """The effects in use, as people call them, the background last. One that changes nothing is named where it is
        alone.
        """
        slots = sorted(self._loop.chain.slots, key=lambda slot: slot.traits.is_background)
        specs = [slot.spec for slot in slots]
        telling = [spec for spec in specs if spec != _PLAIN] or specs
        return tuple(map(effect_title, telling))

    def _notices(self) -> Iterator[str]:
        """What whoever sits before the picture ought to know now."""
        loop = self._loop
        if loop.capture.is_lost:
            yield _("the camera gives no picture; it is being looked for")
        elif loop.chain.uses_faces and not loop.maker.faces_in_view and not loop.is_blank:
            yield _("nobody is seen")
        if loop.chain.background_is_covered:
            yield _("what is shown now is no picture of you; your background is there again with the next look")
        for notice in loop.chain.notices():
            if notice not in self._told:  # once where nobody has asked for it
                self._told.add(notice)
                self.controls.say(notice)
            yield notice

    def _tell_status(self) -> None:
        status = self._status()
        if not self._loop.chain.is_closed:  # else it may say of half of the run that it has ended: the last one stays
            self.controls.status = status

    def _status(self) -> Status:
        loop, stats = self._loop, self._loop.stats
        loop.chain.describe()
        titles = loop.chain.titles
        computing = [*(["faces"] if loop.chain.uses_faces else []), *titles]
        running = {"read", *(f"effect {title}" for title in titles)}
        if loop.chain.uses_faces:
            running |= {"detect", "track"}
        shown = [
            output_worker for output_worker in loop.output_workers if output_worker.output.on_main_thread
        ] or loop.output_workers
        source_spec = self.source
        drops = [("before", stats.dropped_before_processing)]
        drops += [(output.name, output.dropped) for output in stats.outputs]
        return Status(
            effect=" + ".join(titles) or "none",
            spec=_spec_of(loop.chain),
            background=loop.chain.background_spec,
            titles=self._titles(),
            source=str(stats.source.get("name", "")),
            source_spec="" if "://" in source_spec else source_spec,
            provider=", ".join(dict.fromkeys(stats.providers[name] for name in computing if name in stats.providers)),
            fps=stats.recent_fps(),
            age_ms=shown[0].stats.age.recent_ms() if shown else 0.0,
            stage_ms=tuple((name, times.recent_ms()) for name, times in list(stats.stages.items()) if name in running),
            dropped=tuple(drops),
            facts=(*loop.chain.facts(), *self._parameter_facts(), *self._front_end_facts()),
            faces=loop.maker.faces_in_view,
            looks_for_faces=loop.chain.uses_faces,
            notices=tuple(self._notices()),
            mirrored=loop.maker.mirrored,
            paused=loop.maker.paused,
            blank=loop.is_blank,
            recording=self._snapshots.recording,
            virtual_camera="" if self._in_calls is None else self._in_calls.device,
            synthetic=loop.chain.is_synthetic,
            hides_people=loop.chain.hides_people,
            hides_surroundings=loop.chain.hides_surroundings,
            frames=stats.processed,
            shown_at_s=max((at_s for one in stats.outputs if (at_s := one.shown_at_s) is not None), default=None),
            source_lost=loop.capture.is_lost,
            restarts=stats.restarts_by_stage,
            notice=self.controls.notice,
            programme=None if self.controls.programme is None else self.controls.programme.status,
            viewers_by_hour=stats.viewers.by_hour(),
            scene="" if self.scenes is None else self.scenes.current,
        )


def _spec_of(chain: EffectChain) -> str:
    """Return what is to be seen of a chain: its look, or the background where that is all there is."""
    look, background = chain.look_spec, chain.background_spec
    return background or look if look in ("", _PLAIN) else look
