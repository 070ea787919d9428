"""From a box to what a face does: mesh, irises, alignment, measurement, expression.

Whose left? Points that belong to a face are named for the person's own sides: the detector's keypoints and the mesh
(`RIGHT_EYE_OUTER`, `LEFT_BROW`, …). What is measured and moved is named for the sides of the picture: `Eyes.left`, a
gaze, a yaw, a `Motion`. Of somebody who looks at the camera, the person's right eye is the picture's left one; only
`EYE_CORNERS` in `mesh.py` leads from one to the other. A mirrored picture is one more picture, with a face of its own:
nothing here knows that it was mirrored.
"""
