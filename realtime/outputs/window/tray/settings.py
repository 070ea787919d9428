"""What a hand does to the parameters of what runs: steps, sets them, and goes back to what they were."""

from __future__ import annotations

from realtime.control.channel import ControlChannel
from realtime.core.errors import OptionError
from realtime.core.language import _
from realtime.core.settings import Kind, Value
from realtime.outputs.window.tray.state import settings_of
from realtime.outputs.window.tray.values import Setting


class Settings:
    """The parameters that a tray shows. Main thread; what cannot be set says why in the window."""

    def __init__(self, controls: ControlChannel) -> None:
        self.is_behind = False
        """Whether the background's come first."""
        self._controls = controls

    def now(self) -> tuple[Setting, ...]:
        """Return what can be set, in the order in which it is drawn."""
        return settings_of(self._controls, self._controls.status, is_behind=self.is_behind)

    def find(self, path: str) -> Setting | None:
        """Return a setting as it is now: what was drawn may be a moment old."""
        return next((one for one in self.now() if one.path == path), None)

    def set(self, path: str, value: Value) -> None:
        """Set one."""
        try:
            self._controls.parameters.set(path, value)
        except OptionError as error:
            self._controls.say(str(error))

    def step(self, path: str, notches: int) -> None:
        """Change one by so many notches of the wheel."""
        setting = self.find(path)
        if setting is not None and setting.about.kind not in (Kind.FILE, Kind.TEXT):
            self.set(path, setting.stepped(notches))

    def step_first(self, notches: int) -> None:
        """Change the first slider."""
        first = next((setting for setting in self.now() if setting.is_slider), None)
        if first is not None:
            self.step(first.path, notches)

    def reset(self, path: str) -> None:
        """Go back to what one is where nobody says anything, and say so."""
        setting = self.find(path)
        if setting is None:
            return
        value = setting.default(self._controls.parameters.opened_with(path.partition(".")[0]))
        self.set(path, value)
        self._controls.say(_("{title}: back to {text}", title=setting.title, text=setting._replace(value=value).text))
