"""What a model file says of itself: the metadata every model in our contract carries inside the ONNX file.

Shape, colour order and range are never guessed from a tensor: a file that carries no card is not in the contract, and
`realtime models add` brings it in.

| kind    | takes                                             | gives                                                  |
| ------- | ------------------------------------------------- | ------------------------------------------------------ |
| style   | `frame` uint8 [1, height, width, 3] BGR, any size | `frame_out` uint8 [1, height, width, 3] BGR            |
| swap    | `face` uint8 [1, S, S, 3] BGR, an aligned crop;   | `face_out` uint8 as `face`; `mask` uint8 [1, S, S, 1]  |
|         | may be: `identity` float32 [1, D], whose face;    |                                                        |
|         | `morph` float32 [1], 0..1, how far                |                                                        |
| encoder | `face` uint8 [1, S, S, 3] BGR, an aligned crop    | `z` float32 [1, Z], whose face it is                   |
| decoder | `z` float32 [1, Z], a latent code;                | `face_out` uint8 [1, S, S, 3] BGR                      |
|         | may be: `truncation` float32 [1], 1 as it is, 0   |                                                        |
|         | the mean picture; `fine` float32 [1, Z] and       |                                                        |
|         | `layers` float32 [1, L], 0..1: a second code, and |                                                        |
|         | how much of it each layer takes, coarse first     |                                                        |
| morph   | `face` uint8 [1, S, S, 3] BGR, an aligned crop;   | `z` float32 [1, Z], the face as a latent code;         |
|         | `keep` float32 [codes, 1];                        | `face_out` float32 [codes, S, S, 3] BGR, 0..255,       |
|         | `add` float32 [codes, Z]                          | neither rounded nor cut off: what `keep` · z + `add`   |
|         |                                                   | are drawn as, for any count of codes                   |
| motion  | `face` uint8 [1, S, S, 3] BGR, an aligned crop;   | `motion` float32 [1, M], how it is held;               |
|         |                                                   | `features` float32 [1, F], how it looks                |
|         | `source_features` float32 [1, F];                 | `face_out` uint8 [1, T, T, 3] BGR, the source moved;   |
|         | `source_motion`, `rest_motion`, `driving_motion`  | `mask` uint8 [1, T, T, 1], how much of each pixel is   |
|         | float32 [1, M]                                    | new: moved, or not seen in the source                  |

Whatever a network wants inside (RGB, 0..1, NCHW, sides that are multiples of 8) is done by the graph.

An `identity` is what one certain encoder gives for a crop of the wanted face, cut once, as that encoder's own card
says. Numbers of another encoder mean somebody else, or nobody: so both cards carry the fingerprint of the network.

A morph is both halves of an autoencoder in one file. Two codes drawn in one run, one as the face is and one changed,
differ by what the change alone does; that is carried onto the viewer's own pixels, so it keeps its fractions.

A motion model animates a picture, the source, by the filmed face of somebody, the driving one. Its graph is three that
share nothing: `face` to `motion`, `face` to `features`, and the rest to `face_out` and `mask`; so the program opens
each by itself, finds a source's features once, and for each picture of the film does only what it must. Motions are
numbers that the network alone understands. The source is moved as `driving_motion` differs from `rest_motion`, that of
the driving face when it is held as the source's is; with the source's own motion as `rest_motion` it is held just as
the driving face is.
"""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Mapping

from realtime.core.errors import ModelError, nearest
from realtime.core.language import _

PREFIX = "realtime."
KIND_KEY = f"{PREFIX}kind"
"""Every model in our contract has it, and no other."""
CONTRACT_VERSION = 1


class ModelKind(enum.Enum):
    """What a model is for, and with it the names and types of its inputs and outputs."""

    STYLE = "style"
    SWAP = "swap"
    IDENTITY_ENCODER = "encoder"
    """Face recognition: its numbers tell people apart, and draw nobody."""
    LATENT_DECODER = "decoder"
    """The second half of an autoencoder, or a generator: a face for each code."""
    MORPH = "morph"
    """Both halves of an autoencoder: its codes are drawn as the face they were made of."""
    MOTION = "motion"
    """A picture of a face, moved as a filmed face moves."""


INPUT_NAMES: Mapping[ModelKind, tuple[str, ...]] = {
    ModelKind.STYLE: ("frame",),
    ModelKind.SWAP: ("face",),
    ModelKind.IDENTITY_ENCODER: ("face",),
    ModelKind.LATENT_DECODER: ("z",),
    ModelKind.MORPH: ("face", "keep", "add"),
    ModelKind.MOTION: ("face", "source_features", "source_motion", "rest_motion", "driving_motion"),
}
OPTIONAL_INPUT_NAMES: Mapping[ModelKind, tuple[str, ...]] = {
    ModelKind.SWAP: ("identity", "morph"),
    ModelKind.LATENT_DECODER: ("truncation", "fine", "layers"),
}
"""What a model may also take; which of them it does, its own ports say."""
OUTPUT_NAMES: Mapping[ModelKind, tuple[str, ...]] = {
    ModelKind.STYLE: ("frame_out",),
    ModelKind.SWAP: ("face_out", "mask"),
    ModelKind.IDENTITY_ENCODER: ("z",),
    ModelKind.LATENT_DECODER: ("face_out",),
    ModelKind.MORPH: ("z", "face_out"),
    ModelKind.MOTION: ("motion", "features", "face_out", "mask"),
}
HEIGHT, WIDTH, CODES = "height", "width", "codes"
FREE_DIMENSIONS: Mapping[ModelKind, tuple[str, ...]] = {ModelKind.STYLE: (HEIGHT, WIDTH), ModelKind.MORPH: (CODES,)}
"""The names of dimensions that are free; a session may fix them, so that shapes are folded away."""
LATENT_SPACE_KEY = f"{PREFIX}latent_space"
MOST_LATENT_SPACE = 1_000_000
"""Letters of that entry; twelve directions of 200 numbers take 25,000."""


