// Who is moved to disk first.
#include "../check.h"
#include "plan/evict.h"
#include "plan/lifetime.h"

using jtcy::Candidate;
using jtcy::choose_victim;
using jtcy::kNeverUsed;
using jtcy::kSmallVictim;

namespace {

constexpr int64_t kLarge = 4 * kSmallVictim;

void nobody_to_choose_from_is_minus_one() { CHECK_EQ(choose_victim({}), -1); }

void what_this_plan_never_touches_goes_before_the_farthest_use() {
  CHECK_EQ(choose_victim({{kLarge, 900, 1}, {kLarge, kNeverUsed, 50}, {kLarge, 3, 2}}), 1);
}

void among_untouched_ones_the_oldest_goes() {
  CHECK_EQ(choose_victim({{kLarge, kNeverUsed, 7}, {kLarge, kNeverUsed, 2}, {kLarge, kNeverUsed, 9}}), 1);
}

void the_farthest_next_use_goes() { CHECK_EQ(choose_victim({{kLarge, 5, 1}, {kLarge, 12, 9}, {kLarge, 7, 1}}), 1); }

void among_equal_next_uses_the_larger_goes() { CHECK_EQ(choose_victim({{kLarge, 5, 1}, {2 * kLarge, 5, 1}}), 1); }

void a_small_one_goes_only_when_nothing_else_is_left() {
  CHECK_EQ(choose_victim({{kSmallVictim - 1, kNeverUsed, 1}, {kSmallVictim, 2, 1}}), 1);
  CHECK_EQ(choose_victim({{kSmallVictim - 1, 8, 1}}), 0);
}

}  // namespace

int main() {
  const check::Test tests[] = {
      TEST(nobody_to_choose_from_is_minus_one),    TEST(what_this_plan_never_touches_goes_before_the_farthest_use),
      TEST(among_untouched_ones_the_oldest_goes),  TEST(the_farthest_next_use_goes),
      TEST(among_equal_next_uses_the_larger_goes), TEST(a_small_one_goes_only_when_nothing_else_is_left),
  };
  return check::run_all(tests);
}
