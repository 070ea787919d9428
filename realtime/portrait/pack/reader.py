"""A pack, opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from realtime.core.errors import PortraitError
from realtime.core.language import _
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.pixels import Place
from realtime.picture_files.header import MAX_FRAME_PX, MAX_PACK_PX
from realtime.portrait.pack.archive import PackFiles, open_files
from realtime.portrait.pack.manifest import MANIFEST, IdleSection, Manifest, StagesSection, read_manifest
from realtime.portrait.pack.numbered_pictures import NumberedPictures, numbered_names, read_painting_file, read_picture
from realtime.portrait.pack.template_matching import find_place, rim_weights


class _Band(NamedTuple):
    """A part of every frame, in stages, one below the other in each of its pictures."""

    pictures: NumberedPictures
    place: Place
    stages: int

    def decode(self, index: int, stage: int) -> Pixels:
        width, height = self.place.size
        stages = self.pictures.decode(index, Size(width, height * self.stages))
        return stages[stage * height : (stage + 1) * height]


class Portrait:
    """An opened pack. A picture is decoded each time it is asked for: keep those that are needed again.

    Opening reads every file once and notices what is missing, cut short or of the wrong size; it decodes the
    painting and the middle frame only, so that a first picture can be shown soon. All methods: any thread.
    """

    def __init__(self, files: PackFiles, painting_file: Path | None) -> None:
        """For `open`, which closes the files when they do not make a portrait. Raises PortraitError."""
        if MANIFEST in files.names:
            manifest = read_manifest(files)
            self._frames = NumberedPictures.find(files, manifest.folder, manifest.count)
        else:
            manifest = _manifest_of_plain_pictures(files)
            self._frames = NumberedPictures.find(files, manifest.folder)
        self._files = files
        self.path = files.path
        self.title = manifest.title
        self.credit = manifest.credit
        self.report: Mapping[str, Any] = manifest.report
        """What the builder measured; anything may stand here."""
        self.columns = manifest.columns
        self.rows = manifest.rows
        self.count = manifest.count
        """How many frames there are: columns × rows."""
        self.middle = manifest.middle
        """The index of the frame that looks straight ahead."""

        blinks, mouths = (
            self._find(section.folder, self.count) if section is not None else None
            for section in (manifest.blink, manifest.mouth)
        )
        self._idles = self._find(manifest.idle.folder) if manifest.idle is not None else None
        self._require_bearable(blinks, mouths)

        middle = self._frames.decode(self.middle)
        if painting_file is not None:
            self.painting = read_painting_file(painting_file)
        elif manifest.painting:
            self.painting = read_picture(files, manifest.painting)
        else:
            self.painting = middle
        self.size = Size.of(self.painting)
        """The painting's size, pixels."""
        whole = Place(0, 0, *self.size)
        self._rim = None
        if manifest.corner is not None:
            self.place = Place(*manifest.corner, *Size.of(middle))
        elif Size.of(middle) == self.size:
            self.place = whole
        else:
            self.place = find_place(self.path, middle, self.painting)
            self._rim = rim_weights(self.place.size)
        if not self.place.lies_in(whole):
            raise PortraitError(
                _(
                    "{path}: the frames ({frames_place}) reach outside the painting ({size}); correct "
                    "left and top in {manifest}",
                    path=self.path,
                    frames_place=_shown(self.place),
                    size=whole.size,
                    manifest=MANIFEST,
                )
            )

        self._blink = self._band(manifest.blink, blinks, "blink")
        self.blink_place: Place | None = self._blink.place if self._blink is not None else None
        self.blink_stages = self._blink.stages if self._blink is not None else 0
        self._mouth = self._band(manifest.mouth, mouths, "mouth")
        self.mouth_place: Place | None = self._mouth.place if self._mouth is not None else None
        self.mouth_stages = self._mouth.stages if self._mouth is not None else 0
        self.idle_count = 0
        self.idle_fps = 0.0
        if manifest.idle is not None and self._idles is not None:
            self._add_idle(manifest.idle, self._idles)

    @classmethod
    def open(cls, path: Path, *, painting: Path | None = None) -> Portrait:
        """Open a pack. `painting` names the painting that the frames belong to, where the pack does not (or
        another).

        Raises PortraitError, one line that names the file at fault.
        """
        files = open_files(path)
        try:
            return cls(files, painting)
        except BaseException:
            files.close()
            raise

    @property
    def face_reports(self) -> list[Mapping[str, Any]]:
        """What was measured of each face that moves: `[[report.face]]`, or `[report]` itself where there is one."""
        faces = self.report.get("face")
        if isinstance(faces, list) and faces and all(isinstance(face, Mapping) for face in faces):
            return list(faces)
        return [self.report] if self.report else []

    def frame(self, index: int) -> Pixels:
        """Return the head region, `place` in size, of frame `index` = row × columns + column.

        Raises PortraitError for a picture that does not decode.
        """
        pixels = self._frames.decode(index, self.place.size)
        if self._rim is None:
            return pixels
        blended = cv2.blendLinear(pixels, self.place.of(self.painting), self._rim, 1 - self._rim)
        return np.asarray(blended, np.uint8)

    def blink(self, index: int, stage: int) -> Pixels:
        """Return the band over the eyes, `blink_place` in size, of frame `index`; the last stage has closed
        eyes.

        Raises PortraitError for a picture that does not decode.
        """
        if self._blink is None or not 0 <= stage < self.blink_stages:
            raise IndexError(f"no blink stage {stage}: this portrait has {self.blink_stages}")
        return self._blink.decode(index, stage)

    def mouth(self, index: int, stage: int) -> Pixels:
        """Return the part around the mouth, `mouth_place` in size, of frame `index`; in the last stage it is as far
        open as it speaks.

        Raises PortraitError for a picture that does not decode.
        """
        if self._mouth is None or not 0 <= stage < self.mouth_stages:
            raise IndexError(f"no mouth stage {stage}: this portrait has {self.mouth_stages}")
        return self._mouth.decode(index, stage)

    def idle(self, number: int) -> Pixels:
        """Return a picture of the idle loop, `place` in size. Raises PortraitError when it does not decode."""
        if self._idles is None:
            raise IndexError("this portrait has no idle loop")
        return self._idles.decode(number, self.place.size)

    def close(self) -> None:
        """Let go of the file. Nothing can be decoded afterwards."""
        self._files.close()

    def __enter__(self) -> Portrait:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _find(self, folder: str, count: int | None = None) -> NumberedPictures:
        return NumberedPictures.find(self._files, folder, count)

    def _require_bearable(self, *bands: NumberedPictures | None) -> None:
        """Raise PortraitError where the pictures, all decoded, would take too long or too much memory."""
        rows = [pictures for pictures in (self._frames, self._idles, *bands) if pictures is not None]
        total_px = sum(len(pictures.names) * pictures.size.width * pictures.size.height for pictures in rows)
        largest_px = max(pictures.size.width * pictures.size.height for pictures in rows)
        if total_px > MAX_PACK_PX or (largest_px > MAX_FRAME_PX and len(self._frames.names) > 1):
            raise PortraitError(
                _(
                    "{path}: its pictures have {largest_megapixels:.0f} megapixels each and "
                    "{total_megapixels:.0f} together; make them smaller: {most_megapixels} and "
                    "{most_together} at most",
                    path=self.path,
                    largest_megapixels=largest_px / 1e6,
                    total_megapixels=total_px / 1e6,
                    most_megapixels=MAX_FRAME_PX // 10**6,
                    most_together=MAX_PACK_PX // 10**6,
                )
            )

    def _band(self, section: StagesSection | None, pictures: NumberedPictures | None, name: str) -> _Band | None:
        if section is None or pictures is None:
            return None
        width, height = pictures.size
        if height % section.stages:
            raise PortraitError(
                _(
                    "{path}: {names} is {height} pixels high, which {stages} stages do not share",
                    path=self.path,
                    names=pictures.names[0],
                    height=height,
                    stages=section.stages,
                )
            )
        place = Place(*section.corner, width, height // section.stages)
        if not place.lies_in(self.place):
            raise PortraitError(
                _(
                    "{path}: the {name} pictures ({place}) reach outside the frames ({frames_place}); "
                    "correct [{name}] left and top in {manifest}",
                    path=self.path,
                    name=name,
                    place=_shown(place),
                    frames_place=_shown(self.place),
                    manifest=MANIFEST,
                )
            )
        return _Band(pictures, place, section.stages)

    def _add_idle(self, section: IdleSection, pictures: NumberedPictures) -> None:
        if pictures.size != self.place.size:
            raise PortraitError(
                _(
                    "{path}: {names} is {size}, the frames are {place_size}; the idle loop must be of the frames' size",
                    path=self.path,
                    names=pictures.names[0],
                    size=pictures.size,
                    place_size=self.place.size,
                )
            )
        self.idle_count = len(pictures.names)
        self.idle_fps = section.fps


def _manifest_of_plain_pictures(files: PackFiles) -> Manifest:
    """Return what goes without saying where there is no manifest: a row of pictures beside each other."""
    count = len(numbered_names(files, ""))
    if not count:
        raise PortraitError(
            _(
                "{path} is no portrait: it has neither a {manifest} nor numbered pictures (000.png, "
                "001.png …); make one with: realtime portrait build PICTURE -o PACK",
                path=files.path,
                manifest=MANIFEST,
            )
        )
    return Manifest(title=files.path.stem, columns=count, folder="")


def _shown(place: Place) -> str:
    return _("{size} at {left},{top}", size=place.size, left=place.left, top=place.top)
