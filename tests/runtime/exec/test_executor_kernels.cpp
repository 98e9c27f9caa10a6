// Fused Programs: hand-made kernels in place of compiled ones; readiness, batches, phases, scratch, scalars, donations.
#include <atomic>
#include <thread>

#include "../check.h"
#include "exec/compile_hook.h"
#include "exec/kernel.h"
#include "recording.h"

using namespace recording;
using jtcy::DimRef;
using jtcy::ErrorKind;
using jtcy::GraphSnapshot;
using jtcy::KernelTable;
using jtcy::Launch;
using jtcy::PhaseSpec;
using jtcy::Product;
using jtcy::Program;
using jtcy::Ref;

namespace {

Executor& executor() { return Executor::instance(); }

/// y = -x, and marks that it ran.
std::atomic<int> g_runs{0};
void negate(const KernelArgs* args, void*, long long begin, long long end) {
  ++g_runs;
  const float* const x = static_cast<const float*>(args->ptr[0]);
  float* const y = static_cast<float*>(args->ptr[1]);
  for (long long i = begin; i < end; ++i) y[i] = -x[i];
}

/// Phase 0 leaves x * x in the shared scratch, phase 1 adds its own index through local scratch.
void square(const KernelArgs* args, void*, long long begin, long long end) {
  const float* const x = static_cast<const float*>(args->ptr[0]);
  for (long long i = begin; i < end; ++i) static_cast<float*>(args->shared)[i] = x[i] * x[i];
}
void add_shift(const KernelArgs* args, void* local, long long begin, long long end) {
  float* const own = static_cast<float*>(local);
  float* const y = static_cast<float*>(args->ptr[1]);
  for (long long i = begin; i < end; ++i) {
    own[i % args->dim[1]] = static_cast<float*>(args->shared)[i] + static_cast<float>(args->dim[1]);
    y[i] = own[i % args->dim[1]];
  }
}

Product per_element() { return {{{0, 1}}, 1}; }

Launch launch_of(const std::string& key, int32_t op, int32_t input, int32_t output, std::size_t phases) {
  Launch launch;
  launch.kernel = KernelTable::instance().get(key, "made_by_hand");
  launch.ops = {op};
  launch.buffers = {input, output};
  launch.dims = {{DimRef::What::kExtent, output, 0, 0}, {DimRef::What::kConstant, 0, 0, 1000}};
  launch.phases.assign(phases, {per_element(), {{}, 1}, false});
  return launch;
}

/// One launch an op, all with `key`; `batch` nonzero puts them together.
struct Recipe {
  std::string key;
  std::size_t phases = 1;
  int32_t batch = 0;
  bool donates = false;
  int64_t shared_factor = 0;
  int64_t local_nbytes = 0;
};

Ref<Program> make_program(void* context, const GraphSnapshot& snapshot) {
  const Recipe& recipe = *static_cast<const Recipe*>(context);
  Ref<Program> program = jtcy::make_ref<Program>();
  for (std::size_t i = 0; i < snapshot.ops.size(); ++i) {
    const int32_t input = snapshot.operands[static_cast<std::size_t>(snapshot.ops[i].first_input)];
    Launch launch = launch_of(recipe.key, static_cast<int32_t>(i), input, snapshot.ops[i].first_output, recipe.phases);
    launch.batch = recipe.batch;
    if (recipe.donates) launch.donations.emplace_back(1, 0);
    launch.shared_nbytes = {{{0, 1}}, recipe.shared_factor};
    launch.local_nbytes = {{}, recipe.local_nbytes};
    program->launches.push_back(std::move(launch));
  }
  program->finish(static_cast<int32_t>(snapshot.vars.size()), snapshot.leaf_count);
  return program;
}

/// Compiles by `recipe` while it lives.
class Compiler {
 public:
  explicit Compiler(Recipe recipe) : recipe_(std::move(recipe)) {
    executor().wait_all();
    executor().clear_plans();
    executor().reset_stats();
    jtcy::set_compile_hook({&recipe_, make_program});
  }
  ~Compiler() { jtcy::set_compile_hook({}); }

