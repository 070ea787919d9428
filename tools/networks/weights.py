"""The weights of a checkpoint by name, with questions a layout asks of them, and errors a person can act on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from torch import Tensor, nn

from realtime.core.errors import ModelError, shown

_OTHERWISE = "it is of this family, but built otherwise or damaged: name its own code with --network FILE.py:Class"
_COUNTERS = "num_batches_tracked"  # how often batch norm was trained; plays no part in what a network draws


class Weights(Mapping[str, Tensor]):
    """The tensors of one network, float32 on the CPU. `where` names the file in messages; `called` says what a weight
    is called in it, where that is not its name here.
    """

    def __init__(self, tensors: Mapping[str, Tensor], where: str, called: Mapping[str, str] | None = None) -> None:
        self._tensors = {name: tensor for name, tensor in tensors.items() if not name.endswith(_COUNTERS)}
        self._called = called or {}
        self.where = where

    def __getitem__(self, name: str) -> Tensor:
        try:
            return self._tensors[name]
        except KeyError:
            raise ModelError(f"{self.where} lacks the weight '{self._shown(name)}'; {_OTHERWISE}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def shape(self, name: str, dimensions: int = 4) -> tuple[int, ...]:
        """Return the shape of the weight `name`. Raises ModelError when it is missing or of other dimensions."""
        shape = tuple(self[name].shape)
        if len(shape) != dimensions:
            raise ModelError(
                f"{self.where}: the weight '{self._shown(name)}' is of shape {shape}, expected {dimensions} dimensions"
            )
        return shape

    def count(self, pattern: str, first: int = 0) -> int:
        """Return how many weights `pattern.format(0)`, `pattern.format(1)` … follow one another from `first` on."""
        number = first
        while pattern.format(number) in self:
            number += 1
        return number - first

    def without(self, *endings: str) -> Weights:
        """Return them without those whose names end so."""
        left = {name: tensor for name, tensor in self.items() if not name.endswith(endings)}
        return Weights(left, self.where, self._called)

    def renamed(self, names: Mapping[str, str], changed: Callable[[str, Tensor], Tensor]) -> Weights:
        """Return them by other names, each put through `changed` with its new one.

        `names`: from the new names to those here. What is not among them keeps its name.
        """
        theirs = {old: new for new, old in names.items()}
        tensors = {
            theirs.get(old, old): changed(theirs[old], tensor) if old in theirs else tensor
            for old, tensor in self.items()
        }
        return Weights(tensors, self.where, names)

    def with_own(self, tensors: Mapping[str, Tensor]) -> Weights:
        """Return them with more."""
        return Weights({**self, **tensors}, self.where, self._called)

    def fill(self, network: nn.Module) -> None:
        """Load them into `network` and put it into evaluation mode.

        Raises ModelError for a weight missing or too many, or one whose shape does not fit.
        """
        wanted = {name: tensor for name, tensor in network.state_dict().items() if not name.endswith(_COUNTERS)}
        missing = [name for name in wanted if name not in self]
        if missing:
            raise ModelError(f"{self.where} lacks {self._some(missing)}; {_OTHERWISE}")
        surplus = [name for name in self if name not in wanted]
        if surplus:
            raise ModelError(f"{self.where} holds {self._some(surplus)}, which the network has not; it is another one")
        for name, tensor in wanted.items():
            if self[name].shape != tensor.shape:
                is_shape, fits = tuple(self[name].shape), tuple(tensor.shape)
                grey = "; 3 colours are asked, in and out" if _differ_in_colours(is_shape, fits) else ""
                raise ModelError(
                    f"{self.where}: the weight '{self._shown(name)}' is of shape {is_shape}, expected {fits}{grey}"
                )
        network.load_state_dict(dict(self), strict=False)  # all but the counters, checked above
        network.eval().requires_grad_(False)

    def _shown(self, name: str) -> str:
        return shown(self._called.get(name, name))

    def _some(self, names: list[str]) -> str:
        """Return `'a', 'b', 'c' and 4 more weights`: enough to see what is wrong."""
        first = ", ".join(f"'{self._shown(name)}'" for name in names[:3])
        rest = len(names) - 3
        return f"the weight {first}" if len(names) == 1 else f"the weights {first}" + (f" and {rest} more" * (rest > 0))


def _differ_in_colours(is_shape: tuple[int, ...], fits: tuple[int, ...]) -> bool:
    """Tell whether a weight is of a grey picture (or of several) where colours are expected."""
    pairs = list(zip(is_shape, fits, strict=False))
    differing = [pair for pair in pairs if pair[0] != pair[1]]
    return len(is_shape) == len(fits) and len(differing) == 1 and differing[0][1] == 3
