// The scheduler: one fiber a CUDA thread, switched at barriers and warp exchanges; poisons shared memory before each
// block.
#include "device/simulated/simt_scheduler.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

#include "device/simulated/simt.h"

namespace jtcy::simulated {
namespace {

// The limits of sm_90.
constexpr unsigned kMaxBlockThreads = 1024;
constexpr std::ptrdiff_t kMaxSharedBytes = 227 << 10;
constexpr unsigned kWarp = 32;
constexpr size_t kStackBytes = size_t{64} << 10;
// Fibers' stacks start at different offsets, so that they do not all fall into the same cache sets.
constexpr size_t kStackColours = 61;
// Exchanges of different masks that one warp may have in flight.
constexpr int kExchanges = 4;
constexpr char kPoison = static_cast<char>(0xff);  // NaN in every floating dtype

enum class FiberState : uint8_t { kReady, kAtBarrier, kInExchange, kDone };

struct Exchange {
  unsigned mask = 0, arrived = 0, generation = 0;
  char slots[2][kWarp * simt::kSlotBytes];
};

struct Warp {
  unsigned threads = 0;
  Exchange exchanges[kExchanges];
};

struct Fiber {
  void* stack_pointer = nullptr;
  uint3 index{};
  unsigned number = 0;
  FiberState state = FiberState::kReady;
  const Exchange* exchange = nullptr;
  unsigned generation = 0;
  int vote = 0;
  const char* where = "start";
};

// Saves the callee-saved registers and the stack of one fiber and takes up another's: 16 instructions instead of the
// system call that swapcontext makes (51 ns against 1262 ns a switch).
extern "C" void jtcy_simt_switch(void** save, void* load);
asm(R"(
.text
.p2align 4
.type jtcy_simt_switch,@function
.hidden jtcy_simt_switch
.globl jtcy_simt_switch
jtcy_simt_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp,(%rdi)
  movq %rsi,%rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size jtcy_simt_switch,.-jtcy_simt_switch
)");

class Scheduler {
 public:
  Scheduler(const SimulatedKernel& kernel, const LaunchShape& shape, void** parameters, FiberOrder order);
  ~Scheduler();
  std::string run();

  static void barrier(int vote, int* any, int* count, const char* where);
  static const char* exchange(unsigned mask, const void* value, int nbytes, const char* where);

 private:
  static void enter();
  void run_block();
  void run_block_of_fibers();
  void start_fibers();
  bool run_warp(unsigned warp);
  void resume(Fiber& fiber);
  void suspend(Fiber& fiber);
  void release_barrier();
  void fail(std::string why);
  void describe_deadlock();
  void place(unsigned thread);
  /// The numbers below `count` in the order of this launch, into an array that is reused.
  const std::vector<unsigned>& ordered(unsigned count, std::vector<unsigned>* order);
  Exchange* find_exchange(Warp& warp, unsigned mask);

