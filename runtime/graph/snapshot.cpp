// A cut as flat arrays, and its Signature.
#include "graph/snapshot.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "graph/graph_state.h"

namespace jtcy {

// Note [Signature]
// Symbols are numbered over the vars in order, so leaves are gathered before anything is hashed. The stream is: flags
// and device; per leaf its dtype, layout, which strides are 0 and 1, which earlier leaf shares its Buffer, and its
// symbols; per op its hash, the numbers of its operands, its update group (numbered by first appearance), its
// schedule, and its outputs; at last the value of each constant symbol. Numbers of scalars and structure are in the
// op's hash already.

namespace {

/// Extent → symbol, for one snapshot: a direct-mapped table in front of a search.
class SymbolTable {
 public:
  void start(std::vector<SnapshotSymbol>* symbols) {
    symbols_ = symbols;
    ++epoch_;
  }
  int32_t number_of(int64_t extent) {
    Slot& slot = slots_[static_cast<uint64_t>(extent) * 0x9E3779B97F4A7C15ull >> 56];
    if (slot.epoch == epoch_ && slot.extent == extent) return slot.symbol;
    slot = Slot{extent, epoch_, search(extent)};
    return slot.symbol;
  }

 private:
  struct Slot {
    int64_t extent = 0;
    uint64_t epoch = 0;
    int32_t symbol = 0;
  };
  int32_t search(int64_t extent) {
    const auto at = std::find_if(symbols_->begin(), symbols_->end(), [=](auto& s) { return s.value == extent; });
    if (at != symbols_->end()) return static_cast<int32_t>(at - symbols_->begin());
    symbols_->push_back({extent, extent == 0 || extent == 1});
    return static_cast<int32_t>(symbols_->size()) - 1;
  }
  std::vector<SnapshotSymbol>* symbols_ = nullptr;
  uint64_t epoch_ = 0;
  Slot slots_[256];
};

/// Buffer → first leaf that uses it: open addressing, cleared by epoch.
class AliasTable {
 public:
  void start(std::size_t leaves) {
    std::size_t wanted = 64;
    while (wanted < leaves * 2) wanted *= 2;
    if (wanted > slots_.size()) slots_.assign(wanted, Slot());
    ++epoch_;
  }
  int32_t first_with(const Buffer* buffer, int32_t leaf) {
    std::size_t i = (reinterpret_cast<uintptr_t>(buffer) * 0x9E3779B97F4A7C15ull >> 20) & (slots_.size() - 1);
    while (slots_[i].epoch == epoch_ && slots_[i].buffer != buffer) i = (i + 1) & (slots_.size() - 1);
    if (slots_[i].epoch != epoch_) slots_[i] = Slot{buffer, epoch_, leaf};
    return slots_[i].leaf;
  }

 private:
  struct Slot {
    const Buffer* buffer = nullptr;
    uint64_t epoch = 0;
    int32_t leaf = 0;
  };
  std::vector<Slot> slots_;
  uint64_t epoch_ = 0;
};

/// Number of an update group by first appearance; there are few.
class GroupTable {
 public:
  void start() { groups_.clear(); }
  uint32_t number_of(uint32_t group) {
    if (group == 0) return 0;
    if (!groups_.empty() && groups_[last_] == group) return last_ + 1;
    const auto at = std::find(groups_.begin(), groups_.end(), group);
    last_ = static_cast<uint32_t>(at - groups_.begin());
    if (at == groups_.end()) groups_.push_back(group);
    return last_ + 1;
  }

