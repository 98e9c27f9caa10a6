// A flush without an executor: what a cut's outputs would get, from the reference evaluator.
#pragma once
#include "graph/snapshot.h"
#include "graph/verify.h"
#include "reference.h"

namespace reference {

/// Realizes the outputs of a cut and retires it; returns how many Vars got a Buffer.
inline int run_cut(const std::vector<Op*>& cut) {
  if (cut.empty()) return 0;
  GraphSnapshot snapshot;
  take_snapshot(cut, 0, &snapshot);
  Evaluator evaluate;
  std::vector<std::pair<Var*, VarRef>> results;
  for (std::size_t i = 0; i < snapshot.vars.size(); ++i) {
    if (!snapshot.vars[i].output) continue;
    Var* var = snapshot.live_vars[i];
    results.emplace_back(var, leaf(var->shape, evaluate(VarRef(var))));
  }
  for (auto& [var, value] : results) {
    var->buffer = value->buffer;
    var->strides = value->strides;
  }
  retire(cut);
  verify_graph();
  return static_cast<int>(results.size());
}

inline int flush(const std::vector<VarRef>& targets) {
  std::vector<Var*> pointers;
  for (const VarRef& target : targets) pointers.push_back(target.get());
  return run_cut(choose_cut(pointers, false));
}

/// A Var held as by Python.
class Held {
 public:
  explicit Held(VarRef var) : var_(std::move(var)) { hold(*var_); }
  Held(Held&& other) noexcept : var_(std::move(other.var_)) {}
  ~Held() { drop(); }
  Held& operator=(VarRef var) {
    hold(*var);
    drop();
    var_ = std::move(var);
    return *this;
  }
  const VarRef& operator*() const { return var_; }
  const Var* operator->() const { return var_.get(); }

 private:
  void drop() {
    if (var_) unhold(*var_);
    var_.reset();
  }
  VarRef var_;
};

}  // namespace reference
