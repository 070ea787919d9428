"""Another face for the viewer to wear: from a photo (`photo/`), from several or a film (`face/`), or made by a network
(`network.py`). Each is a `realtime.face_compositing.FaceSource`.
"""
