"""A film or a folder that is made under a hidden name, and has the name asked for once it is whole."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from realtime.core.errors import OutputError
from realtime.core.files import MEANWHILE, put_in_free_place, put_in_place, remove, replace_folder
from realtime.core.language import _


@dataclasses.dataclass(frozen=True, slots=True)
class UnnamedResult:
    """A film or a folder of pictures that has no name yet."""

    unfinished: Path
    result: Path
    """The name asked for."""
    overwrite: bool

    def give_name(self) -> Path:
        """Give it the name asked for, and return that. Raises OutputError where somebody else has taken it since the
        beginning, or it cannot be had; what was made is kept then, under a name beside it.
        """
        try:
            if not self.overwrite and not self._is_empty_folder():
                put_in_place(self.unfinished, self.result)
            elif self.result.is_dir():
                replace_folder(self.unfinished, self.result)
            else:
                self.unfinished.replace(self.result)
        except FileExistsError:
            where = self._moved_beside(self.result)
            raise OutputError(f"{self.result} {_(MEANWHILE)} {where}") from None
        except OSError as error:
            raise OutputError(
                _(
                    "cannot write {result}: {reason}; {rest}",
                    result=self.result,
                    reason=error.strerror or error,
                    rest=self._rest(),
                )
            ) from error
        return self.result

    def give_name_of_its_own(self, reason: str) -> Path:
        """Give it a name beside the one asked for, `name-why.suffix`, that replaces nothing, and return it."""
        return self._moved_beside(self.result.with_name(f"{self.result.stem}-{reason}{self.result.suffix}"))

    def keep_for(self, lack: str) -> str:
        """Give it a name that tells what it lacks, and say in words where it is, if it still is."""
        return (
            _("what was made is kept in {kept}", kept=self.give_name_of_its_own(lack))
            if self._is_there()
            else self._rest()
        )

    def discard(self) -> None:
        """Remove it. Raises nothing."""
        remove(self.unfinished)

    def _is_there(self) -> bool:
        return os.path.lexists(self.unfinished)

    def _rest(self) -> str:
        if self._is_there():
            return _("what was made is kept in {unfinished}", unfinished=self.unfinished)
        return _("what was made was deleted meanwhile, render again")

    def _moved_beside(self, path: Path) -> Path:
        try:
            return put_in_free_place(self.unfinished, path)
        except OSError:
            return self.unfinished  # hidden, but there

    def _is_empty_folder(self) -> bool:
        return self.result.is_dir() and not any(self.result.iterdir())
