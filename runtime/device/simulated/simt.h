// simt.h: makes CUDA C++ kernel text compile with g++ and run on the simulated GPU; no other header is needed.
//
// The text that NVRTC gets is compiled with `-include simt.h`. One fiber a CUDA thread: the scheduler of the simulated
// GPU (simt_scheduler.cpp) keeps `simt::state` up to date and offers barriers and warp exchanges through
// `simt::services`.
#pragma once

#define __global__
#define __device__
#define __host__
#define __constant__ static const
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(n) alignas(n)
// One block runs at a time, so a shared variable is a static one; the section lets the scheduler poison them all.
#define __shared__ static __attribute__((section("simt_shared")))

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};

namespace simt {

/// Where the running thread is. Written by the scheduler before it switches to a fiber.
struct State {
  uint3 thread_index{}, block_index{};
  dim3 block_dim{}, grid_dim{};
  unsigned lane = 0;          // in its warp
  unsigned warp_threads = 0;  // bit a lane that exists in this warp
};

inline constexpr int kSlotBytes = 32;

/// What the scheduler does for a running thread.
struct Services {
  /// Waits for all threads of the block that have not returned; gives the or and the count of their `vote`s.
  void (*barrier)(int vote, int* any, int* count, const char* where);
  /// Posts `value`, waits for all existing lanes of `mask`, gives the 32 slots of kSlotBytes of this exchange.
  const char* (*exchange)(unsigned mask, const void* value, int nbytes, const char* where);
};

inline State* state = nullptr;
inline const Services* services = nullptr;

template <class T>
T shuffle(unsigned mask, T value, int from, const char* where) {
  static_assert(sizeof(T) <= kSlotBytes, "a shuffled value has at most 32 bytes");
  const char* slots = services->exchange(mask, &value, sizeof(T), where);
  const bool there = from >= 0 && from < 32 && (mask & state->warp_threads) >> from & 1;
  T result;
  __builtin_memcpy(&result, slots + (there ? from : static_cast<int>(state->lane)) * kSlotBytes, sizeof(T));
  return result;
}

inline int vote(int value, int* count, const char* where) {
  int any = 0, votes = 0;
  services->barrier(value != 0, &any, &votes, where);
  if (count) *count = votes;
  return any;
}

template <class T>
T exchange_add(T* address, T value) {
  const T old = *address;
  *address = old + value;
  return old;
}

/// Calls a kernel with parameters as cuLaunchKernel gets them: one address each.
template <class... Parameters>
struct Call {
  // Built with braces, which evaluate from left to right.
  Call(void (*kernel)(Parameters...), Parameters... parameters) { kernel(parameters...); }
};

template <class... Parameters>
void run_thread(void (*kernel)(Parameters...), void** parameters) {
  int next = 0;
  Call<Parameters...>{kernel, *static_cast<Parameters*>(parameters[next++])...};
}

/// Bytes of each parameter, ended by 0: what a launch copies before it returns.
template <class... Parameters>
const unsigned* parameter_sizes(void (*)(Parameters...)) {
  static const unsigned sizes[] = {unsigned(sizeof(Parameters))..., 0};
  return sizes;
}

}  // namespace simt

#define threadIdx (simt::state->thread_index)
#define blockIdx (simt::state->block_index)
#define blockDim (simt::state->block_dim)
#define gridDim (simt::state->grid_dim)
#define warpSize 32

#define SIMT_TEXT_OF(x) #x
#define SIMT_TEXT(x) SIMT_TEXT_OF(x)
#define SIMT_HERE(name) name ":" SIMT_TEXT(__LINE__)
#define __syncthreads() (void)simt::vote(0, nullptr, SIMT_HERE("__syncthreads"))
#define __syncthreads_or(value) simt::vote(value, nullptr, SIMT_HERE("__syncthreads_or"))
#define __syncwarp() (void)simt::shuffle(~0u, 0, 0, SIMT_HERE("__syncwarp"))

static inline int __syncthreads_count(int value) {
  int count = 0;
  simt::vote(value, &count, "__syncthreads_count");
  return count;
}

static inline int simt_lane() { return static_cast<int>(simt::state->lane); }

