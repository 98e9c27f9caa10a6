// Plan entries, their Layouts, and the words for a miss.
#include "exec/plan_cache.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "graph/graph.h"
#include "graph/index_program.h"

namespace jtcy {

namespace {

/// Layouts of one Signature: batch sizes and a last short batch, interpreted and fused.
constexpr std::size_t kMaxLayouts = 16;
/// A program that makes a new structure each step must not grow for ever.
constexpr std::size_t kMaxEntries = 4096;
constexpr std::size_t kRecentEntries = 8;

/// Whether a program is `i < 0 ? i + extent : i`, as makers write it; i takes a third of what is left of it.
bool wraps_around(const int64_t* tokens, int64_t length) {
  constexpr int64_t kOthers = 5;
  if (length <= kOthers || (length - kOthers) % 3 != 0) return false;
  const int64_t load = (length - kOthers) / 3;
  const auto is = [&](int64_t at, IndexToken token) { return static_cast<IndexToken>(tokens[2 * at]) == token; };
  return is(load, IndexToken::kConst) && is(load + 1, IndexToken::kLt) && is(2 * load + 3, IndexToken::kAdd) &&
         is(length - 1, IndexToken::kSelect);
}

/// Of index programs `[count, (mode, length, tokens...)...]`.
std::vector<CheckedAxis> checked_axes(const int64_t* programs) {
  std::vector<CheckedAxis> checked;
  const int64_t* at = programs + 1;
  for (int64_t program = 0; program < programs[0]; ++program) {
    if (static_cast<IndexMode>(at[0]) == IndexMode::kChecked)
      checked.push_back({static_cast<int32_t>(program), wraps_around(at + 2, at[1])});
    at += 2 + 2 * at[1];
  }
  return checked;
}

std::vector<CheckedAxis> checked_axes(const GraphSnapshot& snapshot, const SnapshotOp& op) {
  const int64_t* const structure = snapshot.structure.data() + op.first_structure;
  if (op.kind == OpKind::kReindex) return checked_axes(structure);
  if (op.kind == OpKind::kReindexReduce) return checked_axes(structure + 1);
  return {};
}

std::string first_difference(const GraphSnapshot& now, const GraphSnapshot& before) {
  for (std::size_t i = 0; i < now.vars.size(); ++i) {
    const SnapshotVar &a = now.vars[i], &b = before.vars[i];
    const std::string name = str_cat(i < static_cast<std::size_t>(now.leaf_count) ? "input " : "var ", i);
    if (a.dtype != b.dtype) return str_cat(name, " is now ", dtype_name(a.dtype), ", was ", dtype_name(b.dtype));
    if (a.leaf != b.leaf) return str_cat(name, " is now ", a.leaf == LeafLayout::kStrided ? "strided" : "contiguous");
    if (a.ndim != b.ndim) return str_cat(name, " has now ", a.ndim, " dims, had ", b.ndim);
    if (a.output != b.output) return str_cat(name, a.output ? " is now wanted" : " is no longer wanted");
  }
  if (now.operands != before.operands) return "operands are wired differently";
  if (now.structure != before.structure) return "a structural attribute changed";
  if (now.symbols_of_axes != before.symbols_of_axes) return "other extents are equal now";
  for (std::size_t i = 0; i < now.symbols.size(); ++i) {
    const SnapshotSymbol &a = now.symbols[i], &b = before.symbols[i];
    if (a.constant && a.value != b.value) return str_cat("a small extent is now ", a.value, ", was ", b.value);
  }
  return "layout of inputs or flags changed";
}

bool same_ops(const GraphSnapshot& a, const GraphSnapshot& b) {
  return a.vars.size() == b.vars.size() && a.leaf_count == b.leaf_count && a.symbols.size() == b.symbols.size() &&
         std::equal(a.ops.begin(), a.ops.end(), b.ops.begin(), b.ops.end(),
                    [](const SnapshotOp& x, const SnapshotOp& y) { return x.kind == y.kind; });
}

}  // namespace

PlanEntry::PlanEntry(const GraphSnapshot& live) : snapshot(live), interpreted(make_interpreted_program(live)) {
  snapshot.live_vars.clear();
  snapshot.live_ops.clear();
  for (std::size_t op = 0; op < snapshot.ops.size(); ++op) {
    updates |= snapshot.ops[op].update_group != 0;
    own_bits |= (snapshot.ops[op].schedule & kScheduleChangesBits) != 0;
    std::vector<CheckedAxis> checked = checked_axes(snapshot, snapshot.ops[op]);
    if (!checked.empty() || snapshot.ops[op].kind == OpKind::kCode)
      fallible.push_back({static_cast<int32_t>(op), {}, std::move(checked), {}});
  }
}

Ref<Layout> PlanEntry::layout(const GraphSnapshot& live, const Ref<Program>& program, int threads) {
  layout_key(live, threads, &key_);
  for (std::size_t i = 0; i < layouts_.size(); ++i) {
    if (layouts_[i]->program.get() != program.get() || layouts_[i]->key != key_) continue;
    if (i != 0)
      std::rotate(layouts_.begin(), layouts_.begin() + static_cast<std::ptrdiff_t>(i),
                  layouts_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    return layouts_.front();
  }
  if (layouts_.size() == kMaxLayouts) layouts_.pop_back();
  layouts_.insert(layouts_.begin(), make_layout(live, program, threads, key_));
  return layouts_.front();
}

void PlanEntry::refresh_origins(const GraphSnapshot& live) {
  for (FallibleOp& entry : fallible) {
    const Op& op = *live.live_ops[static_cast<std::size_t>(entry.op)];
    const bool same_place = op.origin.code == entry.seen.code && op.origin.instruction == entry.seen.instruction;
    if (entry.origin && same_place && entry.origin->function == op.function) continue;
    entry.seen = op.origin;
    entry.origin = make_ref<OriginText>();
    entry.origin->function = op.function;
    entry.origin->checked = entry.checked;
    if (op.outputs[0] != nullptr) entry.origin->text = origin_text(*op.outputs[0]);
  }
}

const Var& indexed_var(const Op& op) noexcept {
  return op.kind == OpKind::kReindexReduce && op.outputs[0] != nullptr ? *op.outputs[0] : *op.inputs[0];
}

PlanEntry* PlanCache::find(const Hash128& signature) {
  const auto at = entries_.find(signature);
  return at == entries_.end() ? nullptr : at->second.get();
}

Ref<PlanEntry> PlanCache::insert(const GraphSnapshot& snapshot, std::string* reason) {
  *reason = "new structure";
  for (auto at = recent_.rbegin(); at != recent_.rend(); ++at) {
    if (!same_ops(snapshot, (*at)->snapshot)) continue;
    *reason = first_difference(snapshot, (*at)->snapshot);
    break;
  }
  if (entries_.size() >= kMaxEntries) entries_.clear();
  Ref<PlanEntry> entry = make_ref<PlanEntry>(snapshot);
  entries_[snapshot.signature] = entry;
  if (recent_.size() == kRecentEntries) recent_.erase(recent_.begin());
  recent_.push_back(entry);
  return entry;
}

void PlanCache::clear() {
  entries_.clear();
  recent_.clear();
}

}  // namespace jtcy
