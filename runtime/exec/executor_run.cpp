// Executing a Run: moves, kernels, batches, interpreted ops and user code, in order.
#include "exec/executor_run.h"

#include <algorithm>
#include <cstring>

#include "base/clock.h"
#include "base/error.h"
#include "base/thread_pool.h"
#include "base/trace.h"
#include "device/backend.h"
#include "exec/code_spec.h"
#include "exec/contraction.h"
#include "exec/host_staging.h"
#include "exec/index_error.h"
#include "exec/interpreter_view.h"
#include "exec/mapped_operands.h"

namespace jtcy {

namespace {

/// Local scratch of a batch's body lies on the stack up to here.
constexpr int64_t kMaxStackLocal = int64_t{256} << 10;
constexpr std::size_t kCacheLineBits = 512;
/// A kernel has at most 24 buffers (compiler/schedule/heuristic.py).
constexpr int32_t kMostOperands = 32;

class RunExecutor {
 public:
  RunExecutor(Run& run, Device device)
      : run_(run), device_(device), backend_(backend_of(device)), pool_(ThreadPool::instance()) {}

  std::exception_ptr execute(std::exception_ptr failure) {
    const int32_t count = run_.layout ? static_cast<int32_t>(run_.layout->launches.size()) : 0;
    if (device_.kind != DeviceKind::kCpu) errors_.assign(static_cast<std::size_t>(count), KernelError{});
    for (int32_t i = 0; i < count; i = batch_end(i)) {
      guard(failure, [&] { perform_steps(i); });
      if (!failure) guard(failure, [&] { trace_on(2) ? start_traced(i) : start(i); });
    }
    guard(failure, [&] { perform_steps(count); });
    if (device_.kind != DeviceKind::kCpu) guard(failure, [&] { finish(); });
    return failure;
  }

 private:
  template <typename F>
  static void guard(std::exception_ptr& failure, const F& body) {
    try {
      body();
    } catch (...) {
      if (!failure) failure = std::current_exception();
    }
  }

  int32_t batch_end(int32_t number) const {
    const LaunchLayout& launch = layout().launches[static_cast<std::size_t>(number)];
    return run_.split_batches ? launch.split_end : launch.batch_end;
  }

  /// Those planned in front of launch `before`; a failing move must not keep later ones from happening.
  void perform_steps(int32_t before) {
    std::exception_ptr failure;
    while (next_step_ < run_.steps.size() && run_.steps[next_step_].before <= before) {
      const RunStep& step = run_.steps[next_step_++];
      guard(failure, [&] { perform(step); });
    }
    if (failure) std::rethrow_exception(failure);
  }

  void perform(const RunStep& step) {
    switch (step.what) {
      case RunStep::What::kMove:
        return MemoryManager::of(device_).perform(step.move);
      case RunStep::What::kUpload:
        return backend_.copy_from_host(step.address, step.source, step.nbytes);
      case RunStep::What::kFree:
        return backend_.free(step.address, step.nbytes);
    }
  }

  void start_traced(int32_t number) {
    const Launch& launch = layout().program->launches[static_cast<std::size_t>(number)];
    const int64_t begin = now_ns();
    start(number);
    backend_.synchronize();
    const LaunchLayout& entry = layout().launches[static_cast<std::size_t>(number)];
    int64_t nbytes = 0;
    for (int32_t k = 0; k < entry.input_count + entry.output_count; ++k) {
      nbytes +=
          layout()
              .nbytes[static_cast<std::size_t>(layout().operands[static_cast<std::size_t>(entry.first_operand + k)])];
    }
    const int64_t elapsed_ns = std::max<int64_t>(1, now_ns() - begin);
    write_trace("kernel",
                str_cat("name=", name_of(number), " ops=", launch.ops.size(), " launches=", batch_end(number) - number,
                        " us=", elapsed_ns / 1000, " GBps=", nbytes / elapsed_ns));
  }

  /// Of a launch, with what runs with a contraction.
  std::string name_of(int32_t number) const {
    const int32_t contraction = contraction_of(number);
    if (contraction < 0) return own_name(number);
    std::string name;
    for (int32_t i = number; i < batch_end(number); ++i) name += (i == number ? "" : "+") + own_name(i);
    return name;
  }

