"""Where CUDA comes in: the driver's entry points are filled by name at the first use, kernels are loaded here."""
from __future__ import annotations

import sys

from cpython.pycapsule cimport PyCapsule_GetName, PyCapsule_GetPointer
from libc.stdint cimport int64_t
from libcpp cimport bool as cbool
from libcpp.string cimport string
from libcpp.vector cimport vector

from jittor_cy._runtime cimport KernelTable, instruction_set, translate_exception

from jittor_cy import _plan
from jittor_cy.errors import DeviceError

cdef extern from "api.h" namespace "jtcy" nogil:
    cdef cppclass DriverTable:
        pass
    int driver_entry_count()
    const char* driver_entry_name(int entry)
    const char* driver_entry_signature(int entry)
    void set_driver_entry(DriverTable* table, int entry, void* function)
    const DriverTable& simulated_driver()
    void set_simulated_order(FiberOrder order)
    void set_simulated_memory(int64_t nbytes)
    int64_t simulated_launches()
    cdef cppclass CudaKernelShape:
        int pointers
        int dims
        int scalars
        int threads
        cbool block_per_iteration
    cdef cppclass CudaEntry:
        pass
    cdef cppclass CudaBackend:
        void* load_library(const void* image) except +translate_exception
        const CudaEntry* find_entry(void* library, const char* symbol, const CudaKernelShape& shape) \
            except +translate_exception
        const string& name()
        int architecture()
        int64_t managed_nbytes()
        int64_t managed_limit()
        cbool host_visible()
    CudaBackend& enable_cuda(const DriverTable& driver, cbool managed) except +translate_exception
    CudaBackend* cuda_backend()

cdef extern from "api.h" namespace "jtcy::simulated" nogil:
    cdef enum class FiberOrder(int):
        kAscending
        kDescending
        kShuffled

SIMULATED = "simulated GPU"  # its name in runtime/device/simulated/simulated_driver.cpp

# cuda-python's functions set a Python error and give CUDA_ERROR_NOT_FOUND where the driver cannot be loaded.
ctypedef int (*InitFunction)(unsigned int flags) except? 500


cdef int fill_table(DriverTable* table) except -1:
    """The driver's entry points by name from cuda-python's capsules; the signature of each must be the expected one."""
    from cuda.bindings import cydriver

    cdef const char* wanted
    cdef const char* found
    cdef int entry
    for entry in range(driver_entry_count()):
        name = driver_entry_name(entry).decode()
        capsule = cydriver.__pyx_capi__.get(name)
        if capsule is None:
            raise DeviceError(f"cuda-python offers no {name}", help="install cuda-python>=13.0.3,<14")
        wanted = driver_entry_signature(entry)
        found = PyCapsule_GetName(capsule)
        if bytes(found) != bytes(wanted):
            raise DeviceError(f"cuda-python's {name} is {found.decode()}, expected {wanted.decode()}",
                              help="install cuda-python>=13.0.3,<14")
        set_driver_entry(table, entry, PyCapsule_GetPointer(capsule, wanted))
    return 0


cdef int init_driver() except -1:
    """The first call into the driver, with the GIL held: it loads libcuda or raises."""
    from cuda.bindings import cydriver

    capsule = cydriver.__pyx_capi__["cuInit"]
    cdef InitFunction init = <InitFunction>PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule))
    cdef int result = init(0)
    if result != 0:
        raise DeviceError(f"cuInit failed with {result}: no driver or no device")
    return 0


def enable(bint simulated=False, bint managed=False) -> bool:
    """Makes the CUDA Backend; where there is none, says so in one line and gives False. Later calls change nothing."""
    cdef DriverTable table
    if cuda_backend() is not NULL:
        return True
    try:
        if simulated:
            enable_cuda(simulated_driver(), managed)
        else:
            fill_table(&table)
            init_driver()
            enable_cuda(table, managed)
    except Exception as error:  # ImportError, RuntimeError or cuda-python's own class, by version
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        print(f"jittor_cy: use_cuda is on, but there is no CUDA here ({reason}); running on the CPU", file=sys.stderr)
        return False
    _plan.register_device_compiler(start_compiles)
    return True


def enabled() -> bool:
    """Whether there is a CUDA Backend."""
    return cuda_backend() is not NULL


def describe() -> dict[str, object]:
    """Name, architecture (90 for sm_90) and memory mode of the device."""
    cdef CudaBackend* backend = cuda_backend()
    if backend is NULL:
        raise DeviceError("CUDA is not enabled", help="set jt.flags.use_cuda = 1")
    return {"name": backend.name().decode(), "architecture": backend.architecture(),
            "managed": bool(backend.host_visible()), "managed_nbytes": backend.managed_nbytes(),
            "managed_limit": backend.managed_limit()}


def load_kernel(str key, bytes image, shapes: list[tuple[str, int, int, int, int, bool]]) -> None:
    """Loads a cubin (simulated: the path of a shared object) and makes `key` ready in the kernel table.

    Args: shapes: for each phase its symbol, pointers, dims, scalars, threads and whether a block works on one iteration
    """
    cdef CudaBackend* backend = cuda_backend()
    if backend is NULL:
        raise DeviceError("CUDA is not enabled", help="set jt.flags.use_cuda = 1")
    cdef const char* data = image
    cdef void* library
    with nogil:
        library = backend.load_library(data)
    cdef vector[void*] phases
    cdef CudaKernelShape shape
    for symbol, pointers, dims, scalars, threads, together in shapes:
        shape.pointers, shape.dims, shape.scalars, shape.threads = pointers, dims, scalars, threads
        shape.block_per_iteration = together
        symbol_bytes = symbol.encode()
        phases.push_back(<void*>backend.find_entry(library, <const char*>symbol_bytes, shape))
    KernelTable.instance().set_ready(key.encode(), phases, library)


def start_compiles(kernels) -> None:
    """Starts what the kernel table does not have yet: from the disk cache, else compiled in the background."""
    from jittor_cy.compiler.codegen.cuda_text import shapes_in
    from jittor_cy.compiler.toolchain.gpu import GpuTarget, compile_gpu_kernels

    def ready(source, image):
        shapes = shapes_in(source.text)
        load_kernel(source.key, image, [(f"kernel_{source.key[:16]}_phase{i}", s.pointers, s.dims, s.scalars, s.threads,
                                         s.block_per_iteration) for i, s in enumerate(shapes)])

    def failed(key, message):
        KernelTable.instance().set_failed(key.encode(), message.encode())

    missing = [kernel for kernel in kernels if not KernelTable.instance().contains(kernel.key.encode())]
    for kernel in missing:
        KernelTable.instance().get(kernel.key.encode(), kernel.name.encode())
    cdef str name = cuda_backend().name().decode()
    target = GpuTarget(cuda_backend().architecture(), name == SIMULATED, instruction_set().decode())
    compile_gpu_kernels(missing, target, ready, failed)


def set_simulation(order: int = 0, nbytes: int = 0) -> None:
    """Order of fibers on the simulated GPU (0 ascending, 1 descending, 2 shuffled) and, if not 0, its memory."""
    set_simulated_order(<FiberOrder><int>order)
    if nbytes:
        set_simulated_memory(nbytes)


def simulated_launch_count() -> int:
    """Kernels that the simulated GPU has run."""
    return simulated_launches()
