# cython: language_level=3
# distutils: language = c++
"""Devices: which one new Vars are made on, and moving Vars between them."""
from jittor_cy._convert cimport leaf_from_array
from jittor_cy._runtime cimport (
    Device,
    DeviceKind,
    default_device,
    has_backend,
    set_default_device,
)
from jittor_cy._var cimport Var, wrap

from jittor_cy.config import flags
from jittor_cy.errors import ArgumentError, DeviceError

__all__ = ["current_device", "has_cuda", "to_device"]


cdef Device device_of(str name) except *:
    cdef Device device
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda") or (number and not number.isdigit()):
        raise ArgumentError(f"device: there is no {name!r}", help='"cpu", "cuda" and "cuda:0" are')
    if kind == "cuda":
        device.kind = DeviceKind.kCuda
        if not has_backend(device):
            raise DeviceError(f"device: {name} is not there", help="set jt.flags.use_cuda = 1 first")
    device.index = int(number) if number else 0
    return device


def current_device():
    """Where new Vars are made: "cpu" or "cuda:0"."""
    return default_device().name().decode()


def has_cuda():
    """Whether a CUDA device is in use or could be used."""
    cdef Device cuda
    cuda.kind = DeviceKind.kCuda
    return has_backend(cuda)


def to_device(Var x not None, str name):
    """A copy of x on another device; without a gradient path. Computes x."""
    cdef Device to = device_of(name)
    cdef Device before = default_device()
    if x.device == to.name().decode():
        return x
    array = x.numpy()
    set_default_device(to)
    try:
        moved = wrap(leaf_from_array(array, False, "to"))
        if moved.dtype != x.dtype:  # bfloat16 travels as float32
            moved = moved.astype(x.dtype)
    finally:
        set_default_device(before)
    return moved


def use_cuda(bint wanted):
    """Makes new Vars on the GPU, or on the CPU again; without a GPU it says so in one line and stays."""
    cdef Device device
    if wanted:
        from jittor_cy import _cuda

        if not _cuda.enable(simulated=bool(flags.simulate_cuda), managed=bool(flags.managed_memory)):
            return
        device.kind = DeviceKind.kCuda
    set_default_device(device)


def install():
    """Connects the settings of devices; called once by the package."""
    flags.listen("use_cuda", use_cuda)
