// Life and death of nodes: the free lists, and release without recursion.
#include "graph/var.h"

#include <new>

#include "graph/graph_state.h"

namespace jtcy {

// Note [Release]
// The last reference to the end of a chain frees the whole chain, which may be a million nodes long: nodes whose count
// fell to zero go on a list (linked through `local`, so nothing is allocated) and the outermost call works it off. A
// Var of an op with several outputs stays as a ghost while another output lives, because the op writes it still; the op
// frees it.

namespace {

/// Memory of dead nodes, linked through its first word. Bounded: what is above goes back to the allocator. A step's
/// kernels push all of it out of the caches, so the next node's memory is called for while this one is filled in.
template <typename T>
struct FreeList {
#if defined(__SANITIZE_ADDRESS__)
  static constexpr int64_t kCapacity = 0;  // so that a use after free is seen
#else
  static constexpr int64_t kCapacity = 16384;
#endif
  static constexpr std::size_t kLine = 64;
  void* first = nullptr;
  int64_t count = 0;

  void* take() {
    if (first == nullptr) return ::operator new(sizeof(T));
    void* memory = first;
    first = *static_cast<void**>(memory);
    for (std::size_t at = 0; at < sizeof(T); at += kLine) __builtin_prefetch(static_cast<char*>(first) + at, 1);
    --count;
    return memory;
  }
  void give(void* memory) noexcept {
    if (count >= kCapacity) {
      ::operator delete(memory);
      return;
    }
    *static_cast<void**>(memory) = first;
    first = memory;
    ++count;
  }
};

/// Stack of dead nodes, linked through `local`.
template <typename T>
struct DeadList {
  T* first = nullptr;
  void push(T* node) noexcept {
    node->local = reinterpret_cast<int64_t>(first);
    first = node;
  }
  T* pop() noexcept {
    T* node = first;
    first = reinterpret_cast<T*>(node->local);
    return node;
  }
};

FreeList<Var> g_free_vars;
FreeList<Op> g_free_ops;
DeadList<Var> g_dead_vars;
DeadList<Op> g_dead_ops;
bool g_draining = false;

void release_origin(Origin origin) noexcept {
  if (origin.code != nullptr && g_graph.origin_hooks.release != nullptr) g_graph.origin_hooks.release(origin);
}

void free_var(Var* var) noexcept {
  release_origin(var->origin);
  if (var->buffer && var->buffer->holder == var) var->buffer->holder = nullptr;
  var->~Var();
  g_free_vars.give(var);
  --g_graph.live_vars;
}

bool has_other_output(const Op& op, const Var* var) noexcept {
  for (const Var* output : op.outputs) {
    if (output != nullptr && output != var && !output->ghost) return true;
  }
  return false;
}

void release_var(Var* var) noexcept {
  if (Op* op = var->producer.get(); op != nullptr) {
    if (op->outputs.size() > 1 && has_other_output(*op, var)) {
      var->ghost = true;
      var->local = -1;
      var->buffer.reset();
      var->companion.reset();
      var->recipe.reset();
      var->producer.reset();
      return;
    }
    op->outputs[var->output_index] = nullptr;
  }
  free_var(var);
}

void release_op(Op* op) noexcept {
  unlink_pending(op);
  for (Var* output : op->outputs) {
    if (output != nullptr && output->ghost) free_var(output);
  }
  release_origin(op->origin);
  if (op->gradient.release != nullptr) op->gradient.release(op->gradient.context);
  op->~Op();
  g_free_ops.give(op);
  --g_graph.live_ops;
}

void drain() noexcept {
  g_draining = true;
  while (g_dead_vars.first != nullptr || g_dead_ops.first != nullptr) {
    if (g_dead_vars.first != nullptr) {
      release_var(g_dead_vars.pop());
    } else {
      release_op(g_dead_ops.pop());
    }
  }
  g_draining = false;
}

}  // namespace

Var* new_var() {
  Var* var = ::new (g_free_vars.take()) Var;
  ++g_graph.live_vars;
  return var;
}

Op* new_op() {
  Op* op = ::new (g_free_ops.take()) Op;
  op->schedule = g_graph.schedule;
  ++g_graph.live_ops;
  return op;
}

void destroy_object(const Var* var) noexcept {
  if (var->ghost) return;  // its op owns it now
  g_dead_vars.push(const_cast<Var*>(var));
  if (!g_draining) drain();
}

void destroy_object(const Op* op) noexcept {
  g_dead_ops.push(const_cast<Op*>(op));
  if (!g_draining) drain();
}

}  // namespace jtcy
