"""Real-time webcam effects: a frame in, a changed frame out, a few milliseconds later."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("realtime-effects")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0+unknown"
