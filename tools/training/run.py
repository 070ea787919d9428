"""A run's folder: what it was asked for, where it stands, how it went, what it looks like.

run.json         what it was asked for; a second run in the same folder must ask for the same
resume.pth       everything that is needed to go on, bit by bit as if nothing had happened
checkpoint.pth   the network alone, for `tools.export_onnx`
losses.csv       every term at every step
curve.png        the same, drawn
sheet.png        pictures it has not learnt from, painted; previews/ keeps the earlier ones
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from realtime.core.errors import ModelError, OptionError, OutputError, shown
from realtime.core.files import atomic_write
from tools.exporting.saved import read_saved
from tools.training import Recipe

_FORMAT = 1
_STATE = "resume.pth"


class Averages:
    """A running mean of the generators' weights: steadier than the weights of any one step, and what is exported."""

    def __init__(self, generators: Mapping[str, nn.Module], share: float) -> None:
        """`share` of the mean is kept at each step, less in the first ones; 0 follows the weights themselves."""
        self._generators = generators
        self._share = share
        self.means = {name: _copied(network.state_dict()) for name, network in generators.items()}

    def follow(self, step: int) -> None:
        """Take in the weights after step number `step`."""
        kept = min(self._share, (1 + step) / (10 + step))
        with torch.no_grad():
            for name, network in self._generators.items():
                now, mean = network.state_dict(), self.means[name]
                whole = [key for key, value in now.items() if not value.is_floating_point()]
                for key in whole:  # counters
                    mean[key].copy_(now[key])
                parts = [key for key in now if key not in whole]
                torch._foreach_lerp_([mean[key] for key in parts], [now[key] for key in parts], 1 - kept)

    def exchange(self) -> None:
        """Exchange the means with the weights: once before looking at pictures, once after."""
        for name, network in self._generators.items():
            now = _copied(network.state_dict())
            network.load_state_dict(self.means[name])
            self.means[name] = now


