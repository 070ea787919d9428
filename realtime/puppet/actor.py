"""One head on the canvas and whoever moves it."""

from __future__ import annotations

from realtime.imaging.frame import Face, Pixels
from realtime.imaging.pixels import Place
from realtime.puppet.driver import Strengths, ViewerDriver
from realtime.puppet.engine_figure import EngineFigure
from realtime.puppet.figure import Figure
from realtime.puppet.filmed_face import FilmedFace
from realtime.puppet.pose import AT_REST, Pose


class Actor:
    """Follows a viewer with a figure of either kind. Used by one thread, but for `learn_rest`."""

    def __init__(self, figure: Figure | EngineFigure, place: Place, seed: int) -> None:
        """`place`: what the figure changes of the canvas; `seed`: of what it does by chance where nobody is there.

        Raises ModelError when a model file cannot be read.
        """
        self.figure, self.place = figure, place
        self.driver = ViewerDriver(seed)
        self.pose: Pose = AT_REST
        """That of the last picture."""
        self._film = FilmedFace()
        self._shown = 0

    def follow(self, pixels: Pixels, face: Face | None, pts_s: float, strengths: Strengths, *, flipped: bool) -> bool:
        """Look at a frame, in which `face` moves it, and return whether there is anything new to draw."""
        former, self.pose = self.pose, self.driver.pose(pixels, face, pts_s, strengths, flipped=flipped)
        if isinstance(self.figure, Figure):
            return self.pose != former
        if self.driver.is_learning:
            self._film.forget()
        seen = self.driver.seen
        if seen is not None and self.driver.is_followed:
            filmed = self._film.see(pixels, seen, self.driver.viewer_pose, pts_s, flipped=flipped)
            self.figure.ask(self.pose, filmed)
        elif not self.driver.is_held:
            self.figure.ask(self.pose, None)
        return self.figure.finished != self._shown

    def draw(self, picture: Pixels) -> None:
        """Draw it as it is now. Raises what an engine raised."""
        if isinstance(self.figure, Figure):
            self.figure.draw(self.pose, self.place.of(picture))
            return
        self._shown = self.figure.finished
        self.figure.draw(self.place.of(picture))

    def learn_rest(self) -> None:
        """[any thread] Take what the viewer's face does within the next second for its rest."""
        self.driver.learn_rest()
