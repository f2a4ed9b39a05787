"""A budget for building the network of a checkpoint, whose config may ask for more than any memory holds."""

from collections.abc import Iterator
from math import ceil, prod
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.limits import BUILT_ELEMENTS, BUILT_TENSORS

RANGES = ("aten::arange", "aten::linspace", "aten::eye", "aten::randperm")


class BuildBudget(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch states no types for it
    """Refuses to make tensors of more numbers in all than the network of a state needs, before memory is taken.

    A backbone may be built whole and then cut to the stages that are used, so what is built may be 8 times what
    is kept, which has ``kept`` numbers.
    """

    def __init__(self, kept: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # likewise
        self.left = 8 * kept + BUILT_ELEMENTS
        self.calls = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Count what an operation is about to make, and carry it out."""
        name, values = func._schema.name, (*args, *(kwargs or {}).values())
        largest = max(_asked(name, values), default=0)
        self.calls += 1
        if largest > self.left or self.calls > BUILT_TENSORS:
            raise InputError("its config asks for a network of another size than the weights in it")
        if not any(hasattr(value, "untyped_storage") for value in args):  # made from nothing
            self.left -= largest
        return func(*args, **(kwargs or {}))


def _asked(name: str, values: tuple[Any, ...]) -> Iterator[int]:
    """Yield how many numbers an operation's arguments ask for: shapes, and the ends of ranges."""
    for value in values:
        if isinstance(value, list | tuple) and all(isinstance(part, int) for part in value):
            yield prod(value)
        elif name.startswith(RANGES) and isinstance(value, int | float):
            yield ceil(value)
