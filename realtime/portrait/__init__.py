"""A painting whose eyes and head follow the viewer. `pack/` is its file, `building/` makes one, `engines/` move a face,
`quality/` measures and `preview/` shows it.

While it runs: `gaze_controller.py` says where it looks, `frame_cache.py` has the heads that look there,
`head_blending.py` mixes those next to it, `canvas.py` lays them on the picture without a seam.
"""
