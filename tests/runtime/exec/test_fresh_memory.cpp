// FreshMemory: what a compile waits for has its pages before, and nothing is taken that the run would not take.
#include <sys/mman.h>

#include <vector>

#include "../check.h"
#include "device/cpu_backend.h"
#include "exec/compile_hook.h"
#include "exec/fresh_memory.h"
#include "recording.h"

using namespace recording;
using jtcy::Block;
using jtcy::FreshMemory;
using jtcy::GraphSnapshot;
using jtcy::KernelTable;
using jtcy::Launch;
using jtcy::MemoryManager;
using jtcy::Program;
using jtcy::Ref;

namespace {

constexpr int64_t kCount = int64_t{3} << 20;
constexpr int64_t kNbytes = kCount * int64_t{sizeof(float)};

MemoryManager& manager() { return MemoryManager::of(Device{}); }

bool has_all_pages(void* address, int64_t nbytes) {
  std::vector<unsigned char> resident(static_cast<std::size_t>(nbytes / 4096));
  if (::mincore(address, static_cast<std::size_t>(nbytes), resident.data()) != 0) return false;
  return std::all_of(resident.begin(), resident.end(), [](unsigned char page) { return (page & 1) != 0; });
}

/// What the hook sees of the snapshot that is about to be compiled.
struct Seen {
  bool donates = false;
  jtcy::Kernel::State state = jtcy::Kernel::State::kCompiling;
  int64_t taken_nbytes = -1;
  bool resident = false;
};

Ref<Program> make_program(void* context, const GraphSnapshot& snapshot) {
  Seen& seen = *static_cast<Seen*>(context);
  Ref<Program> program = jtcy::make_ref<Program>();
  Launch launch;
  launch.kernel = KernelTable::instance().get(seen.donates ? "fresh_donating" : "fresh", "made_by_hand");
  launch.buffers = {snapshot.operands[static_cast<std::size_t>(snapshot.ops[0].first_input)],
                    snapshot.ops[0].first_output};
  if (seen.donates) launch.donations.emplace_back(1, 0);
  program->launches.push_back(std::move(launch));
  jtcy::Kernel kernel;
  kernel.state = seen.state;

  const int64_t before = manager().counted_nbytes();
  {
    FreshMemory memory(snapshot, *program, manager());
    memory.make_pages(kernel);
    seen.taken_nbytes = manager().counted_nbytes() - before;
  }
  Block* const block = manager().try_allocate_block(kNbytes);
  seen.resident = has_all_pages(MemoryManager::address_of(block), kNbytes);
  manager().free_block(block);
  return nullptr;  // the interpreter goes on
}

/// Negates a large Var with nothing in the cache.
Seen negate(Seen seen, bool held) {
  Executor::instance().wait_all();
  Executor::instance().clear_plans();
  Handle x = floats(std::vector<float>(static_cast<std::size_t>(kCount), 1.0f));
  manager().trim();
  jtcy::set_compile_hook({&seen, make_program});
  jtcy::runtime_flags().wait_for_kernels = true;
  const Handle y(op(OpKind::kNeg, *x));
  if (!held) x = Handle();
  CHECK_EQ(read(y).back(), -1.0f);
  jtcy::runtime_flags().wait_for_kernels = false;
  jtcy::set_compile_hook({});
  return seen;
}

void a_result_has_its_pages_before_its_kernel_is_ready() {
  const Seen seen = negate({}, true);
  CHECK_EQ(seen.taken_nbytes, kNbytes);
  CHECK(seen.resident);
}

void what_may_be_written_over_an_input_takes_nothing() {
  CHECK_EQ(negate({true}, false).taken_nbytes, int64_t{0});
  CHECK_EQ(negate({true}, true).taken_nbytes, kNbytes);
}

void a_ready_kernel_is_not_kept_waiting() { CHECK(!negate({false, jtcy::Kernel::State::kReady}, true).resident); }

void with_a_budget_nothing_is_taken() {
  manager().set_budget(int64_t{1} << 30, 0);
  CHECK_EQ(negate({}, true).taken_nbytes, int64_t{0});
  manager().set_budget(0, 0);
}

void without_huge_pages_the_run_makes_them() {
  jtcy::set_huge_pages(false);
  CHECK(!negate({}, true).resident);
  jtcy::set_huge_pages(true);
}

}  // namespace

int main() {
  const check::Test tests[] = {
      TEST(a_result_has_its_pages_before_its_kernel_is_ready),
      TEST(what_may_be_written_over_an_input_takes_nothing),
      TEST(a_ready_kernel_is_not_kept_waiting),
      TEST(with_a_budget_nothing_is_taken),
      TEST(without_huge_pages_the_run_makes_them),
  };
  return check::run_all(tests);
}
