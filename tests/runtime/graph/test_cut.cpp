// What a flush runs, what it saves, and what is left of the graph afterwards.
#include "check.h"
#include "flush.h"
#include "graph/arithmetic.h"
#include "graph/compose.h"
#include "graph/graph.h"

using namespace jtcy;
using reference::flush;
using reference::Held;
using reference::leaf;
using reference::run_cut;

namespace {

VarRef vector() { return leaf(Shape{2}, {1, 2}); }

void test_cut_holds_the_ancestors_in_order() {
  const VarRef x = vector();
  const VarRef a = x + x, b = a * a, c = b + a, other = x * x;

  const std::vector<Op*> cut = choose_cut({c.get()}, false);

  CHECK(cut == (std::vector<Op*>{a->producer.get(), b->producer.get(), c->producer.get()}));
  verify_graph();
}

void test_siblings_join_when_all_they_read_is_there() {
  const VarRef x = vector();
  const VarRef a = x + x;
  const Held sibling(a * a);
  const Held stranger(x * x);  // reads nothing of the cut
  const VarRef outside = x - x;
  const Held mixed(a + outside);  // reads something pending outside
  const VarRef target = a + a;
  const Held later(a - a);  // recorded after the target

  const std::vector<Op*> cut = choose_cut({target.get()}, false);

  CHECK(cut == (std::vector<Op*>{a->producer.get(), (*sibling)->producer.get(), target->producer.get()}));
}

void test_everything_means_what_is_held() {
  const VarRef x = vector();
  const VarRef a = x + x, unheld = a + a;
  const Held b(a * a);

  CHECK_EQ(choose_cut({}, true).size(), 2u);
  CHECK_EQ(run_cut(choose_cut({}, true)), 1);
  CHECK_EQ(choose_cut({}, true).size(), 0u);
}

void test_deep_chain_is_cut_without_recursion() {
  VarRef y = vector();
  for (int i = 0; i < 300000; ++i) y = y + y;
  CHECK_EQ(choose_cut({y.get()}, false).size(), 300000u);
}

void test_realized_vars_leave_the_pending_set() {
  const VarRef x = vector();
  x->stop_grad = true;
  const int64_t before = pending_ops();
  const VarRef y = (x + x) * x;
  CHECK_EQ(pending_ops(), before + 2);

  CHECK_EQ(flush({y}), 1);

  CHECK(y->realized() && !y->producer);
  CHECK_EQ(pending_ops(), before);
}

void test_dear_values_of_a_live_tape_are_saved() {
  const Held x(leaf(Shape{2, 2}, {1, 2, 3, 4}));
  const VarRef product = compose_matmul(*x, *x);
  const VarRef cheap = product + product;
  const Held loss(make_reduce(cheap * cheap, ReduceKind::kSum, 3, "sum"));

  CHECK_EQ(flush({*loss}), 2);

  CHECK(product->realized() && product->producer);
  CHECK(!cheap->realized() && cheap->producer->executed);
  CHECK(loss->producer);
}

void test_nothing_is_saved_without_a_tape() {
  const Held x(leaf(Shape{2, 2}, {1, 2, 3, 4}));
  (*x)->stop_grad = true;
  const Held loss(make_reduce(compose_matmul(*x, *x), ReduceKind::kSum, 3, "sum"));

  CHECK_EQ(flush({*loss}), 1);

  CHECK(!loss->producer);
}

void test_dear_values_wanted_by_pending_ops_are_saved() {
  const Held x(leaf(Shape{2, 2}, {1, 2, 3, 4}));
  (*x)->stop_grad = true;
  const VarRef product = compose_matmul(*x, *x);
  const VarRef target = product + product;
  const Held later(make_transpose(product, {1, 0}) * target);

  CHECK_EQ(flush({target}), 2);

  CHECK(product->realized());
}

void test_cheap_values_are_computed_again() {
  const VarRef x = vector();
  x->stop_grad = true;
  const int64_t before = pending_ops();
  const VarRef shared = x + x;
  const VarRef target = shared * shared;
  Held later(shared - x);
  flush({target});
  CHECK_EQ(pending_ops(), before + 1);  // what ran inside a kernel does not count

  CHECK_EQ(choose_cut({(*later).get()}, false).size(), 2u);
  CHECK_EQ(flush({*later}), 1);
  CHECK_EQ(reference::evaluate(*later)[1], 2.0);
}

void test_holding_what_ran_inside_a_kernel_makes_it_pending_again() {
  const VarRef x = vector();
  const VarRef shared = x + x;
  flush({shared * shared});

  const Held again(shared);

  CHECK_EQ(run_cut(choose_cut({}, true)), 1);
  CHECK(shared->realized());
}

void test_released_tape_is_not_kept() {
  const Held w(leaf(Shape{2, 2}, {1, 2, 3, 4}));
  const Held loss(make_reduce(compose_matmul(*w, *w), ReduceKind::kSum, 3, "sum"));
  (*loss)->producer->released = (*loss)->producer->inputs[0]->producer->released = true;

  CHECK_EQ(flush({*loss}), 1);

  CHECK(!loss->producer && loss->released);
}

void test_running_total_stays_flat() {
  const Held w(leaf(Shape(), {3}));
  Held total(leaf(Shape(), {0}));
  Held loss(leaf(Shape(), {0}));
  const int64_t before = live_ops();
  int64_t most = 0;
  for (int step = 0; step < 1000; ++step) {
    loss = *w * *w;
    total = *total + *loss;
    (*loss)->producer->released = true;  // as a step does
    flush({*total, *loss});
    most = std::max(most, live_ops() - before);
  }
  CHECK(most <= 3);
  CHECK_EQ(reference::evaluate(*total)[0], 9000.0);
}

void test_a_prefix_takes_what_looks_back_at_it_alone() {
  const VarRef x = vector();
  const Held a(x + x);
  const Held unrelated(x * x);
  const uint64_t last = (*unrelated)->producer->id;
  const VarRef constant = make_full(Shape{2}, x->dtype, 3.0);
  const Held tail(*a * constant);
  const Held next(x - x);         // needs nothing of the prefix
  const Held behind(*a - *tail);  // recorded behind the end

  const std::vector<Op*> cut = choose_prefix({last, (*behind)->producer->id});

  CHECK(cut == (std::vector<Op*>{(*a)->producer.get(), (*unrelated)->producer.get(), constant->producer.get(),
                                 (*tail)->producer.get()}));
  CHECK_EQ(run_cut(cut), 3);
  CHECK_EQ(choose_prefix({last, last + 1}).size(), 0u);
  CHECK_EQ(run_cut(choose_cut({}, true)), 2);
  CHECK_EQ(reference::evaluate(*behind)[1], -8.0);
}

void test_movements_recorded_in_front_of_a_flush_become_views() {
  const Held w(leaf(Shape{2, 3}, {1, 2, 3, 4, 5, 6}));
  const Held x(*w + *w);
  const uint64_t last = (*x)->producer->id;
  const Held row(make_slice(*x, {1, 2}, {1, -2}, Shape{1, 2}));
  const Held turned(make_transpose(*x, {1, 0}));
  const Held flat(make_reshape(*turned, Shape{6}, "reshape"));  // in no order that strides can say
  const Held spread(make_broadcast(*row, Shape{4, 2}, {-1, 1}));

  flush({*x});
  make_views_behind(last);

  CHECK(row->realized() && turned->realized() && spread->realized() && !flat->realized());
  CHECK(turned->buffer == x->buffer && spread->buffer == x->buffer);
  CHECK(turned->producer && !turned->producer->pending);
  CHECK(reference::evaluate(*spread) == (reference::Values{12, 8, 12, 8, 12, 8, 12, 8}));
  CHECK(reference::evaluate(*flat) == (reference::Values{2, 8, 4, 10, 6, 12}));
  CHECK_EQ(flush({*flat}), 1);
  verify_graph();
}

void test_views_of_realized_vars_are_realized() {
  const Held x(leaf(Shape{2, 3}, {1, 2, 3, 4, 5, 6}));
  const VarRef view = make_transpose(*x, {1, 0});
  CHECK(view->realized() && view->producer && !view->producer->pending);
  CHECK(view->buffer == x->buffer);
  CHECK(reference::evaluate(view) == (reference::Values{1, 4, 2, 5, 3, 6}));
  CHECK_EQ(choose_cut({view.get()}, false).size(), 0u);
}

}  // namespace

int main() {
  const check::Test tests[] = {TEST(test_cut_holds_the_ancestors_in_order),
                               TEST(test_siblings_join_when_all_they_read_is_there),
                               TEST(test_everything_means_what_is_held),
                               TEST(test_deep_chain_is_cut_without_recursion),
                               TEST(test_realized_vars_leave_the_pending_set),
                               TEST(test_dear_values_of_a_live_tape_are_saved),
                               TEST(test_nothing_is_saved_without_a_tape),
                               TEST(test_dear_values_wanted_by_pending_ops_are_saved),
                               TEST(test_cheap_values_are_computed_again),
                               TEST(test_holding_what_ran_inside_a_kernel_makes_it_pending_again),
                               TEST(test_released_tape_is_not_kept),
                               TEST(test_running_total_stays_flat),
                               TEST(test_a_prefix_takes_what_looks_back_at_it_alone),
                               TEST(test_movements_recorded_in_front_of_a_flush_become_views),
                               TEST(test_views_of_realized_vars_are_realized)};
  return check::run_all(tests);
}
