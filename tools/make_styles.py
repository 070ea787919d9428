"""Make the styles that ship: draw or train each, export it, write its card and its picture.

    python -m tools.make_styles --paintings DIR --pictures DIR … --features squeezenet.pth --runs runs/
    python -m tools.make_styles … --only mosaic fauve         some of them
    python -m tools.make_styles --runs runs/ --export         from runs that are done: models, cards and pictures

Half of them are drawn by arithmetic (`tools/networks/drawn/`): `--only night oil` needs --runs and nothing else. All
that are trained begin with one network, which has learnt to see pictures by painting them as a night of stars
(`runs/beginning`, made first): from there a style is there after a fifth of the steps. A run that was stopped goes on.
The pictures of the styles need `pip install scikit-image`, for the astronaut it carries.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import torch

from realtime.imaging.frame import Pixels
from realtime.model_import.vetting import CHECKSUMS
from realtime.models.card import ModelKind
from realtime.models.library import read_card
from realtime.models.runtime.onnx_model import OnnxModel, SessionPolicy
from realtime.picture_files.reader import read_picture
from realtime.picture_files.samples import sample_photo
from tools import export_onnx, train_style
from tools.networks.drawn.layout import weights_of

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "models_onnx"
PICTURES = ROOT / "docs" / "styles"
SIDE_PX = 512
SHEET_PX = 300


@dataclasses.dataclass(frozen=True)
class Shipped:
    """One style: how it is called, what of, and how it was trained."""

    name: str
    painting: str
    """The file among the paintings; nothing where it is of none."""
    title: str
    about: str
    credit: str
    steps: int = 0
    """After those of the beginning; 0: nothing is learnt (`tools.networks.drawn` has one of that name)."""
    own: Mapping[str, object] = dataclasses.field(default_factory=dict)
    """Options in which it differs from the others."""
    teacher: str = ""
    """The filter that it learnt (`tools/teacher_filters/`), where it is none of a painting."""

    @property
    def is_drawn(self) -> bool:
        return not self.steps

    @property
    def learnt_from(self) -> str:
        return "pictures that a filter of this program drew (tools/teacher_filters)" if self.teacher else "the painting"


_FILTER = "a filter of this program (tools/teacher_filters)"
_DRAWN = "drawn by this program (tools/networks/drawn)"
STYLES = (
    Shipped("night", "", "Night", "Swirling strokes of blue and yellow", _DRAWN + ", in the manner of Van Gogh"),
    Shipped("scream", "", "Scream", "Wavering bands of orange and dark green", _DRAWN + ", in the manner of Munch"),
    Shipped("oil", "", "Oil", "Thick paint in strokes that follow what is seen", _DRAWN),
    Shipped("watercolour", "", "Watercolour", "Washes that dry darker at their rims, over a drawing", _DRAWN),
    Shipped("dots", "", "Dots", "Dots of pure colours beside one another, which the eye mixes", _DRAWN),
    Shipped("pencil", "", "Pencil", "Contours and hatching on rough paper", _DRAWN),
    Shipped("engraving", "", "Engraving", "Lines that swell in the shade and bend over what is round", _DRAWN),
    Shipped("woodblock", "", "Woodblock", "Flat inks in indigo, sand and red, and the grain of the block", _DRAWN),
    Shipped("comic", "", "Comic", "Dots of four inks and black outlines on cheap paper", _DRAWN),
    Shipped(
        "mosaic",
        "roman_mosaic.jpg",
        "Mosaic",
        "Tiles of stone, pale and dark, laid along what is seen",
        "a Roman mosaic's floor, its picture in the public domain",
        1250,
        {"light-weight": 0.5},  # the one that ships left the beginning at step 2,772
    ),
    Shipped(
        "fauve",
        "matisse_woman_with_hat.jpg",
        "Fauve",
        "Green, rose and violet side by side",
        "Henri Matisse, Woman with a Hat, 1905, public domain",
        600,
        {"content-weight": 0.7, "together": 0.5},
    ),
    Shipped(
        "composition",
        "kandinsky_composition_vii.jpg",
        "Composition",
        "All colours at once, shapes and lines across each other",
        "Wassily Kandinsky, Composition VII, 1913, public domain",
        600,
        {"content-weight": 0.7, "together": 0.5},
    ),
    Shipped(
        "dabs",
        "delaunay_portrait_1906.jpg",
        "Dabs",
        "Short dabs of bright paint on a pale ground",
        "Robert Delaunay, a portrait, 1906, public domain",
        1500,
        # In the last 300 steps; 0.7, 0.6 and 0.5 before, which left the sitter's moustache on everybody.
        {"content-weight": 1.3, "light-weight": 0.8, "together": 0.7},
    ),
    Shipped(
        "ink",
        "",
        "Ink",
        "Brush lines and washes of thinned ink on warm paper",
        _FILTER,
        900,
        teacher="ink",
    ),
    Shipped(
        "poster",
        "",
        "Poster",
        "Flat, clear colours and dark outlines",
        _FILTER,
        1100,
        teacher="poster",
    ),
)
BEGINNING = Shipped(
    "beginning",
    "van_gogh_starry_night.jpg",
    "",
    "",
    "",
    3152,
    {"content-weight": 0.5, "light-weight": 0.2},
)
COMMON: Mapping[str, object] = {
    "network": "brush",
    "deep": 96,
    "deep-blocks": 4,
    "blocks": 1,
    "style-size-px": 512,
    "content-layers": "fire2,fire3,fire5",
    "style-layers": "conv1,fire3,fire5",
    "content-weight": 0.6,
    "style-weight": 0.5,
    "style-sizes": 3,
    "patch-weight": 2,
    "patch-levels": 3,
    "palette-weight": 1,
    "light-weight": 0.6,
    "plain-steps": 50,
    "batch": 4,
    "crop-px": 256,
    "least-scale": 0.45,
    "learning-rate": 0.003,
    "precision": "bf16",
    "channels-last": "yes",
}
"""What decided the numbers stands in docs/training.md."""
LICENCE = "MIT, as the program"
TRAINED_ON = (
    "{learnt_from}; {photographs} photographs sampled from ImageNet (its terms: non-commercial research) and 160 faces "
    "of nobody, drawn by MobileStyleGAN (taught by NVIDIA's StyleGAN2 on FFHQ, whose terms are non-commercial); "
    "through the features of a SqueezeNet 1.0 (BSD)"
)


def main() -> int:
    """Train and export what was asked for; the exit code is that of the first step that fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paintings", type=Path, help="the folder of the style pictures")
    parser.add_argument("--pictures", type=Path, nargs="+", help="folders of photos to learn on, faces among them")
    parser.add_argument("--features", type=Path, help="a SqueezeNet's weights")
    parser.add_argument("--runs", type=Path, required=True, help="where the runs' folders are")
    parser.add_argument("--only", nargs="+", choices=[style.name for style in STYLES], help="not all of them")
    parser.add_argument("--export", action="store_true", help="train nothing")
    parser.add_argument("--threads", type=int, default=0, help="of the CPU, for training")
    arguments = parser.parse_args()
    chosen = [style for style in STYLES if arguments.only is None or style.name in arguments.only]
    trained = [style for style in chosen if not style.is_drawn]
    if trained and not arguments.export:
        if None in (arguments.paintings, arguments.pictures, arguments.features):
            parser.error("training needs --paintings, --pictures and --features")
        for style in (BEGINNING, *trained):
            if code := train_style.main(training(style, arguments, arguments.runs / style.name)):
                return code
    for style in chosen:
        if style.is_drawn:
            write_colours(style, arguments.runs / style.name)
        if code := export_onnx.main(exporting(style, arguments.runs / style.name)):
            return code
        write_picture(style)
        write_card(style)
    write_checksums()
    write_sheet()
    return 0


