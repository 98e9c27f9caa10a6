// Lifetimes from the operands of launches.
#include "../check.h"
#include "plan/lifetime.h"

using jtcy::collect_uses;
using jtcy::kNeverUsed;
using jtcy::next_use;
using jtcy::Uses;

namespace {

// Three launches over four vars: (0, 1 -> 2), (2, 2 -> 3), (0 -> 1 again as an operand).
const std::vector<int32_t> kOperands = {0, 1, 2, 2, 2, 3, 0, 1};
const std::vector<int32_t> kStarts = {0, 3, 6, 8};

void next_use_finds_the_launch_at_hand_and_later_ones() {
  const Uses uses = collect_uses(kOperands, kStarts, 5);

  CHECK_EQ(next_use(uses, 0, 0), 0);
  CHECK_EQ(next_use(uses, 0, 1), 2);
  CHECK_EQ(next_use(uses, 2, 1), 1);
  CHECK_EQ(next_use(uses, 3, 0), 1);
}

void next_use_behind_the_last_launch_is_never() {
  const Uses uses = collect_uses(kOperands, kStarts, 5);

  CHECK_EQ(next_use(uses, 2, 2), kNeverUsed);
  CHECK_EQ(next_use(uses, 4, 0), kNeverUsed);
}

void an_operand_named_twice_in_a_launch_counts_once() {
  const Uses uses = collect_uses(kOperands, kStarts, 5);

  CHECK_EQ(uses.first[3] - uses.first[2], 2);
}

void no_launches_give_no_uses() {
  const Uses uses = collect_uses({}, {0}, 2);

  CHECK_EQ(next_use(uses, 1, 0), kNeverUsed);
}

}  // namespace

int main() {
  const check::Test tests[] = {
      TEST(next_use_finds_the_launch_at_hand_and_later_ones),
      TEST(next_use_behind_the_last_launch_is_never),
      TEST(an_operand_named_twice_in_a_launch_counts_once),
      TEST(no_launches_give_no_uses),
  };
  return check::run_all(tests);
}
