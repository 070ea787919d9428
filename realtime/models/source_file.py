"""A model file from outside, on its way in: its header read once, and what it must be before anything loads it."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import TYPE_CHECKING

from realtime.core.errors import ModelError
from realtime.core.language import _
from realtime.models.card import KIND_KEY, ModelCard
from realtime.models.file_safety import check_safe, read_header
from realtime.models.onnx_header import ModelHeader

if TYPE_CHECKING:
    import onnx


@dataclasses.dataclass(frozen=True)
class SourceFile:
    """A model file from outside. Its header is read once, when it is first asked for, and goes with it from step to
    step and into other processes.
    """

    path: Path

    @classmethod
    def of(cls, file: Path | SourceFile) -> SourceFile:
        return file if isinstance(file, SourceFile) else cls(file)

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.path.name

    @property
    def header(self) -> ModelHeader:
        """What its bytes say of it. Raises ModelError for what is no ONNX file."""
        return self._header_and_state[0]

    @functools.cached_property
    def _header_and_state(self) -> tuple[ModelHeader, tuple[int, ...]]:
        state = _state(self.path)  # before it is read: what is written meanwhile shows in `check`
        return read_header(self.path), state

    @property
    def card(self) -> ModelCard | None:
        """Its card where it is in our contract, None for other people's and for what is no file. Raises ModelError."""
        if self.path.suffix.lower() != ".onnx" or not self.path.is_file():
            return None
        metadata = self.header.metadata
        return ModelCard.read(metadata, str(self.path)) if KIND_KEY in metadata else None

    @property
    def files(self) -> tuple[Path, ...]:
        """The file, and those beside it that hold its weights. Raises ModelError."""
        return self.path, *(self.path.parent / name for name in self.header.external_files)

    def check(self) -> None:
        """Raise ModelError, one line, for a file that must not be loaded: see `check_safe`. One that was written to
        since its header was read is another file, of which nothing is known.
        """
        header, state = self._header_and_state
        if _state(self.path) != state:
            raise ModelError(
                _("{path} changed while it was read; wait until it is whole, and add it again", path=self.path)
            )
        check_safe(self.path, header)

    def load(self) -> onnx.ModelProto:
        """Return it with its weights inside. Raises ModelError where it must not be, or cannot be loaded."""
        import onnx  # a quarter of a second and 18 MB, which nobody pays who only runs models

        self.check()
        try:
            return onnx.load_model(str(self.path))
        except Exception as error:  # the protocol buffer's own errors, and those of weights that are cut short
            raise ModelError(
                _(
                    "{path} cannot be read: {reason}; export or download it again",
                    path=self.path,
                    reason=last_line(error),
                )
            ) from error

    def content(self) -> bytes:
        """Return its bytes, with the weights that lie beside it inside. Raises ModelError."""
        if len(self.files) == 1:
            self.check()
            return self.path.read_bytes()
        return bytes(self.load().SerializeToString())


def _state(path: Path) -> tuple[int, ...]:
    """Return what changes when a file is written to or replaced; nothing where there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):  # reading it says what is wrong
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def last_line(error: BaseException) -> str:
    """Return the last line of what a library says: the first ones often name its own files."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:160] if lines else type(error).__name__
