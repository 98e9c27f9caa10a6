// Programs become Layouts: every number that a launch needs, resolved once for the extents at hand.
#include "exec/bind_layout.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace jtcy {

namespace {

/// Rough costs of interpreted ops, for choosing where a small run is done.
constexpr double kElementNs = 0.5;
constexpr double kCostlyElementNs = 4;
constexpr double kMultiplyAddNs = 0.0085;  // 236 GFLOP/s a core
/// Scratch of a thread up to here lies on its stack (cpu_backend.cpp).
constexpr int64_t kMaxStackLocal = int64_t{256} << 10;

constexpr int64_t round_to_line(int64_t nbytes) noexcept { return (nbytes + 63) / 64 * 64; }

class LayoutMaker {
 public:
  LayoutMaker(const GraphSnapshot& snapshot, Layout& layout)
      : snapshot_(snapshot), layout_(layout), program_(*layout.program) {}

  void run() {
    for (std::size_t var = 0; var < snapshot_.vars.size(); ++var) add_var(static_cast<int32_t>(var));
    find_constants();
    reserve_views();
    for (const Launch& launch : program_.launches) add_launch(launch);
    find_batches();
    add_frees();
    for (std::size_t i = 0; i < program_.launches.size(); ++i) add_donations(static_cast<int32_t>(i));
    for (const LaunchLayout& launch : layout_.launches) count(launch);
    layout_.uses = collect_uses(layout_.operands, operand_starts(), static_cast<int32_t>(layout_.nbytes.size()));
  }

 private:
  std::vector<int32_t> operand_starts() const {
    std::vector<int32_t> starts;
    for (const LaunchLayout& launch : layout_.launches) starts.push_back(launch.first_operand);
    starts.push_back(static_cast<int32_t>(layout_.operands.size()));
    return starts;
  }
  Shape shape_of(int32_t var) const {
    const SnapshotVar& entry = snapshot_.vars[static_cast<std::size_t>(var)];
    Shape shape;
    for (int32_t axis = 0; axis < entry.ndim; ++axis) {
      const int32_t symbol = snapshot_.symbols_of_axes[static_cast<std::size_t>(entry.first_symbol + axis)];
      shape.push_back(snapshot_.symbols[static_cast<std::size_t>(symbol)].value);
    }
    return shape;
  }
  Strides strides_of(int32_t var) const {
    const SnapshotVar& entry = snapshot_.vars[static_cast<std::size_t>(var)];
    if (is_constant_[static_cast<std::size_t>(var)]) return Strides(static_cast<std::size_t>(entry.ndim), 0);
    if (entry.leaf == LeafLayout::kStrided) return snapshot_.live_vars[static_cast<std::size_t>(var)]->strides;
    return contiguous_strides(shape_of(var));
  }
  void add_var(int32_t var) {
    const SnapshotVar& entry = snapshot_.vars[static_cast<std::size_t>(var)];
    layout_.nbytes.push_back(element_count(shape_of(var)) * itemsize(entry.dtype));
    layout_.is_output.push_back(entry.output ? 1 : 0);
  }

  /// What a Full makes for interpreted ops alone is one element in memory, which they read with strides of zero.
  void find_constants() {
    is_constant_.assign(snapshot_.vars.size(), false);
    for (const Launch& launch : program_.launches) {
      const auto outputs = launch.buffers.end() - launch.output_count;
      for (auto var = launch.buffers.begin(); launch.kernel && var != outputs; ++var) {
        is_constant_[static_cast<std::size_t>(*var)] = false;
      }
      if (launch.kernel || snapshot_.ops[static_cast<std::size_t>(launch.ops[0])].kind != OpKind::kFull) continue;
      is_constant_[static_cast<std::size_t>(*outputs)] = layout_.is_output[static_cast<std::size_t>(*outputs)] == 0;
    }
    for (std::size_t var = 0; var < is_constant_.size(); ++var) {
      if (is_constant_[var]) layout_.nbytes[var] = std::min(layout_.nbytes[var], itemsize(snapshot_.vars[var].dtype));
    }
  }

  /// OpViews point into these: no growth afterwards.
  void reserve_views() {
    std::size_t operands = 0, structure = 0, ops = 0;
    for (const Launch& launch : program_.launches) {
      operands += launch.buffers.size();
      if (launch.kernel) continue;
      const SnapshotOp& op = snapshot_.ops[static_cast<std::size_t>(launch.ops[0])];
      operands += static_cast<std::size_t>(op.input_count);
      structure += static_cast<std::size_t>(op.structure_count);
      ++ops;
    }
    layout_.operands.reserve(operands);
    layout_.views.reserve(operands);
    layout_.structure.reserve(structure);
    layout_.op_views.reserve(ops);
  }