  std::string own_name(int32_t number) const {
    const Launch& launch = layout().program->launches[static_cast<std::size_t>(number)];
    if (launch.kernel) return launch.kernel->name;
    const auto view = static_cast<std::size_t>(layout().launches[static_cast<std::size_t>(number)].op_view);
    return std::string(op_name(layout().op_views[view].kind));
  }

  /// The contraction of a batch, -1 where it has none.
  int32_t contraction_of(int32_t number) const {
    const int32_t end = batch_end(number);
    if (end - number == 1) return -1;
    for (int32_t i = number; i < end; ++i) {
      if (layout().launches[static_cast<std::size_t>(i)].kernel == nullptr) return i;
    }
    return -1;
  }

  void start(int32_t number) {
    const LaunchLayout& launch = layout().launches[static_cast<std::size_t>(number)];
    KernelError here{};
    KernelError* const error = device_.kind == DeviceKind::kCpu ? &here : &errors_[static_cast<std::size_t>(number)];
    const int32_t contraction = contraction_of(number);
    if (next_mapping_ < run_.mappings.size() && run_.mappings[next_mapping_].launch == number) {
      run_mapped(number, error);
    } else if (contraction >= 0) {
      run_fused_contraction(number, contraction, error);
    } else if (launch.kernel == nullptr) {
      run_op(number, launch, error);
    } else if (batch_end(number) - number > 1 && device_.kind == DeviceKind::kCpu) {
      start_batch(number, batch_end(number), error);
    } else {
      for (int32_t i = number; i < batch_end(number); ++i) start_kernel(i, error);
    }
    if (error->code != 0) throw_index_error(number, *error);
  }

  /// Launches on a GPU return before they run: their errors are known now.
  void finish() {
    backend_.synchronize();
    for (std::size_t i = 0; i < errors_.size(); ++i) {
      if (errors_[i].code != 0) throw_index_error(static_cast<int32_t>(i), errors_[i]);
    }
  }

  const Layout& layout() const { return *run_.layout; }

  KernelArgs arguments(int32_t number, KernelError* error) const {
    const LaunchLayout& launch = layout().launches[static_cast<std::size_t>(number)];
    return {run_.addresses.data() + launch.first_operand,
            layout().dims.data() + launch.first_dim,
            run_.scalars.data() + launch.first_scalar,
            run_.scratch[static_cast<std::size_t>(number)],
            error,
            launch.output_nbytes};
  }

  PhaseLaunch phase_of(int32_t number, int32_t phase) const {
    const LaunchLayout& launch = layout().launches[static_cast<std::size_t>(number)];
    PhaseLaunch result = layout().phases[static_cast<std::size_t>(launch.first_phase + phase)];
    if (result.local_threads > 0) {
      result.local = static_cast<char*>(run_.scratch[static_cast<std::size_t>(number)]) + launch.shared_nbytes;
    }
    return result;
  }

  void start_kernel(int32_t number, KernelError* error) {
    const KernelArgs args = arguments(number, error);
    const int32_t phases = layout().launches[static_cast<std::size_t>(number)].phase_count;
    for (int32_t phase = 0; phase < phases; ++phase) {
      const PhaseLaunch launch = phase_of(number, phase);
      if (launch.grid > 0) backend_.launch(launch, args);
    }
  }

  /// Independent launches of one kernel: one parallel range over all their grids.
  void start_batch(int32_t begin, int32_t end, KernelError* error) {
    const int32_t phases = layout().launches[static_cast<std::size_t>(begin)].phase_count;
    for (int32_t phase = 0; phase < phases; ++phase) {
      starts_.assign(1, 0);
      int64_t grain = 1;
      for (int32_t i = begin; i < end; ++i) {
        const PhaseLaunch launch = phase_of(i, phase);
        starts_.push_back(starts_.back() + launch.grid);
        grain = std::max(grain, launch.grain);
      }
      pool_.parallel_for(starts_.back(), grain, [&](int thread, int64_t from, int64_t to) {
        run_batch_part(begin, phase, thread, from, to, error);
      });
    }
  }

  void run_batch_part(int32_t begin, int32_t phase, int thread, int64_t from, int64_t to, KernelError* error) const {
    auto at = static_cast<std::size_t>(std::upper_bound(starts_.begin(), starts_.end(), from) - starts_.begin()) - 1;
    for (; from < to; ++at) {
      const int64_t stop = std::min(to, starts_[at + 1]);
      if (stop > from)
        run_batch_member(begin + static_cast<int32_t>(at), phase, thread, from - starts_[at], stop - starts_[at],
                         error);
      from = stop;
    }
  }

