"""What pictures carry behind the last effect: the label where they are synthetic, and how they were made."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from realtime.core.errors import OnceLogger
from realtime.core.language import N_, _
from realtime.core.stats import RunStats
from realtime.disclosure.label import Label
from realtime.imaging.frame import Frame, Pixels
from realtime.imaging.pixels import RESTING_BGR
from realtime.imaging.provenance import ALTERED, SYNTHETIC, Provenance

log = logging.getLogger(__name__)

_NO_LABEL = N_(
    "no label says that these pictures are synthetic; many countries and platforms require one, and who sees them must"
    " not be deceived: leave out --no-label unless you label them yourself"
)


class Marked(Protocol):
    """What decides how an effect's pictures are marked."""

    @property
    def synthetic(self) -> bool: ...
    @property
    def uses_pixels(self) -> bool: ...


class Marking:
    """Marks the pictures of a chain. Used by the processing thread, but for `prepare`."""

    def __init__(self, label: Label | None, source_type: str, stats: RunStats) -> None:
        """`label`: None: synthetic pictures go without. `source_type`: what the source says of itself, as
        `Provenance.source_type`; no effect makes a synthetic film less so.
        """
        self._label = label
        self._source_type = source_type
        self._stats = stats
        self._is_missing_label_told = False
        self._is_synthetic = False
        self._untouched = self._made = Provenance(())
        self._last_marked: Pixels | None = None
        self._failures = OnceLogger(log)

    def tell_source(self, source_type: str) -> None:
        """Take note of what another source says of itself; `begin` comes next. Any thread."""
        self._source_type = source_type

    def prepare(self, effect: Marked) -> None:
        """Do now what would hold up this effect's first picture. Any thread."""
        try:
            if effect.synthetic and self._label is not None:
                self._label.prepare()
        except Exception as error:  # it is tried again when the first picture is marked
            log.debug("preparing the label", exc_info=error)

    def begin(self, public_names: Sequence[str], effects: Sequence[Marked]) -> None:
        """Take note of the effects that make the pictures from now on."""
        self._last_marked = None
        names = tuple(public_names)
        self._is_synthetic = any(effect.synthetic for effect in effects)
        draws_its_own = any(not effect.uses_pixels for effect in effects)
        self._untouched = Provenance(names, SYNTHETIC if self._is_synthetic else self._source_type)
        made = Provenance(names, SYNTHETIC if self._is_synthetic or draws_its_own else ALTERED)
        self._made = made.together_with(self._untouched)
        if self._is_synthetic and self._label is None and not self._is_missing_label_told:
            self._is_missing_label_told = True
            log.warning(_(_NO_LABEL))

    def mark(self, picture: Frame, frame: Frame, *, may_write: bool) -> Frame:
        """Return the last effect's picture of a frame, marked; a synthetic one is never shown without. `may_write`: its
        pixels are nobody else's.
        """
        try:
            marked = self._marked(picture, frame, may_write=may_write)
        except Exception as error:  # the show goes on
            self._failures.failure(_("the label fails"), error)
            if not self._is_synthetic:
                return picture
            if self._last_marked is None:
                self._last_marked = np.full_like(picture.pixels, RESTING_BGR)
            return picture.with_pixels(self._last_marked)
        self._last_marked = marked.pixels
        return marked

    def _marked(self, picture: Frame, frame: Frame, *, may_write: bool) -> Frame:
        if self._is_synthetic:
            picture = self._labelled(picture, may_write=may_write)
        is_untouched = picture.pixels is frame.pixels
        return dataclasses.replace(picture, provenance=self._untouched if is_untouched else self._made)

    def _labelled(self, picture: Frame, *, may_write: bool) -> Frame:
        self._stats.synthetic += 1
        if self._label is None:
            return picture
        began_s = time.perf_counter()
        picture = self._label.put_on(picture, may_write=may_write)
        self._stats.labelled += 1
        self._stats.stage("label").add(time.perf_counter() - began_s)
        return picture
