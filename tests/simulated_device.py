"""A device that is none: its tensors live on the CPU, but torch believes that they are elsewhere.

Operations on them refuse tensors of two devices, as CUDA does, and then run on the CPU, so that results are equal
to the CPU's bit by bit. What would make the host wait for a GPU is counted: blocking copies, and synchronisations.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "simulated"
_setup_privateuseone_for_python_backend(NAME)
getattr(torch, NAME).get_amp_supported_dtype = lambda: [torch.bfloat16, torch.float16]
DEVICE = torch.device(NAME, 0)
COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd
aten = torch.ops.aten

COPIES = (aten.copy_.default, aten._to_copy.default)
INDEXING = (
    *(aten.index.Tensor, aten._unsafe_index.Tensor, aten.index_put.default),
    *(aten.index_put_.default, aten._index_put_impl_.default, aten._unsafe_index_put.default),
)
# the size of what they return, or an error, depends on values that only the device knows
WAITING = (
    *(aten._local_scalar_dense.default, aten.nonzero.default, aten.masked_select.default),
    *(aten.bincount.default, aten._unique2.default, aten.unique_consecutive.default),
    *(aten.equal.default, aten.repeat_interleave.Tensor, aten._linalg_check_errors.default),
    aten._linalg_eigh.default,
)

copies: "Counter[str]" = Counter()  # blocking ones, by what copied
waits: "Counter[str]" = Counter()  # other synchronisations


class Simulated(torch.Tensor):
    """A tensor on the device; ``host`` has its values."""

    host: Tensor

    @staticmethod
    def __new__(cls, host: Tensor) -> "Simulated":
        with torch.inference_mode(
            False
        ):  # views of tensors that are made in it would have no version
            made: Simulated = torch.Tensor._make_wrapper_subclass(
                *(cls, host.size(), host.stride(), host.storage_offset()),
                dtype=host.dtype,
                layout=host.layout,
                device=DEVICE,
            )
        made.host = host.detach()
        return made

    def __repr__(self, **_: Any) -> str:
        return f"Simulated({self.host!r})"

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.host.__reduce_ex__(protocol)

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return _run(operation, args, kwargs or {})


def _run(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Check and count an operation, and run it on the CPU."""
    if torch._C._dispatch_has_kernel_for_dispatch_key(operation.name(), COMPOSITE):
        return operation.decompose(*args, **kwargs)  # which inference mode hands on undivided
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    here = any(isinstance(tensor, Simulated) for tensor in tensors)
    asked = kwargs.get("device")
    target = torch.device(asked) if asked is not None else (DEVICE if here else None)
    on_device = target is not None and target.type == NAME
    _check_devices(operation, args, tensors)
    drawn_with = kwargs.get("generator")
    if drawn_with is not None and (drawn_with.device.type == NAME) != on_device:
        raise RuntimeError(f"{operation}: a generator of {drawn_with.device} draws for {target}")
    _count(operation, args, kwargs, target)
    host_args, host_kwargs = tree_map(
        lambda leaf: leaf.host if isinstance(leaf, Simulated) else leaf, (args, kwargs)
    )
    if asked is not None:
        host_kwargs["device"] = torch.device("cpu")
    with torch.inference_mode(False), torch.no_grad():
        result = operation(*host_args, **host_kwargs)
    if on_device:
        result = tree_map(
            lambda leaf: (
                Simulated(leaf)
                if isinstance(leaf, Tensor) and not isinstance(leaf, Simulated)
                else leaf
            ),
            result,
        )
    aliases = any(one.alias_info is not None for one in operation._schema.returns)
    if aliases and operation not in COPIES[1:]:
        return return_and_correct_aliasing(operation, args, kwargs, result)
    return result