  void run_batch_member(int32_t number, int32_t phase, int thread, int64_t from, int64_t to, KernelError* error) const {
    const KernelArgs args = arguments(number, error);
    const PhaseLaunch launch = phase_of(number, phase);
    const auto entry = reinterpret_cast<CpuPhase>(launch.entry);
    if (launch.local != nullptr) {
      return entry(&args, static_cast<char*>(launch.local) + launch.local_nbytes * thread, from, to);
    }
    JTCY_ASSERT(launch.local_nbytes <= kMaxStackLocal, "a batch without room for its threads");
    entry(&args, __builtin_alloca_with_align(static_cast<std::size_t>(launch.local_nbytes) + 1, kCacheLineBits), from,
          to);
  }

  /// A kernel whose operands are not all in memory: a part of its grid after the other, so that few of their pages are.
  void run_mapped(int32_t number, KernelError* error) {
    const MappedOperands operands(run_, &next_mapping_, MemoryManager::of(device_));
    const int32_t phases = layout().launches[static_cast<std::size_t>(number)].phase_count;
    for (int32_t phase = 0; phase < phases; ++phase) {
      const PhaseLaunch launch = phase_of(number, phase);
      const int64_t part = operands.part_of(launch.grid);
      for (int64_t begin = 0; begin < launch.grid; begin += part) {
        const int64_t length = std::min(part, launch.grid - begin);
        pool_.parallel_for(length, launch.grain, [&](int thread, int64_t from, int64_t to) {
          run_batch_member(number, phase, thread, begin + from, begin + to, error);
        });
        operands.release_pages();
      }
    }
  }

  /// A contraction with the kernel that makes an operand while it is packed (`first`, if that is not the contraction),
  /// and the one that goes on from its pieces while they are in the caches (behind it, if there is one).
  void run_fused_contraction(int32_t first, int32_t number, KernelError* error) {
    const LaunchLayout& launch = layout().launches[static_cast<std::size_t>(number)];
    const OpView view = view_of(launch);
    const MadeElements made =
        first < number ? made_elements(first, itemsize(view.inputs[view.made].dtype), error) : MadeElements{};
    const Prologue prologue{MadeElements::run, &made, made.grain};
    const auto go_on = [&](int thread, int64_t begin, int64_t end) {
      run_batch_member(number + 1, 0, thread, begin, end, error);
    };
    const auto call = [](const void* context, int thread, int64_t begin, int64_t end) {
      (*static_cast<decltype(&go_on)>(context))(thread, begin, end);
    };
    Epilogue epilogue{call, &go_on, 1, 1};
    const bool goes_on = number + 1 < batch_end(number);
    if (goes_on) {
      const PhaseLaunch phase = phase_of(number + 1, 0);
      epilogue.piece = element_count(view.output->shape) / std::max<int64_t>(1, phase.grid);
      epilogue.grain = phase.grain;
    }
    run_contraction(view, run_.scratch[static_cast<std::size_t>(number)], pool_, first < number ? &prologue : nullptr,
                    goes_on ? &epilogue : nullptr);
  }

  /// A map kernel that writes its elements to wherever they are wanted.
  struct MadeElements {
    CpuPhase entry = nullptr;
    KernelArgs args{};
    int32_t inputs = 0;
    int64_t itemsize = 1;
    int64_t grain = 1;

    static void run(const void* context, int64_t begin, int64_t end, void* to) {
      const auto& made = *static_cast<const MadeElements*>(context);
      void* pointers[kMostOperands];
      std::copy_n(made.args.ptr, made.inputs, pointers);
      pointers[made.inputs] = static_cast<char*>(to) - begin * made.itemsize;
      KernelArgs args = made.args;
      args.ptr = pointers;
      made.entry(&args, nullptr, begin, end);
    }
  };

  MadeElements made_elements(int32_t number, int64_t size, KernelError* error) const {
    const LaunchLayout& launch = layout().launches[static_cast<std::size_t>(number)];
    const PhaseLaunch phase = phase_of(number, 0);
    MadeElements made{reinterpret_cast<CpuPhase>(phase.entry), arguments(number, error), launch.input_count, size,
                      phase.grain};
    JTCY_ASSERT(launch.input_count < kMostOperands, "a prologue of ", launch.input_count, " inputs");
    made.args.output_nbytes = 0;  // nothing is written past the caches
    return made;
  }

