"""From videos and photos to a folder of face crops that a network can be trained on.

sources.py    where pictures come from: videos, folders, single photos, a camera
cutter.py     faces of one picture, measured, judged and cut
manifest.py   what is known of every crop; the only file that knows the format
writing.py    crops and their lines, written beside the work
sameness.py   crops that show nearly the same
likeness.py   who looks like whom
groups.py     one folder for each person
sheets.py     a picture of each folder, to look at
"""

from __future__ import annotations

CROP_WIDER = 4 / 3
"""How crops are kept: what `face` (realtime.faces.landmarks.alignment) shows, and a sixth of its side more all around,
so that training can turn a face by 10 degrees, scale it by 5 % and move it by 5 % and still find picture in every
corner."""
CROP_SIDE_PX = 256
"""Three quarters of it, 192 px, are `face`: enough for networks of 64 and of 128 px."""