class RunFolder:
    """The files of one run. Each is written whole or not at all."""

    def __init__(self, path: Path, asked: Mapping[str, Any], *, may_change: frozenset[str]) -> None:
        """Make the folder, or check that it belongs to the same run.

        Raises OptionError where it was made with other settings, OutputError where it cannot be written.
        """
        self.path = path
        try:
            (path / "previews").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make {path}: {error.strerror}; choose another folder") from error
        kept = self._read_asked()
        differing = [
            key for key in asked.keys() | kept.keys() if key not in may_change and kept.get(key) != asked.get(key)
        ]
        if kept and differing:
            key = min(differing)
            raise OptionError(
                f"{path} holds a run with {key} = {kept.get(key)}, not {asked.get(key)}; "
                "choose another folder, or ask for the same to go on"
            )
        self._asked = dict(asked)

    @property
    def has_begun(self) -> bool:
        """Whether there is something to go on from."""
        return (self.path / _STATE).is_file()

    def write_asked(self) -> None:
        with atomic_write(self.path / "run.json") as file:
            file.write_text(json.dumps(self._asked, indent=1), encoding="utf-8")

    def _read_asked(self) -> dict[str, Any]:
        file = self.path / "run.json"
        try:
            return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}
        except ValueError as error:
            raise OptionError(f"{file} is damaged; choose another folder") from error

    def save(self, recipe: Recipe, averages: Averages, step: int) -> None:
        """Write where the run stands after `step` steps."""
        state = {
            "format": _FORMAT,
            "step": step,
            "means": averages.means,
            "generators": {name: network.state_dict() for name, network in recipe.generators().items()},
            "others": {name: network.state_dict() for name, network in recipe.others().items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in recipe.optimizers().items()},
            "memory": recipe.memory(),
        }
        with atomic_write(self.path / _STATE) as file:
            torch.save(state, file)
        for suffix, weights in averages.means.items():
            # The settings are texts and numbers: `weights_only` reads them.
            checkpoint = {
                "generator": weights,
                "network": self._asked["network"],
                "settings": self._asked,
                "step": step,
            }
            with atomic_write(self.path / f"checkpoint{suffix and '_' + suffix}.pth") as file:
                torch.save(checkpoint, file)

    def load(self, recipe: Recipe, averages: Averages, device: torch.device) -> int:
        """Put everything back as it was saved and return how many steps are done; 0 where nothing was saved.

        Raises ModelError for a file that is damaged or not of this run.
        """
        path = self.path / _STATE
        if not path.is_file():
            return 0
        try:
            found = read_saved(path)
        except ModelError as error:
            raise ModelError(f"{path} is damaged or of another run; choose another folder") from error
        try:
            state = _on(device, found)
            if state["format"] != _FORMAT:
                raise ModelError(f"{path} was written by another version; choose another folder")
            for name, network in recipe.generators().items():
                network.load_state_dict(state["generators"][name])
            for name, network in recipe.others().items():
                network.load_state_dict(state["others"][name])
            for name, optimizer in recipe.optimizers().items():
                optimizer.load_state_dict(state["optimizers"][name])
            averages.means = state["means"]
            recipe.remember(state["memory"])
        except (RuntimeError, KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
            reason = shown(" ".join(str(error).split()), 120)
            raise ModelError(f"{path} is damaged or of another run ({reason}); choose another folder") from error
        return int(state["step"])


class LossLog:
    """Every term at every step, in memory and in `losses.csv`."""

    def __init__(self, path: Path, steps_done: int) -> None:
        """Take up the file, without the rows behind `steps_done` that an interrupted run left."""
        self._path = path
        self.steps: list[int] = []
        self.terms: dict[str, list[float]] = {}
        self._unwritten = 0
        if path.is_file() and steps_done:
            with path.open(newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    if row.get("step", "").isdecimal() and int(row["step"]) < steps_done:
                        self._append(int(row.pop("step")), {name: float(value) for name, value in row.items()})
        self._columns: list[str] = []  # as they stand in the file; none where it is to be written anew

    def add(self, step: int, terms: Mapping[str, Tensor]) -> None:
        self._append(step, {name: float(value) for name, value in terms.items()})
        self._unwritten += 1

    def last(self) -> str:
        """Return the newest value of every term, for a progress bar."""
        return " ".join(f"{name} {values[-1]:.3g}" for name, values in self.terms.items())

    def write(self) -> None:
        """Bring the file up to date."""
        # A term that has come up since (the next level of several) needs a column, and the rows above one too.
        rewrite = self._columns != list(self.terms)
        first = 0 if rewrite else len(self.steps) - self._unwritten
        try:
            with self._path.open("w" if rewrite else "a", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                if rewrite:
                    writer.writerow(["step", *self.terms])
                writer.writerows(
                    [self.steps[row], *(f"{values[row]:.7g}" for values in self.terms.values())]
                    for row in range(first, len(self.steps))
                )
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror}; make room and run it again") from error
        self._columns, self._unwritten = list(self.terms), 0

    def _append(self, step: int, terms: Mapping[str, float]) -> None:
        self.steps.append(step)
        for name, value in terms.items():
            # A term that is off in some steps (no disturbance drawn) counts as nothing there.
            self.terms.setdefault(name, [0.0] * (len(self.steps) - 1)).append(value)
        for values in self.terms.values():
            values.extend([0.0] * (len(self.steps) - len(values)))


def _copied(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in weights.items()}


def _on(device: torch.device, found: Any) -> Any:
    """Return what was read with its tensors on a device, in memory of their own."""
    if isinstance(found, Tensor):
        return found.to(device, copy=True)
    if isinstance(found, dict):
        return {key: _on(device, value) for key, value in found.items()}
    if isinstance(found, list | tuple):
        return type(found)(_on(device, value) for value in found)
    return found
