"""Real-time webcam effects: a frame in, a changed frame out, a few milliseconds later."""

import os
import signal
import sys

# `realtime …` or `python -m realtime …`; not what imports us: it has a Ctrl-C of its own.
_IS_THE_PROGRAM = os.path.basename(sys.argv[0] if sys.argv else "") in ("realtime", "realtime.exe") or (  # noqa: PTH119
    "realtime" in sys.orig_argv and sys.orig_argv[sys.orig_argv.index("realtime") - 1] == "-m"
)

# Until the program can end in order, it has nothing to end: Ctrl-C while Python still loads modules, which takes a
# second on a busy machine, would print a traceback of theirs. What was ignored stays so.
if _IS_THE_PROGRAM and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from importlib.metadata import PackageNotFoundError, version  # noqa: E402 - after that

# From 1.29 on ONNX Runtime reports to Microsoft, and keeps a number of the device and what it could not send yet in the
# user's cache. It reads this variable once, while its library loads, so that a call after the import is too late. Hence
# here, before any module of ours, or of a process that we start, can import it. What the variable was before does not
# matter: that nothing leaves the machine is promised of this program, whatever was said to others.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

try:
    __version__ = version("realtime-effects")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0+unknown"
