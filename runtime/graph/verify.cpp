// Walks the pending list and what it refers to.
#include "graph/verify.h"

#include "graph/graph_state.h"

namespace jtcy {
namespace {

void verify_inputs(const Op& op) {
  for (const VarRef& input : op.inputs) {
    JTCY_ASSERT(input->id < op.id, op_name(op.kind), " reads a younger Var");
    JTCY_ASSERT(input->realized() || input->producer, op_name(op.kind), " reads a Var without data and producer");
    JTCY_ASSERT(!input->ghost, op_name(op.kind), " reads a dead output");
    JTCY_ASSERT(!input->realized() || input->strides.size() == input->shape.size(), "a realized Var without strides");
  }
}

void verify_outputs(const Op& op) {
  bool alive = false;
  for (std::size_t i = 0; i < op.outputs.size(); ++i) {
    const Var* output = op.outputs[i];
    JTCY_ASSERT(output != nullptr, op_name(op.kind), " lost an output without becoming a ghost");
    JTCY_ASSERT(output->output_index == static_cast<int32_t>(i), "an output is at the wrong place");
    JTCY_ASSERT(output->ghost || output->producer.get() == &op, "an output has another producer");
    JTCY_ASSERT(output->local == -1, "a walk left its mark on a Var");
    alive = alive || !output->ghost;
  }
  JTCY_ASSERT(alive, "an op outlives its outputs");
}

}  // namespace

void verify_graph() {
  int64_t count = 0;
  const Op* previous = nullptr;
  for (const Op* op = g_graph.first_pending; op != nullptr; op = op->next_pending) {
    JTCY_ASSERT(op->previous_pending == previous, "the pending list is torn");
    JTCY_ASSERT(previous == nullptr || previous->id < op->id, "the pending list is out of order");
    JTCY_ASSERT(op->pending && !op->executed, "an op is listed that is not pending");
    JTCY_ASSERT(op->local == -1, "a walk left its mark on an op");
    verify_inputs(*op);
    verify_outputs(*op);
    previous = op;
    ++count;
  }
  JTCY_ASSERT(previous == g_graph.last_pending, "the pending list has another end");
  JTCY_ASSERT(count == g_graph.pending, "pending ops are counted ", g_graph.pending, ", found ", count);
}

}  // namespace jtcy
