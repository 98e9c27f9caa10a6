// DriverTable: the CUDA driver's entry points as pointers, filled by name at the first use of CUDA; no CUDA header
// needed.
#pragma once
#include <cstddef>
#include <cstdint>

namespace jtcy {

/// CUresult; 0 is success.
using DriverResult = int;
/// CUdeviceptr.
using DevicePointer = uint64_t;

/// CUmemLocation: eight bytes, passed by value in one register.
struct MemoryLocation {
  int type = 1;  // CU_MEM_LOCATION_TYPE_DEVICE
  int id = 0;
};

// Name, parameters as we declare them, and the signature that cuda-python's capsule of that name must carry.
// Handles (CUcontext, CUstream, CUlibrary, CUkernel, CUfunction) are void*, enums are int.
#define JTCY_DRIVER_ENTRIES(ENTRY)                                                                                   \
  ENTRY(cuInit, (unsigned flags), "CUresult (unsigned int)")                                                         \
  ENTRY(cuDriverGetVersion, (int* version), "CUresult (int *)")                                                      \
  ENTRY(cuDeviceGetCount, (int* count), "CUresult (int *)")                                                          \
  ENTRY(cuDeviceGet, (int* device, int ordinal), "CUresult (CUdevice *, int)")                                       \
  ENTRY(cuDeviceGetName, (char* name, int length, int device), "CUresult (char *, int, CUdevice)")                   \
  ENTRY(cuDeviceGetAttribute, (int* value, int attribute, int device),                                               \
        "CUresult (int *, CUdevice_attribute, CUdevice)")                                                            \
  ENTRY(cuDevicePrimaryCtxRetain, (void** context, int device), "CUresult (CUcontext *, CUdevice)")                  \
  ENTRY(cuCtxSetCurrent, (void* context), "CUresult (CUcontext)")                                                    \
  ENTRY(cuMemAlloc, (DevicePointer * address, size_t nbytes), "CUresult (CUdeviceptr *, size_t)")                    \
  ENTRY(cuMemFree, (DevicePointer address), "CUresult (CUdeviceptr)")                                                \
  ENTRY(cuMemAllocManaged, (DevicePointer * address, size_t nbytes, unsigned flags),                                 \
        "CUresult (CUdeviceptr *, size_t, unsigned int)")                                                            \
  ENTRY(cuMemAdvise, (DevicePointer address, size_t nbytes, int advice, MemoryLocation location),                    \
        "CUresult (CUdeviceptr, size_t, CUmem_advise, CUmemLocation)")                                               \
  ENTRY(cuMemPrefetchAsync,                                                                                          \
        (DevicePointer address, size_t nbytes, MemoryLocation location, unsigned flags, void* stream),               \
        "CUresult (CUdeviceptr, size_t, CUmemLocation, unsigned int, CUstream)")                                     \
  ENTRY(cuMemGetInfo, (size_t* free, size_t* total), "CUresult (size_t *, size_t *)")                                \
  ENTRY(cuMemcpyHtoDAsync, (DevicePointer to, const void* from, size_t nbytes, void* stream),                        \
        "CUresult (CUdeviceptr, void const *, size_t, CUstream)")                                                    \
  ENTRY(cuMemcpyDtoHAsync, (void* to, DevicePointer from, size_t nbytes, void* stream),                              \
        "CUresult (void *, CUdeviceptr, size_t, CUstream)")                                                          \
  ENTRY(cuMemcpyDtoDAsync, (DevicePointer to, DevicePointer from, size_t nbytes, void* stream),                      \
        "CUresult (CUdeviceptr, CUdeviceptr, size_t, CUstream)")                                                     \
  ENTRY(cuMemsetD8Async, (DevicePointer to, unsigned char value, size_t nbytes, void* stream),                       \
        "CUresult (CUdeviceptr, unsigned char, size_t, CUstream)")                                                   \
  ENTRY(cuStreamCreate, (void** stream, unsigned flags), "CUresult (CUstream *, unsigned int)")                      \
  ENTRY(cuStreamSynchronize, (void* stream), "CUresult (CUstream)")                                                  \
  ENTRY(cuLibraryLoadData,                                                                                           \
        (void** library, const void* code, int* jit_options, void** jit_values, unsigned jit_count,                  \
         int* library_options, void** library_values, unsigned library_count),                                       \
        "CUresult (CUlibrary *, void const *, CUjit_option *, void **, unsigned int, CUlibraryOption *, void **, "   \
        "unsigned int)")                                                                                             \
  ENTRY(cuLibraryGetKernel, (void** kernel, void* library, const char* name),                                        \
        "CUresult (CUkernel *, CUlibrary, char const *)")                                                            \
  ENTRY(cuKernelGetFunction, (void** function, void* kernel), "CUresult (CUfunction *, CUkernel)")                   \
  ENTRY(cuLaunchKernel,                                                                                              \
        (void* function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,      \
         unsigned block_z, unsigned shared_nbytes, void* stream, void** parameters, void** extra),                   \
        "CUresult (CUfunction, unsigned int, unsigned int, unsigned int, unsigned int, unsigned int, unsigned int, " \
        "unsigned int, CUstream, void **, void **)")                                                                 \
  ENTRY(cuGetErrorName, (int error, const char** text), "CUresult (CUresult, char const **)")                        \
  ENTRY(cuGetErrorString, (int error, const char** text), "CUresult (CUresult, char const **)")

struct DriverTable {
#define JTCY_ENTRY_MEMBER(name, parameters, signature) DriverResult(*name) parameters = nullptr;
  JTCY_DRIVER_ENTRIES(JTCY_ENTRY_MEMBER)
#undef JTCY_ENTRY_MEMBER
};

/// The entries by position, for whoever fills a table: how many there are, their names, the signatures to insist on.
int driver_entry_count() noexcept;
const char* driver_entry_name(int entry) noexcept;
const char* driver_entry_signature(int entry) noexcept;
void set_driver_entry(DriverTable* table, int entry, void* function) noexcept;

}  // namespace jtcy