template <class T>
static inline T __shfl_sync(unsigned mask, T value, int from, int width = 32) {
  return simt::shuffle(mask, value, (simt_lane() & ~(width - 1)) | (from & (width - 1)), "__shfl_sync");
}
template <class T>
static inline T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32) {
  const int from = simt_lane() ^ bits;
  const bool outside = (from & ~(width - 1)) > (simt_lane() & ~(width - 1));
  return simt::shuffle(mask, value, outside ? simt_lane() : from, "__shfl_xor_sync");
}
template <class T>
static inline T __shfl_down_sync(unsigned mask, T value, int by, int width = 32) {
  const bool outside = (simt_lane() & (width - 1)) + by >= width;
  return simt::shuffle(mask, value, outside ? simt_lane() : simt_lane() + by, "__shfl_down_sync");
}
template <class T>
static inline T __shfl_up_sync(unsigned mask, T value, int by, int width = 32) {
  const bool outside = (simt_lane() & (width - 1)) - by < 0;
  return simt::shuffle(mask, value, outside ? simt_lane() : simt_lane() - by, "__shfl_up_sync");
}

static inline unsigned __ballot_sync(unsigned mask, int value) {
  const int vote = value != 0;
  const char* slots = simt::services->exchange(mask, &vote, sizeof vote, "__ballot_sync");
  unsigned ballot = 0;
  for (int lane = 0; lane < 32; ++lane) {
    if ((mask & simt::state->warp_threads) >> lane & 1) ballot |= unsigned(slots[lane * simt::kSlotBytes]) << lane;
  }
  return ballot;
}
static inline int __any_sync(unsigned mask, int value) { return __ballot_sync(mask, value) != 0; }
static inline int __all_sync(unsigned mask, int value) {
  return __ballot_sync(mask, value) == (mask & simt::state->warp_threads);
}

// One OS thread runs everything, and fibers change only at barriers and exchanges: plain reads and writes are atomic.
static inline int atomicAdd(int* address, int value) { return simt::exchange_add(address, value); }
static inline unsigned atomicAdd(unsigned* address, unsigned value) { return simt::exchange_add(address, value); }
static inline unsigned long long atomicAdd(unsigned long long* address, unsigned long long value) {
  return simt::exchange_add(address, value);
}
static inline float atomicAdd(float* address, float value) { return simt::exchange_add(address, value); }
static inline double atomicAdd(double* address, double value) { return simt::exchange_add(address, value); }
static inline int atomicCAS(int* address, int expected, int value) {
  const int old = *address;
  if (old == expected) *address = value;
  return old;
}
static inline unsigned atomicCAS(unsigned* address, unsigned expected, unsigned value) {
  const unsigned old = *address;
  if (old == expected) *address = value;
  return old;
}
static inline int atomicExch(int* address, int value) {
  const int old = *address;
  *address = value;
  return old;
}
static inline void __threadfence() {}
static inline void __threadfence_block() {}
template <class T>
static inline T __ldg(const T* address) {
  return *address;
}

/// What a module tells the scheduler.
struct SimtModule {
  simt::State** state;
  const simt::Services** services;
  char *shared_begin, *shared_end;
};
extern "C" {
extern char __start_simt_shared[] __attribute__((weak, visibility("hidden")));
extern char __stop_simt_shared[] __attribute__((weak, visibility("hidden")));
}
// The toolchain appends SIMT_MODULE once and SIMT_KERNEL(name, has barriers or exchanges) a kernel.
#define SIMT_EXPORT extern "C" __attribute__((visibility("default")))
#define SIMT_MODULE                                                                     \
  SIMT_EXPORT void simt_module(SimtModule* module) {                                    \
    *module = {&simt::state, &simt::services, __start_simt_shared, __stop_simt_shared}; \
  }
#define SIMT_KERNEL(name, waits)                                                              \
  SIMT_EXPORT void simt_run_##name(void** parameters) { simt::run_thread(name, parameters); } \
  SIMT_EXPORT const unsigned* simt_sizes_##name() { return simt::parameter_sizes(name); }     \
  SIMT_EXPORT int simt_waits_##name() { return waits; }