 private:
  Recipe recipe_;
};

void ready(const std::string& key, std::vector<CpuPhase> phases) {
  std::vector<void*> entries;
  for (const CpuPhase phase : phases) entries.push_back(reinterpret_cast<void*>(phase));
  KernelTable::instance().get(key, "made_by_hand");
  KernelTable::instance().set_ready(key, entries, nullptr);
}

void the_interpreter_serves_until_the_kernel_is_ready() {
  const Compiler compiler({"later"});
  const Handle x = floats({1, 2});
  g_runs = 0;

  CHECK(read(Handle(op(OpKind::kNeg, *x))) == std::vector<float>({-1, -2}));
  CHECK_EQ(g_runs.load(), 0);
  ready("later", {negate});
  CHECK(read(Handle(op(OpKind::kNeg, *x))) == std::vector<float>({-1, -2}));

  CHECK_EQ(g_runs.load(), 1);
  CHECK_EQ(executor().stats().programs_compiled, int64_t{1});
  CHECK_EQ(executor().stats().interpreted_launches, int64_t{1});
}

void a_failed_kernel_leaves_the_interpreter_in_place() {
  const Compiler compiler({"broken"});
  const Handle x = floats({4});
  CHECK_EQ(read(Handle(op(OpKind::kNeg, *x)))[0], -4.0f);
  KernelTable::instance().set_failed("broken", "syntax error");
  CHECK_EQ(read(Handle(op(OpKind::kNeg, *x)))[0], -4.0f);
  CHECK_EQ(executor().stats().interpreted_launches, int64_t{2});
  CHECK_EQ(KernelTable::instance().get("broken", "")->failure, std::string("syntax error"));
}

int g_released = 0;
void waiting_for_kernels_releases_the_gil() {
  const Compiler compiler({"awaited"});
  jtcy::runtime_flags().wait_for_kernels = true;
  jtcy::set_wait_hooks({[]() -> void* {
                          ++g_released;
                          return nullptr;
                        },
                        [](void*) { --g_released; }});
  g_runs = 0;
  const Handle x = floats({4});
  std::thread background([] { ready("awaited", {negate}); });

  CHECK_EQ(read(Handle(op(OpKind::kNeg, *x)))[0], -4.0f);

  background.join();
  jtcy::set_wait_hooks({});
  jtcy::runtime_flags().wait_for_kernels = false;
  CHECK_EQ(g_runs.load(), 1);
  CHECK_EQ(g_released, 0);
}

void interpret_never_asks_the_compiler() {
  const Compiler compiler({"unwanted"});
  jtcy::runtime_flags().interpret = true;
  CHECK_EQ(read(Handle(op(OpKind::kNeg, *floats({4}))))[0], -4.0f);
  jtcy::runtime_flags().interpret = false;
  CHECK_EQ(executor().stats().programs_compiled, int64_t{0});
}

void phases_share_scratch_and_threads_have_their_own() {
  for (const int64_t local : {int64_t{4000}, int64_t{1} << 20}) {
    const Compiler compiler({"phases", 2, 0, false, 4, local});
    ready("phases", {square, add_shift});
    jtcy::runtime_flags().wait_for_kernels = true;
    const Handle x = floats(std::vector<float>(50'000, 3.0f));
    CHECK(read(Handle(op(OpKind::kNeg, *x))) == std::vector<float>(50'000, 1009.0f));
    jtcy::runtime_flags().wait_for_kernels = false;
  }
}

void a_batch_is_one_launch() {
  const Compiler compiler({"batched", 1, 5});
  ready("batched", {negate});
  jtcy::runtime_flags().wait_for_kernels = true;
  const Handle a = floats({1, 2, 3}), b = floats(std::vector<float>(70'000, 8.0f)), c = floats({5});
  const Handle x(op(OpKind::kNeg, *a)), y(op(OpKind::kNeg, *b)), z(op(OpKind::kNeg, *c));

  executor().flush_everything(FlushReason::kSyncAll);

  CHECK(read(x) == std::vector<float>({-1, -2, -3}));
  CHECK(read(y) == std::vector<float>(70'000, -8.0f));
  CHECK(read(z) == std::vector<float>({-5}));
  CHECK_EQ(executor().stats().launches, int64_t{1});
  jtcy::runtime_flags().wait_for_kernels = false;
}

void a_donated_leaf_that_dies_is_overwritten_and_a_held_one_is_not() {
  const Compiler compiler({"donating", 1, 0, true});
  ready("donating", {negate});
  jtcy::runtime_flags().wait_for_kernels = true;
  Handle x = floats({1, 2});
  const void* const address = x->buffer->address();
  const Handle y(op(OpKind::kNeg, *x));
  x = Handle();
  CHECK(read(y) == std::vector<float>({-1, -2}));
  CHECK(y->buffer->address() == address);

  const Handle z(op(OpKind::kNeg, *y));
  CHECK(read(z) == std::vector<float>({1, 2}));
  CHECK(read(y) == std::vector<float>({-1, -2}));
  jtcy::runtime_flags().wait_for_kernels = false;
}

void a_missing_symbol_or_file_is_a_compile_error() {
  KernelTable::instance().get("nowhere", "made_by_hand");
  CHECK_ERROR(ErrorKind::kCompile, "cannot load",
              KernelTable::instance().load_cpu("nowhere", "/nonexistent.so", "nowhere", 1));
}

void a_program_that_reads_what_is_not_made_is_a_bug() {
  Program program;
  program.launches.push_back(launch_of("unordered", 0, 1, 2, 1));
  CHECK_ERROR(ErrorKind::kInternal, "reads var 1 before it is made", program.finish(3, 1));
}

void a_product_rounds_each_term_up() {
  const int64_t dims[] = {10, 7};
  CHECK_EQ((Product{{{0, 4}, {1, 2}}, 3}).evaluate(dims), int64_t{3 * 3 * 4});
}

}  // namespace

int main() {
  const check::Test tests[] = {
      TEST(the_interpreter_serves_until_the_kernel_is_ready),
      TEST(a_failed_kernel_leaves_the_interpreter_in_place),
      TEST(waiting_for_kernels_releases_the_gil),
      TEST(interpret_never_asks_the_compiler),
      TEST(phases_share_scratch_and_threads_have_their_own),
      TEST(a_batch_is_one_launch),
      TEST(a_donated_leaf_that_dies_is_overwritten_and_a_held_one_is_not),
      TEST(a_missing_symbol_or_file_is_a_compile_error),
      TEST(a_program_that_reads_what_is_not_made_is_a_bug),
      TEST(a_product_rounds_each_term_up),
  };
  return check::run_all(tests);
}
