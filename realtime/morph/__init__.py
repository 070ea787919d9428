"""A face slid through the latent space of an autoencoder, and what that changes on the viewer's own pixels.

    model.py, generator.py   a face as a code, and codes as faces: `MorphModel`, or any `FaceGenerator`
    person.py, face.py       one person before the camera; transfer.py: the change, carried onto their own pixels
    walk.py, walker.py       a way through latent space, and its pictures, drawn on a thread of their own
    absence.py, framing.py   what is shown while nobody is there
    stills.py, way.py        photos: slid, and from one to another; figure.py: sheets of them
    glasses/                 glasses, drawn in space

A code is float32 [Z]; faces go in and come out as [S, S, 3] BGR (`realtime.models.card`).
"""
