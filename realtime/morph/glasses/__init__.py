"""Glasses drawn before a face: a small model in space, carried by the head, lit as the face is.

`shapes.py` says what a pair looks like, `sprite.py` paints it in the face's light (`light.py`), `drawing.py` lays it
where the head (`head.py`) has it, and `worn.py` joins the parts for one viewer.
"""
