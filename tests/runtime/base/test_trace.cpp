// Trace lines: levels, channels and the sink.
#include <vector>

#include "base/trace.h"
#include "check.h"

namespace {

using namespace jtcy;

std::vector<std::string> g_lines;

void collect(void*, const char* line) { g_lines.emplace_back(line); }

int count_evaluations(int* evaluations) { return ++*evaluations; }

void test_trace_line_has_channel_and_facts() {
  g_lines.clear();
  set_trace(2, "");

  JTCY_TRACE(2, "plan", "cache=", "hit", " groups=", 3);

  CHECK_EQ(g_lines.size(), std::size_t{1});
  CHECK_EQ(g_lines.at(0), std::string("[jtcy plan] cache=hit groups=3"));
}

void test_trace_above_the_level_is_not_even_evaluated() {
  g_lines.clear();
  int evaluations = 0;
  set_trace(1, "");

  JTCY_TRACE(2, "plan", count_evaluations(&evaluations));

  CHECK_EQ(evaluations, 0);
  CHECK(g_lines.empty());
}

void test_trace_channels_keep_whole_names_only() {
  g_lines.clear();
  set_trace(3, "fuse,memory");

  JTCY_TRACE(3, "memory", "a");
  JTCY_TRACE(3, "mem", "b");
  JTCY_TRACE(3, "plan", "c");
  JTCY_TRACE(3, "fuse", "d");

  CHECK_EQ(g_lines.size(), std::size_t{2});
  CHECK_EQ(g_lines.at(0), std::string("[jtcy memory] a"));
  CHECK_EQ(g_lines.at(1), std::string("[jtcy fuse] d"));
}

}  // namespace

int main() {
  jtcy::set_trace_sink(collect, nullptr);
  return check::run_all({TEST(test_trace_line_has_channel_and_facts),
                         TEST(test_trace_above_the_level_is_not_even_evaluated),
                         TEST(test_trace_channels_keep_whole_names_only)});
}