def _check_devices(operation: Any, args: tuple[Any, ...], tensors: list[Tensor]) -> None:
    """Refuse tensors of two devices where CUDA refuses them: numbers and the rows of an index may be the CPU's."""
    if operation in COPIES:
        return
    if operation in INDEXING:
        of, rows = args[0], [row for row in args[1] if row is not None]
        if not isinstance(of, Simulated) and any(isinstance(row, Simulated) for row in rows):
            raise RuntimeError(f"{operation}: a tensor of the CPU is indexed by one of the device")
        tensors = [of, *(arg for arg in args[2:] if isinstance(arg, Tensor))]
    large = {isinstance(tensor, Simulated) for tensor in tensors if tensor.dim() > 0}
    if len(large) > 1:
        shapes = [tuple(tensor.shape) for tensor in tensors]
        raise RuntimeError(f"{operation}: tensors {shapes} of two devices")


def _count(
    operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any], target: torch.device | None
) -> None:
    name = str(operation)
    if operation in WAITING and any(isinstance(leaf, Simulated) for leaf in tree_leaves(args)):
        waits[name] += 1
    elif operation in INDEXING and isinstance(args[0], Simulated):
        for row in (row for row in args[1] if row is not None):
            if row.dtype in (torch.bool, torch.uint8):
                waits[f"{name} by a mask"] += 1
            elif not isinstance(row, Simulated) and row.dim() > 0:
                copies[f"{name} by rows of the CPU"] += 1
    elif operation is aten._to_copy.default and target is not None:
        if isinstance(args[0], Simulated) != (target.type == NAME):
            _count_copy(name, bool(kwargs.get("non_blocking")))
    elif operation is aten.copy_.default:
        non_blocking = (len(args) > 2 and args[2]) or kwargs.get("non_blocking")
        if isinstance(args[0], Simulated) != isinstance(args[1], Simulated):
            _count_copy(name, bool(non_blocking))


def _count_copy(name: str, non_blocking: bool) -> None:
    if not non_blocking:
        copies[name] += 1


class _Python(TorchFunctionMode):
    """What torch does in C++ without telling the dispatcher: tensors of Python values, and values of tensors."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        device = kwargs.get("device")
        made = function is torch.tensor or function is Tensor.new_tensor
        if function is Tensor.new_tensor and device is None:
            device = args[0].device
        if made and device is not None and torch.device(device).type == NAME:
            copies[function.__name__] += 1
            data = args[1] if function is Tensor.new_tensor else args[0]
            dtype = kwargs.get("dtype") or (
                args[0].dtype if function is Tensor.new_tensor else None
            )
            return Simulated(torch.tensor(data, dtype=dtype))
        if function in (torch.arange, torch.linspace, torch.eye) and device is not None:
            made_here = function(*args, **{**kwargs, "device": "cpu"})
            return Simulated(made_here) if torch.device(device).type == NAME else made_here
        if function is Tensor.tolist and isinstance(args[0], Simulated):
            waits["tolist"] += 1
            return args[0].host.tolist()
        if function in (Tensor.__getitem__, Tensor.__setitem__) and isinstance(args[0], Simulated):
            args = (args[0], self._rows(args[1]), *args[2:])
        return function(*args, **kwargs)

    def _rows(self, index: Any) -> Any:
        """Return an index whose lists are tensors of the device, as torch makes them."""
        parts = index if isinstance(index, tuple) else (index,)
        if not any(isinstance(part, (list, tuple)) for part in parts):
            return index
        copies["list as an index"] += 1
        return tuple(
            Simulated(torch.tensor(part)) if isinstance(part, (list, tuple)) else part
            for part in parts
        )


_library = torch.library.Library("_", "IMPL")
_library.fallback(lambda operation, *args, **kwargs: _run(operation, args, kwargs), "PrivateUse1")


@contextmanager
def simulated_device() -> Iterator[torch.device]:
    """Use the device; counts start at 0."""
    copies.clear()
    waits.clear()
    with _Python():
        yield DEVICE


def on_host(value: Tensor) -> Tensor:
    """The values of a tensor, wherever it is."""
    return value.detach().host if isinstance(value, Simulated) else value.detach()
