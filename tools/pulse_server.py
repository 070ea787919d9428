"""A PulseAudio of our own with null sinks, in a folder of its own: sound devices for tests on machines without any.

    with PulseServer(folder, {"room": 48_000, "call": 48_010}) as server:
        subprocess.run([...], env=server.environment)   # PortAudio sees `room_in`, `room_out`, `call_in`, `call_out`

What is played on a null sink is heard from its monitor: `room_out` plays on it, `room_in` hears it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

_STARTED_WITHIN_S = 10.0
_ALSA = "/usr/share/alsa/alsa.conf"


def missing() -> str:
    """Return why no server can be had here; empty: one can."""
    if shutil.which("pulseaudio") is None or shutil.which("pactl") is None:
        return "pulseaudio is not installed"
    if not Path(_ALSA).is_file() or not list(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so")):
        return "ALSA's plugin for PulseAudio is not installed (libasound2-plugins)"
    try:
        import sounddevice  # noqa: F401 - whether PortAudio is there
    except OSError:
        return "PortAudio is not installed"
    return ""


class PulseServer:
    """Runs until it is closed. Raises RuntimeError where it does not start."""

    def __init__(self, folder: Path, sinks: Mapping[str, int]) -> None:
        """`folder`: an empty one. `sinks`: names and sampling rates."""
        self._folder = folder
        self._sinks = sinks
        folder.chmod(0o700)
        (folder / "pulse").mkdir(exist_ok=True)
        self.environment = os.environ | {
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_RUNTIME_PATH": str(folder / "pulse"),
            "PULSE_SERVER": f"unix:{folder / 'native'}",
            "ALSA_CONFIG_PATH": str(folder / "alsa.conf"),
        }
        self.environment.pop("DISPLAY", None)
        pcms = [
            f'pcm.{name}_{end} {{ type pulse device {device} hint {{ show on description "{name}_{end}" }} }}'
            for name in sinks
            for end, device in (("in", f"{name}.monitor"), ("out", name))
        ]
        (folder / "alsa.conf").write_text("\n".join([f"<{_ALSA}>", "pcm.!default { type pulse }", *pcms]) + "\n")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, or start it again after `stop`."""
        (self._folder / "native").unlink(missing_ok=True)
        modules = [f"module-native-protocol-unix socket={self._folder / 'native'} auth-anonymous=1"]
        modules += [f"module-null-sink sink_name={name} rate={rate} channels=2" for name, rate in self._sinks.items()]
        words = ["--daemonize=no", "--exit-idle-time=-1", "-n", "--use-pid-file=no", "--disable-shm=yes"]
        words += ["--realtime=no", "--high-priority=no"]
        loads = [word for module in modules for word in ("-L", module)]
        self._process = subprocess.Popen(
            ["pulseaudio", *words, *loads],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        give_up_at_s = time.monotonic() + _STARTED_WITHIN_S
        while time.monotonic() < give_up_at_s and self._process.poll() is None:
            if self._pactl("info").returncode == 0:
                return
            time.sleep(0.05)
        self.stop()
        raise RuntimeError("PulseAudio does not start")

    def stop(self) -> None:
        """End it, as a server that crashes."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=5)
            self._process = None

    def __enter__(self) -> PulseServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _pactl(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return subprocess.run(["pactl", *words], env=self.environment, capture_output=True, timeout=2, check=False)
        return subprocess.CompletedProcess([], 1)
