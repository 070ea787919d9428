"""What there is to choose, put together from what was listed, what was added since, and the scenes."""

from __future__ import annotations

import dataclasses
import threading

from realtime.control.offers import Category, Offer
from realtime.core.language import N_


class CategoryList:
    """Any thread may ask and change it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listed: tuple[Category, ...] = ()
        self._scenes = Category(N_("Scenes"))
        self._added: tuple[tuple[str, Offer], ...] = ()  # category and offer, since the start
        self.categories: tuple[Category, ...] = ()
        """All together, the scenes last; the same object for as long as nothing changes."""

    def get(self, name: str | None) -> Category | None:
        return next((category for category in self.categories if category.name == name), None)

    def set_listed(self, categories: tuple[Category, ...]) -> None:
        """Take what there is, in place of what there was; what was added since the start stays."""
        with self._lock:
            self._listed = categories
            self._put_together()

    def set_scenes(self, scenes: Category) -> None:
        with self._lock:
            if scenes != self._scenes:
                self._scenes = scenes
                self._put_together()

    def add(self, category: str, offer: Offer) -> None:
        """Put an offer on a category, in the place of one with its spec."""
        with self._lock:
            if any(one.spec == offer.spec for _, one in self._added):
                self._added = tuple((on, offer if one.spec == offer.spec else one) for on, one in self._added)
            else:
                self._added = (*self._added, (category, offer))
            self._put_together()

    def remove(self, spec: str) -> None:
        """Take an offer away that was added."""
        with self._lock:
            self._added = tuple((on, one) for on, one in self._added if one.spec != spec)
            self._put_together()

    def _put_together(self) -> None:
        """[with _lock] Lay what was added beside what was listed."""
        listed = {offer.spec for category in self._listed for offer in category.offers}
        categories = []
        for category in self._listed:
            added = [offer for on, offer in self._added if on == category.name and offer.spec not in listed]
            categories.append(dataclasses.replace(category, offers=(*category.offers, *added)) if added else category)
        together = (*categories, self._scenes) if categories else ()
        if together != self.categories:
            self.categories = together