  void add_launch(const Launch& launch) {
    LaunchLayout entry;
    entry.kernel = launch.kernel.get();
    entry.first_operand = static_cast<int32_t>(layout_.operands.size());
    entry.first_scalar = static_cast<int32_t>(layout_.scalars.size());
    entry.first_dim = static_cast<int32_t>(layout_.dims.size());
    entry.first_phase = static_cast<int32_t>(layout_.phases.size());
    entry.output_count = launch.output_count;
    if (launch.kernel) {
      add_kernel(launch, &entry);
    } else {
      add_interpreted(launch, &entry);
    }
    layout_.launches.push_back(entry);
  }

  static long long run_length(const Shape& shape, const DimRef& dim) {
    long long length = 1;
    for (int64_t axis = dim.axis; axis < dim.value; ++axis) length *= shape[static_cast<std::size_t>(axis)];
    return length;
  }

  long long resolve(const DimRef& dim) const {
    switch (dim.what) {
      case DimRef::What::kConstant:
        return dim.value;
      case DimRef::What::kExtent:
        return shape_of(dim.var)[static_cast<std::size_t>(dim.axis)];
      case DimRef::What::kStride:
        return strides_of(dim.var)[static_cast<std::size_t>(dim.axis)];
      case DimRef::What::kCount:
        return run_length(shape_of(dim.var), dim);
    }
    return 0;
  }

  void add_kernel(const Launch& launch, LaunchLayout* entry) {
    layout_.operands.insert(layout_.operands.end(), launch.buffers.begin(), launch.buffers.end());
    layout_.views.resize(layout_.operands.size());
    entry->input_count = static_cast<int32_t>(launch.buffers.size()) - launch.output_count;
    layout_.scalars.insert(layout_.scalars.end(), launch.scalars.begin(), launch.scalars.end());
    std::vector<int64_t> dims;
    for (const DimRef& dim : launch.dims) dims.push_back(resolve(dim));
    layout_.dims.insert(layout_.dims.end(), dims.begin(), dims.end());
    for (auto var = launch.buffers.begin() + entry->input_count; var != launch.buffers.end(); ++var) {
      entry->output_nbytes = std::max(entry->output_nbytes, layout_.nbytes[static_cast<std::size_t>(*var)]);
    }
    const int64_t local = round_to_line(launch.local_nbytes.evaluate(dims.data()));
    entry->shared_nbytes = round_to_line(launch.shared_nbytes.evaluate(dims.data()));
    const bool own_local = local > kMaxStackLocal && snapshot_.device.kind == DeviceKind::kCpu;
    entry->scratch_nbytes = entry->shared_nbytes + (own_local ? local * layout_.threads : 0);
    entry->phase_count = static_cast<int32_t>(launch.phases.size());
    for (std::size_t i = 0; i < launch.phases.size(); ++i) {
      PhaseLaunch phase;
      phase.entry = launch.kernel->phases[i];
      phase.grid = launch.phases[i].grid.evaluate(dims.data());
      const int64_t work = std::max<int64_t>(1, launch.phases[i].work.evaluate(dims.data()));
      phase.grain = std::max<int64_t>(1, launch.phases[i].grain_ns / work);
      phase.local_nbytes = local;
      phase.local_threads = own_local ? layout_.threads : 0;
      phase.block_per_iteration = launch.phases[i].block_per_iteration;
      layout_.phases.push_back(phase);
      layout_.work_ns += phase.grid * work;
    }
  }

