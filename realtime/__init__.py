"""Real-time webcam effects: a frame in, a changed frame out, a few milliseconds later."""

import os
from importlib.metadata import PackageNotFoundError, version

# From 1.29 on ONNX Runtime reports to Microsoft, and keeps a number of the device and what it could not send yet in the
# user's cache. It reads this variable once, while its library loads, so that a call after the import is too late. Hence
# here, before any module of ours, or of a process that we start, can import it. What the variable was before does not
# matter: that nothing leaves the machine is promised of this program, whatever was said to others.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

try:
    __version__ = version("realtime-effects")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0+unknown"
