"""What is being typed into a field, until Enter or Escape."""

from __future__ import annotations

import dataclasses

from realtime.imaging.sdl import pygame

_LONGEST = 200
"""Letters: no label, name or path that is typed is longer."""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A text and where in it the caret stands."""

    path: str
    """Of the parameter."""
    text: str
    caret: int
    composing: str = ""
    """What an input method is still composing: it stands at the caret, and is no part of the text yet."""

    @classmethod
    def begun(cls, path: str, text: str) -> Entry:
        """Return a field that was just opened, its caret at the end."""
        return cls(path, text, len(text))

    def with_typed(self, letters: str) -> Entry:
        """Return it with letters at the caret; what cannot be seen, such as a line break, is left out."""
        letters = "".join(letter for letter in letters if letter.isprintable())[: max(0, _LONGEST - len(self.text))]
        text = self.text[: self.caret] + letters + self.text[self.caret :]
        return Entry(self.path, text, self.caret + len(letters))

    def after_key(self, key: int) -> Entry:
        """Return it after a key that moves the caret or erases; the same after any other."""
        text, caret = self.text, self.caret
        match key:
            case pygame.K_BACKSPACE if caret:
                return Entry(self.path, text[: caret - 1] + text[caret:], caret - 1)
            case pygame.K_DELETE:
                return Entry(self.path, text[:caret] + text[caret + 1 :], caret)
            case pygame.K_LEFT:
                return dataclasses.replace(self, caret=max(0, caret - 1))
            case pygame.K_RIGHT:
                return dataclasses.replace(self, caret=min(len(text), caret + 1))
            case pygame.K_HOME:
                return dataclasses.replace(self, caret=0)
            case pygame.K_END:
                return dataclasses.replace(self, caret=len(text))
        return self
