// Program: sizes for the extents at hand, lifetimes of its vars, and its text.
#include "exec/program.h"

#include <algorithm>

#include "base/error.h"

namespace jtcy {

namespace {

constexpr int64_t ceil_divide(int64_t a, int64_t b) noexcept { return (a + b - 1) / b; }

std::string list_text(const std::vector<int32_t>& numbers, std::size_t first, std::size_t end) {
  std::string text;
  for (std::size_t i = first; i < end; ++i) text += str_cat(i == first ? "" : " ", "%", numbers[i]);
  return text;
}

std::string product_text(const Product& product) {
  std::string text = std::to_string(product.factor);
  for (const Product::Term& term : product.terms) {
    text += str_cat(" * d", term.dim, term.divisor == 1 ? "" : str_cat("/", term.divisor));
  }
  return text;
}

std::string launch_text(const Launch& launch) {
  const std::size_t inputs = launch.buffers.size() - static_cast<std::size_t>(launch.output_count);
  std::string text =
      str_cat(list_text(launch.buffers, inputs, launch.buffers.size()), " = ",
              launch.kernel ? launch.kernel->name : "interpret", "(", list_text(launch.buffers, 0, inputs), ") ops");
  for (const int32_t op : launch.ops) text += str_cat(" ", op);
  for (const PhaseSpec& phase : launch.phases) text += str_cat(" grid ", product_text(phase.grid));
  if (launch.batch != 0) text += str_cat(" batch ", launch.batch);
  return text;
}

}  // namespace

int64_t Product::evaluate(const int64_t* dims) const noexcept {
  int64_t value = factor;
  for (const Term& term : terms) value *= ceil_divide(dims[term.dim], term.divisor);
  return value;
}

std::string Program::text() const {
  std::string text = str_cat("program of ", launches.size(), launches.size() == 1 ? " launch\n" : " launches\n");
  for (const Launch& launch : launches) text += str_cat("  ", launch_text(launch), "\n");
  return text;
}

bool Program::ready() const noexcept {
  for (const Launch& launch : launches) {
    if (launch.kernel && launch.kernel->state.load(std::memory_order_acquire) != Kernel::State::kReady) return false;
  }
  return true;
}

bool Program::failed() const noexcept {
  for (const Launch& launch : launches) {
    if (launch.kernel && launch.kernel->state.load(std::memory_order_acquire) == Kernel::State::kFailed) return true;
  }
  return false;
}

int Program::missing() const noexcept {
  std::vector<const Kernel*> found;
  for (const Launch& launch : launches) {
    const Kernel* const kernel = launch.kernel.get();
    if (kernel == nullptr || kernel->state.load(std::memory_order_acquire) != Kernel::State::kCompiling) continue;
    if (std::find(found.begin(), found.end(), kernel) == found.end()) found.push_back(kernel);
  }
  return static_cast<int>(found.size());
}

void Program::finish(int32_t var_count, int32_t leaf_count) {
  defined_at.assign(static_cast<std::size_t>(var_count), -1);
  last_use.assign(static_cast<std::size_t>(var_count), -1);
  for (std::size_t i = 0; i < launches.size(); ++i) {
    const Launch& launch = launches[i];
    const std::size_t inputs = launch.buffers.size() - static_cast<std::size_t>(launch.output_count);
    for (std::size_t k = 0; k < launch.buffers.size(); ++k) {
      const int32_t var = launch.buffers[k];
      JTCY_ASSERT(var >= 0 && var < var_count, "launch ", i, " names var ", var, " of ", var_count);
      const auto slot = static_cast<std::size_t>(var);
      if (k < inputs) {
        JTCY_ASSERT(var < leaf_count || defined_at[slot] >= 0, "launch ", i, " reads var ", var, " before it is made");
      } else {
        JTCY_ASSERT(var >= leaf_count && defined_at[slot] < 0, "launch ", i, " writes var ", var, " again");
        defined_at[slot] = static_cast<int32_t>(i);
      }
      last_use[slot] = static_cast<int32_t>(i);
    }
  }
}

}  // namespace jtcy
