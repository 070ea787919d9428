"""The weights of a checkpoint by name, with questions a layout asks of them, and errors a person can act on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor, nn

from realtime.errors import ModelError

_COUNTERS = "num_batches_tracked"  # how often batch norm was trained; plays no part in what a network draws


class Weights(Mapping[str, Tensor]):
    """The tensors of one network, float32 on the CPU. `where` names the file in messages."""

    def __init__(self, tensors: Mapping[str, Tensor], where: str) -> None:
        self._tensors = {name: tensor for name, tensor in tensors.items() if not name.endswith(_COUNTERS)}
        self.where = where

    def __getitem__(self, name: str) -> Tensor:
        try:
            return self._tensors[name]
        except KeyError:
            raise ModelError(f"{self.where} lacks the weight '{name}'; it is damaged or of another network") from None

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
            raise ModelError(f"{self.where}: the weight '{name}' is of shape {shape}, expected {dimensions} dimensions")
        return shape

    def count(self, pattern: str) -> int:
        """Return how many weights `pattern.format(0)`, `pattern.format(1)` … follow one another from 0."""
        number = 0
        while pattern.format(number) in self:
            number += 1
        return number

    def without(self, *endings: str) -> Weights:
        """Return them without those whose names end so."""
        return Weights({name: tensor for name, tensor in self.items() if not name.endswith(endings)}, self.where)

    def fill(self, network: nn.Module) -> None:
        """Load them into `network` and put it into evaluation mode.

        Raises ModelError for a weight missing or too many, or one whose shape does not fit.
        """
        wanted = {name: tensor for name, tensor in network.state_dict().items() if not name.endswith(_COUNTERS)}
        missing = [name for name in wanted if name not in self]
        if missing:
            raise ModelError(f"{self.where} lacks {_some(missing)}; it is damaged or of another network")
        surplus = [name for name in self if name not in wanted]
        if surplus:
            raise ModelError(f"{self.where} holds {_some(surplus)}, which the network has not; it is another one")
        for name, tensor in wanted.items():
            if self[name].shape != tensor.shape:
                is_shape, fits = tuple(self[name].shape), tuple(tensor.shape)
                raise ModelError(f"{self.where}: the weight '{name}' is of shape {is_shape}, expected {fits}")
        network.load_state_dict(dict(self), strict=False)  # all but the counters, checked above
        network.eval().requires_grad_(False)


def _some(names: list[str]) -> str:
    """Return `'a', 'b', 'c' and 4 more weights`: enough to see what is wrong."""
    shown = ", ".join(f"'{name}'" for name in names[:3])
    rest = len(names) - 3
    return f"the weight {shown}" if len(names) == 1 else f"the weights {shown}" + (f" and {rest} more" * (rest > 0))
