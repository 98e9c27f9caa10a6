// Nodes die when nobody refers to them, in chains of any length, and everything is counted.
#include "check.h"
#include "graph/arithmetic.h"
#include "graph/graph.h"
#include "graph/verify.h"
#include "reference.h"

using namespace jtcy;
using reference::leaf;

namespace {

struct Counts {
  int64_t vars = live_vars(), ops = live_ops(), pending = pending_ops();
  void check_unchanged() const {
    CHECK_EQ(live_vars(), vars);
    CHECK_EQ(live_ops(), ops);
    CHECK_EQ(pending_ops(), pending);
    verify_graph();
  }
};

void test_chain_of_a_million_nodes_is_released() {
  const Counts before;
  {
    VarRef x = leaf(Shape{2}, {1, 2});
    for (int i = 0; i < 1000000; ++i) x = x + x;
    CHECK_EQ(pending_ops(), before.pending + 1000000);
  }
  before.check_unchanged();
}

void test_wide_graph_is_released() {
  const Counts before;
  {
    const VarRef x = leaf(Shape{2}, {1, 2});
    SmallVector<VarRef, 2> parts;
    for (int i = 0; i < 1000; ++i) parts.push_back(x * x);
    const VarRef y = make_concat(parts, 0, "concat");
    CHECK_EQ(y->shape[0], 2000);
    verify_graph();
  }
  before.check_unchanged();
}

void test_output_of_several_stays_as_a_ghost_while_another_lives() {
  const Counts before;
  {
    const VarRef x = leaf(Shape{2}, {1, 2});
    auto outputs =
        make_code({x}, Attrs(), {Shape{2}, Shape{3}}, {Dtype::kFloat64, Dtype::kFloat64}, GradientCallback());
    const VarRef second = outputs[1];
    outputs.clear();
    CHECK(second->producer->outputs[0]->ghost);
    CHECK_EQ(second->producer->outputs[0]->shape[0], 2);
    verify_graph();
  }
  before.check_unchanged();
}

int g_origins = 0;

void test_origins_outlive_ops_and_are_released() {
  OriginHooks hooks;
  hooks.current = [] {
    ++g_origins;
    return Origin{&g_origins, 41};
  };
  hooks.retain = [](Origin origin) {
    ++g_origins;
    return origin;
  };
  hooks.release = [](Origin) { --g_origins; };
  hooks.text = [](Origin origin) { return "train.py:" + std::to_string(origin.instruction); };
  set_origin_hooks(hooks);
  {
    const VarRef x = leaf(Shape{2}, {1, 2});
    const VarRef y = x + x;
    CHECK_EQ(origin_text(*y), "train.py:41");
    CHECK_EQ(origin_text(*x), "train.py:41");
    CHECK_ERROR(ErrorKind::kShape, "float64[2] from train.py:41", make_reshape(y, Shape{3}, "reshape"));
    CHECK_EQ(g_origins, 2);
    forget_producer(y.get());
    CHECK_EQ(origin_text(*y), "train.py:41");
    CHECK_EQ(g_origins, 2);
  }
  CHECK_EQ(g_origins, 0);
  set_origin_hooks(OriginHooks());
}

}  // namespace

int main() {
  const check::Test tests[] = {TEST(test_chain_of_a_million_nodes_is_released), TEST(test_wide_graph_is_released),
                               TEST(test_output_of_several_stays_as_a_ghost_while_another_lives),
                               TEST(test_origins_outlive_ops_and_are_released)};
  return check::run_all(tests);
}
