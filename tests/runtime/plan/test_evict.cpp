// Who is moved to disk first, and who stays there.
#include "../check.h"
#include "plan/evict.h"
#include "plan/lifetime.h"

using jtcy::can_map;
using jtcy::Candidate;
using jtcy::choose_mapped;
using jtcy::choose_victim;
using jtcy::kMappedWindow;
using jtcy::kNeverUsed;
using jtcy::kSmallMapped;
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

constexpr int64_t kOne = 2 * kMappedWindow;

bool chosen(const std::vector<int32_t>& found, const std::vector<int32_t>& expected) { return found == expected; }

void nothing_is_mapped_where_all_fits() {
  CHECK(chosen(choose_mapped({{0, kOne}, {1, kOne}}, 100, 2 * kOne + 100), {}));
}

void the_largest_is_mapped_first_and_no_more_than_needed() {
  CHECK(chosen(choose_mapped({{0, kOne}, {1, 3 * kOne}, {2, 2 * kOne}}, 0, 4 * kOne), {1}));
  CHECK(chosen(choose_mapped({{0, kOne}, {1, 3 * kOne}, {2, 2 * kOne}}, 0, 2 * kOne), {1, 2}));
}

void of_equal_ones_those_on_disk_then_the_first_are_mapped() {
  CHECK(chosen(choose_mapped({{5, kOne}, {6, kOne, true}, {7, kOne}}, 0, kOne + kMappedWindow), {6, 5}));
}

void small_ones_stay_in_memory() {
  CHECK(chosen(choose_mapped({{0, kSmallMapped - 1}, {1, kOne}}, 0, kOne), {1}));
  CHECK(!can_map({{0, kSmallMapped - 1}, {1, kOne}, {2, kOne}}, kOne, kOne + kMappedWindow));
  CHECK(can_map({{0, kSmallMapped - 1}, {1, kOne}, {2, kOne}}, kOne, kOne + kMappedWindow + kSmallMapped));
}

void what_does_not_fit_alone_cannot_be_mapped() { CHECK(!can_map({{0, 3 * kOne}}, 0, 3 * kOne - 1)); }

}  // namespace

int main() {
  const check::Test tests[] = {
      TEST(nobody_to_choose_from_is_minus_one),
      TEST(what_this_plan_never_touches_goes_before_the_farthest_use),
      TEST(among_untouched_ones_the_oldest_goes),
      TEST(the_farthest_next_use_goes),
      TEST(among_equal_next_uses_the_larger_goes),
      TEST(a_small_one_goes_only_when_nothing_else_is_left),
      TEST(nothing_is_mapped_where_all_fits),
      TEST(the_largest_is_mapped_first_and_no_more_than_needed),
      TEST(of_equal_ones_those_on_disk_then_the_first_are_mapped),
      TEST(small_ones_stay_in_memory),
      TEST(what_does_not_fit_alone_cannot_be_mapped),
  };
  return check::run_all(tests);
}
