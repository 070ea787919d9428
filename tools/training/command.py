"""The command line of the commands that train: what they are asked alike, and how they begin and end. Each adds what it
learns from, and says what its sheet shows.
"""

from __future__ import annotations

import argparse
import logging
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import cv2
import torch
from lightning_fabric import Fabric

from realtime.core.argument_parser import Parser
from realtime.core.errors import OptionError, RealtimeError, nearest
from realtime.core.registry import RegistryEntry
from realtime.system.signals import graceful_shutdown
from tools.training import Recipe
from tools.training.command_line import add_cache, add_settings, help_in_lines, read_settings
from tools.training.job import TrainingJob, TrainingSettings
from tools.training.loop import Run

J = TypeVar("J", bound=TrainingJob[Any])


class CommandLine:
    """What every command that trains is asked, and what it adds to `parser`."""

    def __init__(self, command: str, description: str | None, settings: type[TrainingSettings]) -> None:
        """`command`: its name in `tools`."""
        self._command, self._settings = command, settings
        self.parser = help_in_lines(command, description)
        self._network = ""
        self._recipe: type[Recipe] | None = None

    def choose_network(self, words: Sequence[str], recipes: Mapping[str, RegistryEntry], default: str = "") -> None:
        """Give it the option --network, and look which is chosen: its recipe has options of its own.

        Raises OptionError for one that there is not.
        """
        listing = "\n".join(f"{name}: {entry.summary}" for name, entry in recipes.items())
        self.parser.add_argument(
            "--network", required=not default, default=default, choices=list(recipes), metavar="NAME", help=listing
        )
        first_look = Parser(add_help=False, allow_abbrev=False)
        first_look.add_argument("--network", default=default)
        name = str(first_look.parse_known_args(words)[0].network)
        if not name:  # the parser will say so
            return
        if name not in recipes:
            raise OptionError(f"no network '{name}'{nearest(name, recipes)}; there are: {', '.join(recipes)}")
        self.take_network(name, recipes[name].load())

    def take_network(self, name: str, recipe: type[Recipe]) -> None:
        """Train this one, whatever is asked for."""
        self._network, self._recipe = name, recipe

    def parse(self, words: Sequence[str], what: str, features: str) -> tuple[argparse.Namespace, dict[str, Any]]:
        """Return what was asked, and of it what a job is made from. Raises OptionError for anything that cannot be.

        `what` is prepared and kept; `features`: what for a VGG is of use.
        """
        self.parser.add_argument("--features", type=Path, metavar="FILE", help=f"a VGG's weights, for {features}")
        self.parser.add_argument("-o", "--out", type=Path, required=True, metavar="DIR", help="the run's folder")
        add_cache(self.parser, what)
        add_settings(self.parser, self._settings, "the run")
        if self._recipe is not None:
            add_settings(self.parser, self._recipe.Settings, f"the network {self._network}")
        arguments = self.parser.parse_args(words)
        assert self._recipe is not None
        return arguments, {
            "network": self._network,
            "recipe": self._recipe,
            "run": read_settings(arguments, self._settings, self._command),
            "own": read_settings(arguments, self._recipe.Settings, self._network),
            "features": arguments.features,
            "out": arguments.out,
            "cache": arguments.cache,
        }


def run_command(
    command: str,
    words: Sequence[str] | None,
    read: Callable[[Sequence[str]], J],
    train: Callable[[Run[J]], int],
    *,
    smaller: str = "--batch",
) -> int:
    """Read a command line and train; return the exit code: 2 for an error the user can mend.

    `smaller`: what to ask less of where memory is short.
    """
    stopping = threading.Event()

    def tell(line: str) -> None:
        print(f"{command}: {line}", file=sys.stderr)

    try:
        job = read(sys.argv[1:] if words is None else words)
        if job.run.threads:
            torch.set_num_threads(job.run.threads)
            cv2.setNumThreads(job.run.threads)
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # what was chosen is in the run's folder
        fabric = make_fabric(job.run)
        fabric.launch()
        with graceful_shutdown(stopping.set):
            return train(Run(job, fabric, stopping, tell))
    except torch.cuda.OutOfMemoryError:
        tell(f"the GPU's memory is full; try a smaller {smaller}")
        return 2
    except RealtimeError as error:
        tell(str(error))
        return 2


def make_fabric(settings: TrainingSettings) -> Fabric:
    """Raises OptionError for a device that is not there."""
    cuda = settings.device in ("auto", "cuda") and torch.cuda.is_available()
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    if settings.precision == "bf16" or (settings.precision == "auto" and cuda and torch.cuda.is_bf16_supported()):
        precision = "bf16-mixed"
    several = settings.devices * settings.machines > 1
    try:
        return Fabric(
            accelerator=settings.device,
            devices=settings.devices,
            num_nodes=settings.machines,
            strategy="ddp" if several else "auto",
            precision=precision,
        )
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise OptionError(f"--device {settings.device} --devices {settings.devices}: {reason}") from error
