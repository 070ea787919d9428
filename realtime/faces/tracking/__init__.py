"""Faces from frame to frame: who is who, whom to follow, and whether the scene goes on."""
