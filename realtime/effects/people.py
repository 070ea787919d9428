"""Where people are in the moment that effects are asked about: found once, however many of them want to know."""

from __future__ import annotations

from realtime.effects.scene import Scene
from realtime.person.finder import PersonFinder
from realtime.person.mask import PersonMask


def people_in(scene: Scene, finder: PersonFinder) -> PersonMask:
    """Return the mask for a scene's picture, by `finder` if nobody has asked before. Raises ModelError."""
    if scene.captured.size != scene.frame.size:  # an effect in front has drawn a picture of its own
        return finder.find(scene.frame)
    return scene.once(PersonMask, lambda: finder.find(scene.captured))