@dataclasses.dataclass(frozen=True, slots=True)
class ModelCard:
    """The card of one model. Every field but `kind` may be empty; `about` and `title` are shown to people."""

    kind: ModelKind
    title: str = ""
    """A short name for people: `Starry night`."""
    about: str = ""
    """One sentence: what it does to a picture."""
    credit: str = ""
    """Whose work it repaints with, or who made the network."""
    licence: str = ""
    trained_on: str = ""
    """The data, and the terms that data stands under."""
    network: str = ""
    """The layout of the network: `brush`, `fast_neural_style`, `cyclegan_resnet` …"""
    made_by: str = ""
    """Program and version that wrote the file."""
    least_px: int = 0
    """The smallest side the network takes, 0 where any will do."""
    alignment: str = ""
    """All kinds but style: how the face lies in its crop, a text of `realtime.faces.landmarks.alignment`; empty:
    `face`, the crop of the networks trained here."""
    fingerprint: str = ""
    """encoder: the SHA-256 of the network's file as it came, by which its numbers are known. Set when it is added."""
    identity_model: str = ""
    """swap with `identity`: the name of the encoder in the library that makes it."""
    identity_fingerprint: str = ""
    """swap with `identity`: the `fingerprint` of that encoder."""
    morph: float | None = None
    """swap with `morph`: what it is where nobody says otherwise, 0..1."""
    latent_space: str = ""
    """morph, decoder: what is known of its codes, a text of `realtime.models.latent_space`; empty: nothing."""

    @classmethod
    def read(cls, metadata: Mapping[str, str], where: str) -> ModelCard:
        """Read it from a file's metadata. `where` names the file in messages.

        Raises ModelError for a file without a card, of a newer contract, or with a value that cannot be.
        """
        own = {key.removeprefix(PREFIX): value for key, value in metadata.items() if key.startswith(PREFIX)}
        if "kind" not in own:
            raise ModelError(
                _("{where} is not in this program's contract; `realtime models add {where}` brings it in", where=where)
            )
        contract = own.pop("contract", "")
        if not contract.isdecimal():
            raise ModelError(_("{where} names no contract version; export or add it again", where=where))
        if int(contract) > CONTRACT_VERSION:
            raise ModelError(
                _(
                    "{where} needs a newer version of this program (contract {contract}); upgrade it",
                    where=where,
                    contract=contract,
                )
            )
        kinds = [kind.value for kind in ModelKind]
        if own["kind"] not in kinds:
            raise ModelError(
                _(
                    "{where} is of kind '{own}'{hint}; known: {kinds}",
                    where=where,
                    own=own["kind"],
                    hint=nearest(own["kind"], kinds),
                    kinds=kinds,
                )
            )
        least_px = own.pop("least_px", "") or "0"
        if not least_px.isdecimal():
            raise ModelError(
                _(
                    "{where}: least_px is '{least_px}', not a whole number; export or add it again",
                    where=where,
                    least_px=least_px,
                )
            )
        morph = own.pop("morph", "")
        if morph and not re.fullmatch(r"0(\.\d+)?|1(\.0+)?", morph):
            raise ModelError(
                _(
                    "{where}: morph is '{morph}', not a number from 0 to 1; export or add it again",
                    where=where,
                    morph=morph,
                )
            )
        for key in ("fingerprint", "identity_fingerprint"):
            if own.get(key) and not re.fullmatch("[0-9a-f]{64}", own[key]):
                raise ModelError(_("{where}: its {key} is no SHA-256; add it again", where=where, key=key))
        kind = ModelKind(own.pop("kind"))
        texts = {field.name for field in dataclasses.fields(cls)} - {"kind", "least_px", "morph"}
        # A key of a later version is no fault: what it would have changed is guarded by the contract's number.
        return cls(
            kind=kind,
            least_px=int(least_px),
            morph=float(morph) if morph else None,
            **{key: text for key, text in own.items() if key in texts},
        )

    def metadata(self) -> dict[str, str]:
        """Return what is written into the file's `metadata_props`; empty fields are left out."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values |= {"kind": self.kind.value, "contract": CONTRACT_VERSION}
        if self.morph is not None:
            values["morph"] = f"{self.morph:.4f}"  # 0 is an answer too
        return {f"{PREFIX}{key}": str(value) for key, value in values.items() if value}
