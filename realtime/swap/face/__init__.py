"""One face made of several photos, or of a film: what each shows best, joined on the face laid flat.

sources.py        what `A.jpg+B.jpg`, a folder, a film mean: which pictures
sights.py         those pictures, looked at: whose face, how it is turned, how it smiles
views.py          a face laid flat, and how well each of its places is seen
registration.py   one view moved onto another, where the mesh is off
blending.py       one skin of all views, without seams
proportions.py    one shape of all meshes
building.py       all of that in its order, and what each photo gave
face_file.py      the `.face` file: written whole or not at all, read with care
opening.py        a face as it is asked for: read, or built and kept
preview.py        a page to look at
"""
