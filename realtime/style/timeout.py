"""Waits for a model that is being opened and tried, and ends what takes too long.

A library that computes keeps its thread until it is done, and Python looks at Ctrl-C on its main thread only, between
two lines of its own. So the work is done on another thread, and whoever wants it waits where Ctrl-C is heard.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from realtime.core.errors import ModelError
from realtime.core.language import _

_T = TypeVar("_T")

_LOOK_S = 0.1
_LEAVING_S = 2.0
"""An interrupted run ends with its operator; one that takes longer is left behind."""


class Interruptible(Protocol):
    """What can be ended by another thread."""

    def interrupt(self) -> None: ...


class LoadTimeout(Generic[_T]):
    """One piece of work on a thread of its own. The work calls `watch` for each model before it runs it."""

    def __init__(self, limit_s: float, what: str) -> None:
        """`limit_s`: for what is done with one model, from `watch` on; building it does not count. `what` names it."""
        self._limit_s, self._what = limit_s, what
        self._done = threading.Event()
        self._models: list[Interruptible] = []
        self._since_s = float("inf")
        self._result: list[_T] = []
        self._error: BaseException | None = None
        self._is_over = False

    def watch(self, model: Interruptible) -> None:
        """[the work's thread] From now on `model` is run."""
        self._models.append(model)
        self._since_s = time.monotonic()
        if self._is_over:
            model.interrupt()

    def wait_for(self, work: Callable[[], _T]) -> _T:
        """Return what `work` returns, or raise what it raises; ModelError after `limit_s`."""
        threading.Thread(target=self._run, args=(work,), name="style-opening", daemon=True).start()
        try:
            while not self._done.wait(_LOOK_S):
                if time.monotonic() - self._since_s > self._limit_s:
                    raise ModelError(
                        _(
                            "{what} computes for over {limit_s:.0f} s, too long for a live picture; "
                            "choose a smaller model or a smaller --size, or make a film with `realtime "
                            "render`",
                            what=self._what,
                            limit_s=self._limit_s,
                        )
                    )
        except BaseException:
            self._is_over = True
            for model in list(self._models):
                model.interrupt()
            self._done.wait(_LEAVING_S)
            raise
        if self._error is not None:
            raise self._error
        return self._result[0]

    def _run(self, work: Callable[[], _T]) -> None:
        try:
            self._result.append(work())
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()
