"""Looks kept under a number and a name: as files, at the start of a run, while it lasts, and on their way to others."""