  void add_interpreted(const Launch& launch, LaunchLayout* entry) {
    const int32_t number = launch.ops[0];
    const SnapshotOp& op = snapshot_.ops[static_cast<std::size_t>(number)];
    // Not the snapshot's operands: the compiler may have found the same value under another number.
    JTCY_ASSERT(launch.buffers.size() == static_cast<std::size_t>(op.input_count + op.output_count), "launch of op ",
                number);
    for (const int32_t var : launch.buffers) add_view(var);
    if (op.kind == OpKind::kFull && is_constant_[static_cast<std::size_t>(op.first_output)])
      make_scalar(&layout_.views.back());
    entry->input_count = op.input_count;
    entry->output_count = op.output_count;
    for (int32_t i = 0; i < op.scalar_count; ++i) layout_.scalars.push_back({number, i});
    const auto first = static_cast<std::size_t>(entry->first_operand);
    OpView view;
    view.kind = op.kind;
    view.structure = layout_.structure.data() + layout_.structure.size();
    view.structure_count = op.structure_count;
    const auto from = snapshot_.structure.begin() + op.first_structure;
    layout_.structure.insert(layout_.structure.end(), from, from + op.structure_count);
    view.scalar_count = op.scalar_count;
    view.float_scalars = op.float_scalars;
    view.inputs = layout_.views.data() + first;
    view.input_count = op.input_count;
    view.output = view.inputs + op.input_count;
    const std::size_t position = layout_.launches.size();
    if (position > 0 && is_prologue(position - 1)) {
      const int32_t made = program_.launches[position - 1].buffers.back();
      view.made =
          static_cast<int>(std::find(launch.buffers.begin(), launch.buffers.end(), made) - launch.buffers.begin());
    }
    entry->op_view = static_cast<int32_t>(layout_.op_views.size());
    layout_.op_views.push_back(view);
    view.scalars = snapshot_.live_ops[static_cast<std::size_t>(number)]->attrs.scalars.data();
    entry->scratch_nbytes = scratch_of(view, *entry);
    layout_.op_views.back().scalars = nullptr;  // each run brings its own
    layout_.work_ns += interpreted_work(view, *entry);
  }

  void add_view(int32_t var) {
    layout_.operands.push_back(var);
    TensorView view;
    view.dtype = snapshot_.vars[static_cast<std::size_t>(var)].dtype;
    view.shape = shape_of(var);
    view.strides = strides_of(var);
    layout_.views.push_back(std::move(view));
  }

  /// A tensor with no elements stays one.
  static void make_scalar(TensorView* view) {
    if (element_count(view->shape) == 0) return;
    view->shape = Shape();
    view->strides = Strides();
  }

  /// User code reads contiguous inputs: strided ones are copied first.
  int64_t scratch_of(const OpView& view, const LaunchLayout& entry) const {
    if (view.kind != OpKind::kCode) return interpreter_scratch(view, layout_.threads);
    int64_t nbytes = 0;
    for (int32_t i = 0; i < entry.input_count; ++i) {
      const TensorView& input = view.inputs[i];
      if (is_contiguous(input.shape, input.strides)) continue;
      nbytes += round_to_line(element_count(input.shape) * itemsize(input.dtype));
    }
    return nbytes;
  }

  static int64_t interpreted_work(const OpView& view, const LaunchLayout& entry) {
    double elements = 0, product = 1;
    for (int32_t i = 0; i < entry.input_count + entry.output_count; ++i) {
      const auto count = static_cast<double>(element_count(view.inputs[i].shape));
      elements = std::max(elements, count);
      product *= count;
    }
    // |a| |b| |out| is the square of the multiply-adds of a matrix product.
    if (view.kind == OpKind::kContraction) return static_cast<int64_t>(kMultiplyAddNs * std::sqrt(product));
    if (family_of(view.kind) == Family::kAttention) {
      const Shape& keys = view.inputs[1].shape;
      return static_cast<int64_t>(kMultiplyAddNs * elements * static_cast<double>(keys[keys.size() - 2]));
    }
    const bool costly = (properties_of(view.kind) & kCostly) != 0 || family_of(view.kind) == Family::kReindex ||
                        family_of(view.kind) == Family::kReindexReduce;
    return static_cast<int64_t>(elements * (costly ? kCostlyElementNs : kElementNs));
  }

  void find_batches() {
    const auto& launches = program_.launches;
    for (std::size_t i = 0; i < launches.size();) {
      std::size_t end = i + 1;
      while (launches[i].batch != 0 && end < launches.size() && launches[end].batch == launches[i].batch) ++end;
      for (; i < end; ++i) {
        LaunchLayout& launch = layout_.launches[i];
        launch.batch_end = static_cast<int32_t>(end);
        launch.split_end = static_cast<int32_t>(i) + (is_prologue(i) ? 2 : 1);
        // It is nowhere in memory.
        if (is_prologue(i)) layout_.nbytes[static_cast<std::size_t>(launches[i].buffers.back())] = 0;
      }
    }
  }

  /// Whether the launch makes what the next one packs.
  bool is_prologue(std::size_t number) const {
    const auto& launches = program_.launches;
    const bool pair = launches[number].batch != 0 && launches[number].kernel && number + 1 < launches.size() &&
                      launches[number + 1].batch == launches[number].batch;
    return pair && !launches[number + 1].kernel;
  }

