# Device names as the runtime's values; see _device.pyx.
from jittor_cy._runtime cimport Device

cdef Device device_of(str name) except *
