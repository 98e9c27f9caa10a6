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

from jittor_cy._graph import user_function
from jittor_cy.config import SettingRefused, flags
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


def to_device(Var x not None, str name, bint with_gradient=True):
    """A copy of x on another device, whose gradient comes back to x's (else it is a leaf). Computes x."""
    cdef Device to = device_of(name)
    home = x.device
    if home == to.name().decode():
        return x
    moved = moved_value(x, to)
    if not x.requires_grad:
        return moved.stop_grad()
    if not with_gradient:
        return moved
    return user_function([moved], [x], lambda cotangents: [to_device(cotangents[0], home)])[0]


cdef Var moved_value(Var x, Device to):
    cdef Device before = default_device()
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
    """Makes new Vars on the GPU, or on the CPU again; without a GPU it says so in one line and refuses."""
    cdef Device device
    if wanted:
        from jittor_cy import _cuda

        if not _cuda.enable(simulated=bool(flags.simulate_cuda), managed=bool(flags.managed_memory)):
            raise SettingRefused
        device.kind = DeviceKind.kCuda
    set_default_device(device)


def install():
    """Connects the settings of devices; called once by the package."""
    flags.listen("use_cuda", use_cuda)