  /// The data pointers of the Layout's views are ours while we hold the run lock.
  OpView view_of(const LaunchLayout& launch) {
    OpView view = layout().op_views[static_cast<std::size_t>(launch.op_view)];
    auto* const operands = run_.layout->views.data() + launch.first_operand;
    for (int32_t i = 0; i < launch.input_count + launch.output_count; ++i) {
      operands[i].data = run_.addresses[static_cast<std::size_t>(launch.first_operand + i)];
    }
    view.scalars = run_.scalars.data() + launch.first_scalar;
    return view;
  }

  void run_op(int32_t number, const LaunchLayout& launch, KernelError* error) {
    const OpView view = view_of(launch);
    auto* const operands = run_.layout->views.data() + launch.first_operand;
    if (device_.kind == DeviceKind::kCpu) {
      run_here(view, launch, run_.scratch[static_cast<std::size_t>(number)], error);
    } else if ((view.kind == OpKind::kCopy || view.kind == OpKind::kReshape) &&
               is_contiguous(view.inputs[0].shape, view.inputs[0].strides)) {
      backend_.copy(view.output->data, view.inputs[0].data,
                    element_count(view.output->shape) * itemsize(view.output->dtype));
    } else {
      JTCY_TRACE(1, "fallback", "op=", op_name(view.kind), " device=", device_.name(),
                 " reason=\"no kernel\" effect=\"on the host\"");
      HostStaging staging(backend_, operands, launch.input_count, launch.output_count);
      run_here(view, launch, staging.scratch(launch.scratch_nbytes), error);
      staging.write_back();
    }
  }

  void run_here(const OpView& view, const LaunchLayout& launch, void* scratch, KernelError* error) {
    if (view.kind == OpKind::kCode) {
      run_code(view, launch, static_cast<char*>(scratch));
    } else {
      interpret(view, scratch, error, pool_);
    }
  }

  void run_code(const OpView& view, const LaunchLayout& launch, char* scratch) {
    const auto count = static_cast<std::size_t>(launch.input_count + launch.output_count);
    std::vector<CodeTensor> tensors(count);
    std::vector<Shape> shapes(count);
    for (std::size_t i = 0; i < count; ++i) {
      const TensorView& operand = view.inputs[i];
      shapes[i] = operand.shape;
      tensors[i] = {operand.data, static_cast<long long>(operand.shape.size()),
                    reinterpret_cast<const long long*>(shapes[i].data())};
      if (is_contiguous(operand.shape, operand.strides)) continue;
      const int64_t elements = element_count(operand.shape);
      StridedReader(operand).gather(0, elements, scratch);
      tensors[i].data = scratch;
      scratch += (elements * itemsize(operand.dtype) + 63) / 64 * 64;
    }
    find_code(view.structure[0])(tensors.data(), tensors.data() + launch.input_count, view.scalars);
  }

  [[noreturn]] void throw_index_error(int32_t number, const KernelError& error) const {
    const Launch& launch = layout().program->launches[static_cast<std::size_t>(number)];
    const int32_t op =
        launch.ops[static_cast<std::size_t>(error.op) < launch.ops.size() ? static_cast<std::size_t>(error.op) : 0];
    const auto at = std::find_if(run_.origins.begin(), run_.origins.end(), [&](const auto& o) { return o.op == op; });
    throw_error(ErrorKind::kIndex, index_error_text(at == run_.origins.end() ? RunOrigin() : *at, error));
  }

  Run& run_;
  const Device device_;
  Backend& backend_;
  ThreadPool& pool_;
  std::size_t next_step_ = 0;
  std::size_t next_mapping_ = 0;
  std::vector<int64_t> starts_;
  std::vector<KernelError> errors_;  // one a launch, on a GPU
};

}  // namespace

void Run::clear() {
  layout.reset();
  addresses.clear();
  scratch.clear();
  scalars.clear();
  steps.clear();
  mappings.clear();
  uploads.clear();
  reads.clear();
  origins.clear();
  updates = split_batches = false;
  room = 0;
  planned_failure = nullptr;
}

std::exception_ptr execute(Run& run, Device device, std::exception_ptr failure) {
  return RunExecutor(run, device).execute(std::move(failure));
}

}  // namespace jtcy
