// The Program of a structure that was not compiled: one op a launch; and the memory that a Program needs.
#include <algorithm>
#include <numeric>
#include <utility>

#include "exec/bind_layout.h"

namespace jtcy {

namespace {

/// An elementwise op may write over an operand of its own item size.
void offer_donations(const GraphSnapshot& snapshot, const SnapshotOp& op, Launch* launch) {
  if (family_of(op.kind) != Family::kElementwise) return;
  const auto size_of = [&](int32_t var) { return itemsize(snapshot.vars[static_cast<std::size_t>(var)].dtype); };
  for (int32_t i = 0; i < op.input_count; ++i) {
    if (size_of(launch->buffers[static_cast<std::size_t>(i)]) == size_of(op.first_output)) {
      launch->donations.emplace_back(op.input_count, i);
    }
  }
}

/// As recorded, but an optimizer's updates follow right behind the last gradient that they need, with all that only
/// they need: gradients then die one by one. Where something else reads an updated value: as recorded.
class InterpretedOrder {
 public:
  explicit InterpretedOrder(const GraphSnapshot& snapshot)
      : snapshot_(snapshot), count_(static_cast<int32_t>(snapshot.ops.size())), place_(snapshot.ops.size()) {}

  std::vector<int32_t> run() {
    std::vector<int32_t> order(place_.size());
    std::iota(order.begin(), order.end(), 0);
    if (others_read_updates()) return order;
    find_earliest();
    go_with_readers();
    std::stable_sort(order.begin(), order.end(), [this](int32_t a, int32_t b) {
      return std::pair(place(a), is_update(a)) < std::pair(place(b), is_update(b));
    });
    return order;
  }

 private:
  bool is_update(int32_t op) const { return snapshot_.ops[static_cast<std::size_t>(op)].update_group != 0; }
  int32_t& place(int32_t op) { return place_[static_cast<std::size_t>(op)]; }
  template <typename F>
  void for_producers(int32_t number, const F& visit) const {
    const SnapshotOp& op = snapshot_.ops[static_cast<std::size_t>(number)];
    for (int32_t i = 0; i < op.input_count; ++i) {
      const int32_t var = snapshot_.operands[static_cast<std::size_t>(op.first_input + i)];
      const int32_t producer = snapshot_.vars[static_cast<std::size_t>(var)].producer;
      if (producer >= 0) visit(producer);
    }
  }
  bool others_read_updates() const {
    bool found = false;
    for (int32_t op = 0; op < count_; ++op) {
      if (!is_update(op)) for_producers(op, [&](int32_t from) { found |= is_update(from); });
    }
    return found;
  }
  /// The place of an update: that of the last op of another kind among its ancestors.
  void find_earliest() {
    for (int32_t op = 0; op < count_; ++op) {
      place(op) = is_update(op) ? -1 : op;
      if (is_update(op)) for_producers(op, [&](int32_t from) { place(op) = std::max(place(op), place(from)); });
    }
  }
  /// No earlier than the first update that reads it.
  void go_with_readers() {
    std::vector<char> is_read(place_.size(), 0);
    for (int32_t op = count_ - 1; op >= 0; --op) {
      if (!is_update(op)) continue;
      for_producers(op, [&](int32_t from) {
        if (!is_update(from)) return;
        char& seen = is_read[static_cast<std::size_t>(from)];
        place(from) = seen != 0 ? std::min(place(from), place(op)) : place(op);
        seen = 1;
      });
    }
  }

  const GraphSnapshot& snapshot_;
  const int32_t count_;
  std::vector<int32_t> place_;
};

}  // namespace

int64_t nbytes_of(const GraphSnapshot& snapshot, int32_t number) {
  const SnapshotVar& var = snapshot.vars[static_cast<std::size_t>(number)];
  int64_t nbytes = itemsize(var.dtype);
  for (int32_t axis = 0; axis < var.ndim; ++axis) {
    const int32_t symbol = snapshot.symbols_of_axes[static_cast<std::size_t>(var.first_symbol + axis)];
    nbytes *= snapshot.symbols[static_cast<std::size_t>(symbol)].value;
  }
  return nbytes;
}

int64_t output_nbytes(const GraphSnapshot& snapshot) {
  int64_t nbytes = 0;
  for (auto var = static_cast<int32_t>(snapshot.leaf_count); var < static_cast<int32_t>(snapshot.vars.size()); ++var) {
    if (snapshot.vars[static_cast<std::size_t>(var)].output) nbytes += nbytes_of(snapshot, var);
  }
  return nbytes;
}

int64_t peak_nbytes(const GraphSnapshot& snapshot, const Program& program) {
  int64_t live = 0, peak = 0;
  for (std::size_t i = 0; i < program.launches.size(); ++i) {
    const Launch& launch = program.launches[i];
    const auto first_output = launch.buffers.end() - launch.output_count;
    int64_t made = 0, dying = 0;
    for (auto var = first_output; var != launch.buffers.end(); ++var) made += nbytes_of(snapshot, *var);
    for (auto var = launch.buffers.begin(); var != launch.buffers.end(); ++var) {
      const auto slot = static_cast<std::size_t>(*var);
      const bool seen = std::find(launch.buffers.begin(), var, *var) != var;
      if (seen || *var < snapshot.leaf_count || snapshot.vars[slot].output) continue;
      if (program.last_use[slot] == static_cast<int32_t>(i)) dying += nbytes_of(snapshot, *var);
    }
    // What may be taken over is not there twice.
    peak = std::max(peak, live + made - (launch.donations.empty() ? 0 : std::min(made, dying)));
    live += made - dying;
  }
  return peak;
}

Ref<Program> make_interpreted_program(const GraphSnapshot& snapshot) {
  Ref<Program> program = make_ref<Program>();
  program->signature = snapshot.signature;
  for (const int32_t number : InterpretedOrder(snapshot).run()) {
    const SnapshotOp& op = snapshot.ops[static_cast<std::size_t>(number)];
    Launch launch;
    launch.ops.push_back(number);
    const auto first = snapshot.operands.begin() + op.first_input;
    launch.buffers.assign(first, first + op.input_count);
    for (int32_t i = 0; i < op.output_count; ++i) launch.buffers.push_back(op.first_output + i);
    launch.output_count = op.output_count;
    offer_donations(snapshot, op, &launch);
    program->launches.push_back(std::move(launch));
  }
  program->finish(static_cast<int32_t>(snapshot.vars.size()), snapshot.leaf_count);
  return program;
}

}  // namespace jtcy