def training(style: Shipped, arguments: argparse.Namespace, run: Path) -> list[str]:
    """Return the words of `tools.train_style`."""
    given = {
        **COMMON,
        **({"teacher": style.teacher} if style.teacher else {"style": arguments.paintings / style.painting}),
        "features": arguments.features,
        "out": run,
        "steps": style.steps,
        "threads": arguments.threads,
        **({} if style is BEGINNING else {"start-from": arguments.runs / BEGINNING.name / "checkpoint.pth"}),
        **style.own,
    }
    words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    return [*words, "--pictures", *map(str, arguments.pictures)]


def write_colours(style: Shipped, run: Path) -> None:
    """Write the checkpoint of a drawn style: its colours."""
    run.mkdir(parents=True, exist_ok=True)
    torch.save({"network": "drawn", "generator": weights_of(style.name)}, run / "checkpoint.pth")


def exporting(style: Shipped, run: Path) -> list[str]:
    """Return the words of `tools.export_onnx`."""
    trained_on = TRAINED_ON.format(learnt_from=style.learnt_from, photographs=240 if style.teacher else 800)
    given = {
        "output": MODELS / f"{style.name}.onnx",
        "title": style.title,
        "about": style.about,
        "credit": style.credit,
        "licence": LICENCE,
        "trained-on": "nothing: it is drawn by arithmetic" if style.is_drawn else trained_on,
    }
    return [str(run / "checkpoint.pth"), *(word for name, value in given.items() for word in (f"--{name}", str(value)))]


