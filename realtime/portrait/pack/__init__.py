"""Portrait packs: a painting, and its head drawn once for every direction it can look in.

A pack is a folder, or one file (`.portrait` or `.zip`: a ZIP archive holding the same names), with a
`portrait.toml`:

    format = 1
    title = "Mona Lisa"
    credit = "Leonardo da Vinci, about 1503"    # may be left out
    painting = "painting.png"

    [frames]            # the head for every gaze, blended into the painting: 000.png and on, row by row
    folder = "frames"
    columns = 33        # the first looks to the left edge of the screen, as a visitor sees it
    rows = 1            # the first looks up
    left = 312          # where a frame's top-left corner goes in the painting, pixels
    top = 120

    [blink]             # may be left out: the band over both eyes, one picture for every frame
    folder = "blink"
    stages = 3          # from barely closing to closed, one below the other in each picture
    left = 350
    top = 240

    [mouth]             # may be left out: the part around the mouth, the same way
    folder = "mouth"
    stages = 4          # from barely open to as far open as it speaks
    left = 340
    top = 300

    [idle]              # may be left out: a loop of heads, like frames, that begins and ends at the middle one
    folder = "idle"
    fps = 15.0

    [report]            # may be left out: what the builder measured; anything may stand here
    [[report.face]]     # the same of each face, where several move

A plain folder (or archive) of numbered pictures of one size is a pack too: whole pictures, or pictures of the
head where a painting is named; then the place is found, and the rim of each picture is blended into the
painting.

Nothing outside this package knows the format. Inside, each module knows one thing:

    reader.py              Portrait: a pack, opened
    writer.py              PackWriter: a pack in the making
    library.py             packs known by their names
    manifest.py            what portrait.toml says; toml_tables.py: one table of it, key by key
    numbered_pictures.py   pictures checked and decoded
    template_matching.py   where heads that somebody else cut out belong in their painting
    archive.py             named files in a folder or an archive, safe to read, written whole or not at all
"""

from realtime.imaging.pixels import Place
from realtime.portrait.pack.library import find_pack, kept_packs, packs_folder
from realtime.portrait.pack.manifest import MAX_PICTURES
from realtime.portrait.pack.reader import Portrait
from realtime.portrait.pack.toml_tables import ReportValue
from realtime.portrait.pack.writer import PackWriter, check_target

__all__ = [
    "MAX_PICTURES",
    "PackWriter",
    "Place",
    "Portrait",
    "ReportValue",
    "check_target",
    "find_pack",
    "kept_packs",
    "packs_folder",
]