  const SimulatedKernel& kernel_;
  const LaunchShape& shape_;
  void** parameters_;
  FiberOrder order_;
  SimtModule module_{};
  simt::State state_;
  unsigned threads_;
  std::vector<Fiber> fibers_;
  std::vector<Warp> warps_;
  Fiber* current_ = nullptr;
  void* main_stack_ = nullptr;
  char* stacks_ = nullptr;
  int any_ = 0, count_ = 0;
  std::vector<unsigned> block_order_, warp_order_, thread_order_;
  std::minstd_rand random_{12345};
  std::string failure_;
};

thread_local Scheduler* t_scheduler = nullptr;
const simt::Services kServices{&Scheduler::barrier, &Scheduler::exchange};

Scheduler::Scheduler(const SimulatedKernel& kernel, const LaunchShape& shape, void** parameters, FiberOrder order)
    : kernel_(kernel), shape_(shape), parameters_(parameters), order_(order) {
  threads_ = shape.block[0] * shape.block[1] * shape.block[2];
  reinterpret_cast<void (*)(SimtModule*)>(kernel.module)(&module_);
  *module_.state = &state_;
  *module_.services = &kServices;
  state_.block_dim = {shape.block[0], shape.block[1], shape.block[2]};
  state_.grid_dim = {shape.grid[0], shape.grid[1], shape.grid[2]};
  if (threads_ == 0 || threads_ > kMaxBlockThreads) fail("a block of " + std::to_string(threads_) + " threads");
  if (module_.shared_end - module_.shared_begin > kMaxSharedBytes) fail("more shared memory than a block has");
  if (!kernel.waits || !failure_.empty()) return;
  fibers_.resize(threads_);
  warps_.resize((threads_ + kWarp - 1) / kWarp);
  void* memory =
      mmap(nullptr, kStackBytes * threads_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) fail("no memory for the fibers' stacks");
  stacks_ = static_cast<char*>(memory);
}

Scheduler::~Scheduler() {
  if (stacks_ && stacks_ != MAP_FAILED) munmap(stacks_, kStackBytes * threads_);
}

std::string Scheduler::run() {
  t_scheduler = this;
  const unsigned blocks = shape_.grid[0] * shape_.grid[1] * shape_.grid[2];
  const auto& order = ordered(failure_.empty() ? blocks : 0, &block_order_);
  for (size_t i = 0; i < order.size() && failure_.empty(); ++i) {
    const unsigned block = order[i];
    state_.block_index = {block % shape_.grid[0], block / shape_.grid[0] % shape_.grid[1],
                          block / (shape_.grid[0] * shape_.grid[1])};
    if (module_.shared_begin) {
      std::memset(module_.shared_begin, kPoison, static_cast<size_t>(module_.shared_end - module_.shared_begin));
    }
    run_block();
  }
  t_scheduler = nullptr;
  return failure_;
}

const std::vector<unsigned>& Scheduler::ordered(unsigned count, std::vector<unsigned>* order) {
  order->resize(count);
  std::iota(order->begin(), order->end(), 0u);
  if (order_ == FiberOrder::kDescending) std::reverse(order->begin(), order->end());
  if (order_ == FiberOrder::kShuffled) std::shuffle(order->begin(), order->end(), random_);
  return *order;
}

void Scheduler::place(unsigned thread) {
  const auto* block = shape_.block;
  state_.thread_index = {thread % block[0], thread / block[0] % block[1], thread / (block[0] * block[1])};
  state_.lane = thread % kWarp;
}

void Scheduler::run_block() {
  if (kernel_.waits) {
    run_block_of_fibers();
    return;
  }
  for (const unsigned thread : ordered(threads_, &thread_order_)) {
    place(thread);
    kernel_.run(parameters_);
  }
}

void Scheduler::start_fibers() {
  for (size_t i = 0; i < warps_.size(); ++i) {
    const unsigned live = std::min(kWarp, threads_ - static_cast<unsigned>(i) * kWarp);
    warps_[i].threads = live == kWarp ? ~0u : (1u << live) - 1;
    for (Exchange& exchange : warps_[i].exchanges) exchange.mask = exchange.arrived = 0;
  }
  for (unsigned i = 0; i < threads_; ++i) {
    Fiber& fiber = fibers_[i];
    fiber = Fiber{};
    fiber.number = i;
    char* top = stacks_ + (i + 1) * kStackBytes - i % kStackColours * 64 - 256;
    auto** stack = reinterpret_cast<void**>(reinterpret_cast<uintptr_t>(top) & ~uintptr_t{63});
    *--stack = nullptr;  // no return address above enter(), which never returns
    *--stack = reinterpret_cast<void*>(&Scheduler::enter);
    for (int saved = 0; saved < 6; ++saved) *--stack = nullptr;
    fiber.stack_pointer = stack;
  }
}

void Scheduler::enter() {
  Scheduler& self = *t_scheduler;
  self.kernel_.run(self.parameters_);
  self.current_->state = FiberState::kDone;
  self.suspend(*self.current_);
}

void Scheduler::resume(Fiber& fiber) {
  current_ = &fiber;
  place(fiber.number);
  state_.warp_threads = warps_[fiber.number / kWarp].threads;
  jtcy_simt_switch(&main_stack_, fiber.stack_pointer);
}

void Scheduler::suspend(Fiber& fiber) { jtcy_simt_switch(&fiber.stack_pointer, main_stack_); }

void Scheduler::run_block_of_fibers() {
  start_fibers();
  while (failure_.empty()) {
    bool moved = false;
    for (const unsigned warp : ordered(static_cast<unsigned>(warps_.size()), &warp_order_)) moved |= run_warp(warp);
    const auto in = [&](FiberState state) {
      return std::count_if(fibers_.begin(), fibers_.end(), [&](const Fiber& fiber) { return fiber.state == state; });
    };
    const auto done = in(FiberState::kDone), waiting = in(FiberState::kAtBarrier);
    if (done == threads_) return;
    if (waiting + done == threads_) {
      release_barrier();
    } else if (!moved) {
      describe_deadlock();
    }
  }
}

bool Scheduler::run_warp(unsigned warp) {
  const unsigned first = warp * kWarp, count = std::min(kWarp, threads_ - first);
  bool moved = false;
  for (bool again = true; again && failure_.empty();) {
    again = false;
    for (const unsigned lane : ordered(count, &thread_order_)) {
      Fiber& fiber = fibers_[first + lane];
      const bool exchanged = fiber.state == FiberState::kInExchange && fiber.exchange->generation != fiber.generation;
      if (exchanged) fiber.state = FiberState::kReady;
      if (fiber.state != FiberState::kReady) continue;
      resume(fiber);
      moved = again = true;
      if (!failure_.empty()) break;
    }
  }
  return moved;
}

void Scheduler::release_barrier() {
  any_ = count_ = 0;
  const char* where = nullptr;
  for (Fiber& fiber : fibers_) {
    if (fiber.state == FiberState::kDone) {
      fail("barrier divergence: a thread has returned while others wait");
      return;
    }
    if (where && std::strcmp(where, fiber.where) != 0) {
      fail(std::string("barrier divergence: ") + where + " and " + fiber.where);
      return;
    }
    where = fiber.where;
    any_ |= fiber.vote;
    count_ += fiber.vote;
    fiber.state = FiberState::kReady;
  }
}

void Scheduler::fail(std::string why) {
  failure_ = std::move(why) + ", in block (" + std::to_string(state_.block_index.x) + ", " +
             std::to_string(state_.block_index.y) + ", " + std::to_string(state_.block_index.z) + ")";
}

void Scheduler::describe_deadlock() {
  constexpr int kNamed = 4;
  std::string who;
  int named = 0;
  for (const Fiber& fiber : fibers_) {
    if (fiber.state == FiberState::kDone || named == kNamed) continue;
    who += " thread " + std::to_string(fiber.number) + " at " + fiber.where + ";";
    ++named;
  }
  fail("deadlock:" + who);
}

void Scheduler::barrier(int vote, int* any, int* count, const char* where) {
  Scheduler& self = *t_scheduler;
  Fiber& fiber = *self.current_;
  fiber.vote = vote;
  fiber.where = where;
  fiber.state = FiberState::kAtBarrier;
  self.suspend(fiber);
  *any = self.any_;
  *count = self.count_;
}

Exchange* Scheduler::find_exchange(Warp& warp, unsigned mask) {
  for (Exchange& exchange : warp.exchanges) {
    if (exchange.mask == mask) return &exchange;
  }
  for (Exchange& exchange : warp.exchanges) {
    if (exchange.arrived != 0) continue;
    exchange.mask = mask;
    return &exchange;
  }
  return nullptr;
}

const char* Scheduler::exchange(unsigned mask, const void* value, int nbytes, const char* where) {
  Scheduler& self = *t_scheduler;
  Fiber& fiber = *self.current_;
  Warp& warp = self.warps_[fiber.number / kWarp];
  const unsigned lane = fiber.number % kWarp;
  Exchange* exchange = mask >> lane & 1 ? self.find_exchange(warp, mask) : nullptr;
  if (!exchange) {
    self.fail(std::string(where) + ": the calling lane is not in its mask, or too many masks at once");
    self.suspend(fiber);  // never resumed
  }
  const unsigned generation = exchange->generation;
  char* slots = exchange->slots[generation & 1];
  std::memcpy(slots + lane * simt::kSlotBytes, value, static_cast<size_t>(nbytes));
  exchange->arrived |= 1u << lane;
  if (exchange->arrived == (mask & warp.threads)) {
    exchange->arrived = 0;
    ++exchange->generation;
    return slots;
  }
  fiber.where = where;
  fiber.state = FiberState::kInExchange;
  fiber.exchange = exchange;
  fiber.generation = generation;
  self.suspend(fiber);
  return slots;
}

}  // namespace

std::string run_grid(const SimulatedKernel& kernel, const LaunchShape& shape, void** parameters, FiberOrder order) {
  return Scheduler(kernel, shape, parameters, order).run();
}

}  // namespace jtcy::simulated