  /// Temporaries and leaves are let go after their last launch, in a batch after the batch.
  void add_frees() {
    std::vector<std::vector<int32_t>> dying(layout_.launches.size());
    for (std::size_t var = 0; var < layout_.nbytes.size(); ++var) {
      const int32_t last = program_.last_use[var];
      if (last < 0 || layout_.is_output[var] != 0) continue;
      dying[static_cast<std::size_t>(layout_.launches[static_cast<std::size_t>(last)].batch_end - 1)].push_back(
          static_cast<int32_t>(var));
    }
    for (std::size_t i = 0; i < dying.size(); ++i) {
      layout_.launches[i].first_free = static_cast<int32_t>(layout_.frees.size());
      layout_.launches[i].free_count = static_cast<int32_t>(dying[i].size());
      layout_.frees.insert(layout_.frees.end(), dying[i].begin(), dying[i].end());
    }
  }

  /// Operand positions name the same vars in `buffers` and `operands` unless an interpreted op repeats one.
  void add_donations(int32_t number) {
    const Launch& launch = program_.launches[static_cast<std::size_t>(number)];
    LaunchLayout& entry = layout_.launches[static_cast<std::size_t>(number)];
    entry.first_donation = static_cast<int32_t>(layout_.donations.size());
    if (is_prologue(static_cast<std::size_t>(number))) return;
    for (const auto& [to, from] : launch.donations) {
      const int32_t output = launch.buffers[static_cast<std::size_t>(to)];
      const int32_t input = launch.buffers[static_cast<std::size_t>(from)];
      const auto slot = static_cast<std::size_t>(input);
      const bool dies = program_.last_use[slot] == number && layout_.is_output[slot] == 0;
      const bool same = layout_.nbytes[slot] == layout_.nbytes[static_cast<std::size_t>(output)];
      const bool strided = snapshot_.vars[slot].leaf == LeafLayout::kStrided;
      if (dies && same && !strided && !shared_in_batch(input, number)) layout_.donations.emplace_back(output, input);
    }
    entry.donation_count = static_cast<int32_t>(layout_.donations.size()) - entry.first_donation;
  }

  /// Launches of a batch run side by side: none may overwrite what another reads. An epilogue may write over what its
  /// contraction made: it comes after it, element by element.
  bool shared_in_batch(int32_t var, int32_t number) const {
    const int32_t end = layout_.launches[static_cast<std::size_t>(number)].batch_end;
    int32_t readers = 0;
    for (int32_t i = number; i >= 0 && layout_.launches[static_cast<std::size_t>(i)].batch_end == end; --i) {
      const Launch& launch = program_.launches[static_cast<std::size_t>(i)];
      const auto inputs_end = launch.buffers.end() - launch.output_count;
      readers += std::find(launch.buffers.begin(), inputs_end, var) != inputs_end;
    }
    return readers > 1;
  }

  void count(const LaunchLayout& launch) {
    const auto number = &launch - layout_.launches.data();
    if (launch.kernel == nullptr) ++layout_.interpreted_count;
    if (launch.batch_end == number + 1) ++layout_.launch_count;
  }

  const GraphSnapshot& snapshot_;
  Layout& layout_;
  const Program& program_;
  std::vector<bool> is_constant_;  // by var
};

}  // namespace

void layout_key(const GraphSnapshot& snapshot, int threads, std::vector<int64_t>* key) {
  key->clear();
  key->push_back(threads);
  for (const SnapshotSymbol& symbol : snapshot.symbols) key->push_back(symbol.value);
  for (int32_t leaf = 0; leaf < snapshot.leaf_count; ++leaf) {
    const auto slot = static_cast<std::size_t>(leaf);
    if (snapshot.vars[slot].leaf != LeafLayout::kStrided) continue;
    const Strides& strides = snapshot.live_vars[slot]->strides;
    key->insert(key->end(), strides.begin(), strides.end());
  }
  for (std::size_t number = 0; number < snapshot.ops.size(); ++number) {
    // Offsets (padding) decide what a contraction copies, so its scratch depends on them.
    if (snapshot.ops[number].kind != OpKind::kContraction) continue;
    for (const KernelScalar& scalar : snapshot.live_ops[number]->attrs.scalars) key->push_back(scalar.i);
  }
}

Ref<Layout> make_layout(const GraphSnapshot& snapshot, const Ref<Program>& program, int threads,
                        const std::vector<int64_t>& key) {
  Ref<Layout> layout = make_ref<Layout>();
  layout->key = key;
  layout->program = program;
  layout->threads = threads;
  LayoutMaker(snapshot, *layout).run();
  return layout;
}

}  // namespace jtcy