def write_picture(style: Shipped) -> None:
    """Write docs/styles/NAME.jpg: two portraits in the public domain, painted, beside each other."""
    PICTURES.mkdir(exist_ok=True)
    model = OnnxModel.open(MODELS / f"{style.name}.onnx", SessionPolicy(provider="cpu"))
    painted = []
    for photo in photos():
        out = np.empty_like(photo[np.newaxis])
        model.run({"frame": photo[np.newaxis]}, {"frame_out": out})
        painted.append(out[0])
    model.close()
    cv2.imwrite(str(PICTURES / f"{style.name}.jpg"), np.hstack(painted), [cv2.IMWRITE_JPEG_QUALITY, 85])


def write_sheet() -> None:
    """Write docs/styles.jpg, for the README: one photo as it is, and in every style there is a picture of."""
    shown = [photos()[1]]
    for style in STYLES:
        pair = cv2.imread(str(PICTURES / f"{style.name}.jpg"))
        if pair is not None:
            shown.append(np.asarray(pair[:, SIDE_PX:], np.uint8))
    small = [cv2.resize(picture, (SHEET_PX, SHEET_PX), interpolation=cv2.INTER_AREA) for picture in shown]
    small += [np.full_like(small[0], 255)] * (-len(small) % 4)
    rows = [np.hstack(small[first : first + 4]) for first in range(0, len(small), 4)]
    cv2.imwrite(str(PICTURES.with_suffix(".jpg")), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 88])


def photos() -> list[Pixels]:
    """Return scikit-image's astronaut (NASA) and matplotlib's Grace Hopper (US Navy), 512×512, BGR."""
    import skimage.data

    astronaut = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    hopper = read_picture(sample_photo())
    height = round(hopper.shape[0] * SIDE_PX / hopper.shape[1])
    smaller = cv2.resize(hopper, (SIDE_PX, height), interpolation=cv2.INTER_AREA)[20 : 20 + SIDE_PX]
    return [np.ascontiguousarray(astronaut, np.uint8), np.ascontiguousarray(smaller, np.uint8)]


def write_checksums() -> None:
    """Write models_onnx/SHA256SUMS, by which the program knows its own models."""
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in sorted(MODELS.glob("*.onnx"))]
    (MODELS / CHECKSUMS).write_text("".join(f"{line}\n" for line in lines), encoding="ascii")


def write_card(style: Shipped) -> None:
    """Write models_onnx/NAME.md: what the file's own card says, for people, and what it looks like."""
    path = MODELS / f"{style.name}.onnx"
    card = read_card(path)
    assert card.kind is ModelKind.STYLE
    beginning = "a" if style.teacher else "another"
    steps = (
        f"; {style.steps:,} steps of 4 crops after {BEGINNING.steps:,} of {beginning} painting (`tools/make_styles.py`)"
    )
    network = f"{card.network}, 746,000 parameters (`tools/networks/brush.py`)"
    drawn = f"{card.network}, no parameters but its colours (`tools/networks/drawn/{style.name}.py`)"
    lines = [
        f"# {card.title}",
        "",
        f"{card.about}. `realtime run --effect style:{style.name}`",
        "",
        f"![A woman in a space suit and a naval officer, painted so](../docs/styles/{style.name}.jpg)",
        "",
        "| | |",
        "| --- | --- |",
        f"| after | {card.credit} |",
        f"| file | `{path.name}`, {path.stat().st_size / 1000:.0f} kB; frames of any size, uint8 BGR in and out |",
        f"| network | {drawn if style.is_drawn else network} |",
        "| speed | see [benchmarks](../docs/benchmarks.md#styles) |",
        f"| trained on | {card.trained_on}{'' if style.is_drawn else steps} |",
        f"| made by | {card.made_by} |",
        f"| terms | {card.licence}. No photograph is part of the model |",
        "",
        "Pictures: Eileen Collins (NASA) and Grace Hopper (US Navy), both in the public domain.",
        "",
    ]
    path.with_suffix(".md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
