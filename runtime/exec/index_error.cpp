// What a kernel reports of an index (the value after wrapping, the limit), in the user's terms.
#include "exec/index_error.h"

#include <algorithm>
#include <vector>

#include "base/error.h"

namespace jtcy {
namespace {

/// Kernels report no axis: those are meant whose extent is the limit. With several of one extent, each of them.
std::vector<CheckedAxis> possible_axes(const RunOrigin& origin, int64_t limit) {
  std::vector<CheckedAxis> axes;
  if (!origin.origin) return axes;
  for (const CheckedAxis& checked : origin.origin->checked) {
    if (origin.indexed[static_cast<std::size_t>(checked.axis)] == limit) axes.push_back(checked);
  }
  return axes;
}

std::string axes_text(const std::vector<CheckedAxis>& axes) {
  if (axes.empty()) return "an axis";
  std::string text = "dim ";
  for (std::size_t i = 0; i < axes.size(); ++i) text += str_cat(i == 0 ? "" : " or ", axes[i].axis);
  return text;
}

}  // namespace

std::string index_error_text(const RunOrigin& origin, const KernelError& error) {
  const std::vector<CheckedAxis> axes = possible_axes(origin, error.limit);
  const bool wraps = std::any_of(axes.begin(), axes.end(), [](const CheckedAxis& axis) { return axis.wraps; });
  const bool wrapped = wraps && error.value < 0;  // then the extent was added to what the user gave
  const char* const function = origin.origin ? origin.origin->function : nullptr;
  const std::string where = origin.origin ? origin.origin->text : "";
  const std::string first = error.limit == 0
                                ? "there are no valid indices"
                                : str_cat("valid indices are ", wraps ? -error.limit : 0, " to ", error.limit - 1);
  return str_cat(function != nullptr ? function : "indexing", ": index ",
                 wrapped ? error.value - error.limit : error.value, " is out of range for ", axes_text(axes), " of ",
                 error.limit, " elements", where.empty() ? "" : "\n  from ", where, "\n  help: ", first);
}

}  // namespace jtcy
