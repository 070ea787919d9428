"""MediaPipe's own library, which is imported only where somebody chooses it."""

from __future__ import annotations

import locale
import subprocess
import sys

import pytest

from realtime.faces.detection import mediapipe_loader
from realtime.faces.detection.mediapipe_loader import plain_letters
from tests.offline import python_without_network


def run_python(code: str, **environment: str) -> str:
    return python_without_network(["-c", code], **environment)


def test_a_reused_buffer_does_not_reach_into_mediapipe() -> None:
    assert (
        run_python(
            "import numpy as np; from realtime.faces.detection.mediapipe_loader import import_mediapipe\n"
            "mediapipe, _ = import_mediapipe()\n"
            "before = np.random.default_rng(1).integers(0, 256, (60, 80, 3), np.uint8); buffer = before.copy()\n"
            "image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=buffer)\n"
            "buffer[:] = 0; print(np.array_equal(image.numpy_view(), before))"
        )
        == "True"
    )


def test_importing_mediapipe_imports_neither_matplotlib_nor_sounddevice() -> None:
    assert (
        run_python(
            "import sys; from realtime.faces.detection.mediapipe_loader import import_mediapipe; import_mediapipe()\n"
            "print(sorted({'matplotlib', 'sounddevice', 'matplotlib.pyplot'} & set(sys.modules)))"
        )
        == "[]"
    )


def test_what_was_left_out_still_works_for_whoever_needs_it() -> None:
    """MediaPipe's drawing module finds the real pyplot when it asks for it, and so does anybody else."""
    assert (
        run_python(
            "from realtime.faces.detection.mediapipe_loader import import_mediapipe; import_mediapipe()\n"
            "from mediapipe.tasks.python.vision import drawing_utils\n"
            "figure = drawing_utils.plt.figure\n"
            "import matplotlib.pyplot\n"
            "assert figure is matplotlib.pyplot.figure\n"
            "import matplotlib; assert matplotlib.__version__\n"
            "print('real')"
        )
        == "real"
    )


def test_who_came_first_keeps_the_real_module() -> None:
    assert (
        run_python(
            "import matplotlib, sys; before = matplotlib\n"
            "from realtime.faces.detection.mediapipe_loader import import_mediapipe; import_mediapipe()\n"
            "assert sys.modules['matplotlib'] is before and before.__version__\n"
            "import matplotlib.pyplot; print(matplotlib.pyplot.figure.__name__)"
        )
        == "figure"
    )


@pytest.mark.parametrize(
    ("reason", "next_step"),
    [("libGLESv2.so.2: cannot open shared object file", "apt install"), ("DLL load failed", "pip install")],
)
def test_a_mediapipe_that_does_not_load_tells_the_next_step(reason: str, next_step: str) -> None:
    line = mediapipe_loader.cannot_load(OSError(reason))
    assert next_step in line
    assert "\n" not in line


FIND = """
import locale, sys, cv2
from realtime.picture_files.samples import sample_photo
from realtime.faces import DETECTORS
from realtime.imaging.frame import Frame
before = locale.setlocale(locale.LC_CTYPE)
detector = DETECTORS["mediapipe-short"].load()()
assert locale.setlocale(locale.LC_CTYPE) == before
print(before, len(detector.find(Frame(cv2.imread(str(sample_photo())), 0.0, 0.0, 0))))
detector.close()
"""


def test_turkish_letters_do_not_keep_it_from_opening() -> None:
    known = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout.casefold()
    if "tr_tr.utf8" not in known.replace("-", ""):
        pytest.skip("this system has no Turkish locale (localedef -i tr_TR -f UTF-8 tr_TR.UTF-8)")
    assert run_python(FIND, LC_ALL="tr_TR.UTF-8") == "tr_TR.UTF-8 1"


def test_letters_are_left_alone_where_they_are_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    def setlocale(*words: object) -> str:
        asked.append(words)
        return "de_DE.UTF-8"

    monkeypatch.setattr(locale, "setlocale", setlocale)
    with plain_letters():
        pass
    assert [len(words) for words in asked] == [1]


def test_the_default_run_does_not_import_it() -> None:
    code = (
        "import sys; from realtime.faces.detection.blazeface import open_full_range; open_full_range().close()\n"
        "print('mediapipe' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
