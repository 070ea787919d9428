"""What a user may say about a face network."""

from __future__ import annotations

import dataclasses

from realtime.core.errors import OptionError
from realtime.core.language import _
from realtime.faces.landmarks.alignment import Alignment
from realtime.model_import.face.architectures import DFM_ALIGNMENT
from realtime.model_import.hints import ImportHints
from realtime.models.source_file import SourceFile


@dataclasses.dataclass(frozen=True, slots=True)
class FaceImportHints:
    """None and empty where the file, or its architecture, shall tell."""

    network: ImportHints = ImportHints()
    """Ranges, layouts and colours, as of any network."""
    alignment: str = ""
    """How a face lies in its crop, a text of `realtime.faces.landmarks.alignment`."""
    coverage: float | None = None
    x: float | None = None
    y: float | None = None
    """Of a DFM file: in place of one or more numbers of its alignment."""
    morph: float | None = None
    """Where `morph` begins."""
    identity_model: SourceFile | None = None
    """The network that makes an identity, as its maker wrote it or as a model of ours."""
    identity_converter: SourceFile | None = None
    """A network between the two, for swappers that were trained with another."""

    def alignment_of(self, usual: str) -> tuple[str, str]:
        """Return the text for the card, and where it is known from. Raises ModelError and OptionError."""
        numbers = {"coverage": self.coverage, "x": self.x, "y": self.y}
        options = [f"--{name}" for name, value in numbers.items() if value is not None]
        if self.alignment:
            if options:
                raise OptionError(
                    _(
                        "say {options} inside --alignment, as in --alignment '{dfm_alignment}'",
                        options=" and ".join(options),
                        dfm_alignment=DFM_ALIGNMENT,
                    )
                )
            Alignment.parse(self.alignment)
            return self.alignment.strip(), _("your --alignment")
        if not options:
            return (
                usual,
                _("usual; --set swap.coverage=N moves it") if usual == DFM_ALIGNMENT else _("its maker's own program"),
            )
        if not usual.startswith("mesh "):
            raise OptionError(
                _(
                    "{options} are for DFM files; this one's crop is '{usual}'",
                    options=" and ".join(options),
                    usual=usual or _("not known"),
                )
            )
        words = dict(word.split("=") for word in usual.split()[1:])
        words |= {name: f"{value:g}" for name, value in numbers.items() if value is not None}
        text = " ".join(["mesh", *(f"{name}={value}" for name, value in words.items())])
        Alignment.parse(text)
        return text, _("your {options}", options=" and ".join(options))
