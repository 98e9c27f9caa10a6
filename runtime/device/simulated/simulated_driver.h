// The simulated GPU: the driver's entry points implemented on the CPU.
#pragma once
#include <cstdint>

#include "device/driver_table.h"
#include "device/simulated/simt_scheduler.h"

namespace jtcy {

/// One device, sm_90, that runs modules compiled with simt.h (the image of a library is the path of a shared object).
/// Work is queued and done when somebody waits, so that a missing wait shows as stale data; device memory cannot be
/// touched by the host in between (it faults), managed memory can. Fresh memory is filled with NaNs.
const DriverTable& simulated_driver();

/// Takes effect at the next launch.
void set_simulated_order(simulated::FiberOrder order) noexcept;
/// Bytes that the device pretends to have; what is allocated stays. For tests of what happens when there is no more.
void set_simulated_memory(int64_t nbytes) noexcept;
int64_t simulated_launches() noexcept;

}  // namespace jtcy