 private:
  std::vector<uint32_t> groups_;
  uint32_t last_ = 0;
};

SymbolTable g_symbols;
AliasTable g_aliases;
GroupTable g_groups;
std::vector<Var*> g_leaves;

void clear(GraphSnapshot* out) {
  out->symbols.clear();
  out->symbols_of_axes.clear();
  out->vars.clear();
  out->ops.clear();
  out->operands.clear();
  out->structure.clear();
  out->live_vars.clear();
  out->live_ops.clear();
  out->leaf_count = 0;
  out->signature = Hash128();
}

/// Appends a var and mixes its dtype, layout and symbols.
void add_var(Var* var, Dtype dtype, LeafLayout leaf, bool output, int32_t producer, const Shape& shape,
             GraphSnapshot* out) {
  SnapshotVar entry;
  entry.dtype = dtype;
  entry.leaf = leaf;
  entry.output = output;
  entry.producer = producer;
  entry.first_symbol = static_cast<int32_t>(out->symbols_of_axes.size());
  entry.ndim = static_cast<int32_t>(shape.size());
  uint64_t word = static_cast<uint64_t>(dtype) | static_cast<uint64_t>(leaf) << 5 | uint64_t{output} << 7 |
                  static_cast<uint64_t>(shape.size()) << 8;
  int room = 3;  // symbols of 16 bits that still fit into the word
  int shift = 16;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    const int32_t symbol = g_symbols.number_of(shape[axis]);
    if (axis > 0 && shape[axis] <= kEmbeddedExtent) out->symbols[symbol].constant = true;
    out->symbols_of_axes.push_back(symbol);
    if (room == 0 || symbol >= 0xFFFF) {
      out->signature.mix(word);
      word = static_cast<uint64_t>(symbol);
      room = 0;
    } else {
      word |= static_cast<uint64_t>(symbol) << shift;
      shift += 16;
      --room;
    }
  }
  out->signature.mix(word);
  out->vars.push_back(entry);
  out->live_vars.push_back(var);
}

void add_leaf(Var* leaf, GraphSnapshot* out) {
  const auto number = static_cast<int32_t>(out->vars.size());
  const bool contiguous = leaf->contiguous();
  add_var(leaf, leaf->dtype, contiguous ? LeafLayout::kContiguous : LeafLayout::kStrided, false, -1, leaf->shape, out);
  const int32_t first = g_aliases.first_with(leaf->buffer.get(), number);
  if (first == number && contiguous) return;
  SnapshotVar& entry = out->vars.back();
  if (!contiguous) {
    for (std::size_t axis = 0; axis < leaf->strides.size(); ++axis) {
      if (leaf->shape[axis] <= 1) continue;
      if (leaf->strides[axis] == 0) entry.repeated |= uint32_t{1} << axis;
      if (leaf->strides[axis] == 1) entry.unit_axis = static_cast<int32_t>(axis);
    }
  }
  const auto unit = static_cast<uint64_t>(entry.unit_axis + 1);
  out->signature.mix(unit << 48 | uint64_t{entry.repeated} << 32 | static_cast<uint32_t>(first));
}

/// Leaves get their numbers in order of first use; they are added once all are known.
void gather_leaves(const std::vector<Op*>& cut, GraphSnapshot* out) {
  g_leaves.clear();
  for (Op* op : cut) {
    const std::size_t count = operand_count(*op);
    for (std::size_t i = 0; i < count; ++i) {
      Var* input = op->inputs[i].get();
      if (!input->realized() || input->local >= 0) continue;
      input->local = out->leaf_count++;
      g_leaves.push_back(input);
    }
  }
  g_aliases.start(static_cast<std::size_t>(out->leaf_count));
  for (Var* leaf : g_leaves) add_leaf(leaf, out);
}

void add_operands(const Op& op, GraphSnapshot* out) {
  const std::size_t count = operand_count(op);
  uint64_t word = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const int64_t number = op.inputs[i]->local;
    JTCY_ASSERT(number >= 0, "an operand is neither a leaf nor made in the cut");
    out->operands.push_back(static_cast<int32_t>(number));
    word = word << 32 | static_cast<uint64_t>(number);
    if (i % 2 == 1) out->signature.mix(std::exchange(word, 0));
  }
  if (count % 2 == 1) out->signature.mix(word);
}

void add_outputs(const Op& op, int32_t number, GraphSnapshot* out) {
  for (Var* output : op.outputs) {
    JTCY_ASSERT(output != nullptr, "an op of the cut lost an output");
    output->local = static_cast<int64_t>(out->vars.size());
    // Of several outputs one may be there already: it is written again, for nobody.
    const bool wanted = (output->held > 0 || output->saved) && !output->realized();
    add_var(output, output->dtype, LeafLayout::kNone, wanted, number, output->shape, out);
  }
}

void add_op(Op* op, GraphSnapshot* out) {
  const auto number = static_cast<int32_t>(out->ops.size());
  SnapshotOp entry;
  entry.kind = op->kind;
  entry.update_group = g_groups.number_of(op->update_group);
  entry.schedule = op->schedule;
  entry.first_input = static_cast<int32_t>(out->operands.size());
  entry.input_count = static_cast<int32_t>(operand_count(*op));
  entry.first_output = static_cast<int32_t>(out->vars.size());
  entry.output_count = static_cast<int32_t>(op->outputs.size());
  entry.first_structure = static_cast<int32_t>(out->structure.size());
  entry.structure_count = static_cast<int32_t>(op->attrs.structure.size());
  entry.scalar_count = static_cast<int32_t>(op->attrs.scalars.size());
  entry.float_scalars = op->attrs.float_scalars;
  out->structure.insert(out->structure.end(), op->attrs.structure.begin(), op->attrs.structure.end());
  out->signature.mix(op->hash.low ^ (uint64_t{entry.schedule} << 32 | entry.update_group));
  out->signature.mix(op->hash.high);
  add_operands(*op, out);
  add_outputs(*op, number, out);
  out->ops.push_back(entry);
  out->live_ops.push_back(op);
}

}  // namespace

void take_snapshot(const std::vector<Op*>& cut, uint64_t flags_hash, GraphSnapshot* out) {
  clear(out);
  g_symbols.start(&out->symbols);
  g_groups.start();
  out->device = cut.empty() ? Device() : cut[0]->outputs[0]->device;
  out->signature.mix(flags_hash);
  out->signature.mix(static_cast<uint64_t>(out->device.kind) << 16 | static_cast<uint16_t>(out->device.index));
  gather_leaves(cut, out);
  out->signature.mix(static_cast<uint64_t>(out->leaf_count) << 32 | cut.size());
  for (Op* op : cut) add_op(op, out);
  for (const SnapshotSymbol& symbol : out->symbols) {
    out->signature.mix(symbol.constant ? static_cast<uint64_t>(symbol.value) : ~uint64_t{0});
  }
  for (Var* var : out->live_vars) var->local = -1;
}

}  // namespace jtcy
