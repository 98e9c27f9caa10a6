// Convolution: which way it goes, phase by phase where a divisor leaves positions out.
#include "exec/window.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "exec/kernel_math.h"
#include "exec/planes.h"
#include "exec/window_phases.h"
#include "exec/window_run.h"

namespace jtcy {
namespace {

std::atomic<bool> windows{true};
std::atomic<bool> planes{true};

int64_t scratch_of(const Window& w, int threads) noexcept {
  return w.sums_positions ? window_rows_scratch(w, threads) : window_columns_scratch(w, threads);
}

void run(const Window& w, char* memory, ThreadPool& pool, const Epilogue* epilogue) {
  if (w.sums_positions) {
    run_window_rows(w, memory, pool);
  } else {
    run_window_columns(w, memory, pool, epilogue);
  }
}

/// The windows of all phases that have taps; false where one of them does not go this way.
bool analyse_phases(const std::vector<Phase>& phases, std::vector<Window>* windows) {
  windows->resize(phases.size());
  for (std::size_t i = 0; i < phases.size(); ++i) {
    if (!phases[i].is_empty() && !analyse_window(phases[i].op(), &phases[i].block_begin, &(*windows)[i])) return false;
  }
  return true;
}

}  // namespace

/// to[i * step] = from[i]; 16-bit floats are rounded here, once.
void move_run(const Window& w, const char* from, char* to, int64_t count, int64_t step) noexcept {
  const auto move = [&](auto* source, auto* target, auto round) {
    for (int64_t i = 0; i < count; ++i) target[i * step] = round(source[i]);
  };
  const auto same = [](auto sum) { return sum; };
  const auto* const floats = reinterpret_cast<const float*>(from);
  auto* const halves = reinterpret_cast<uint16_t*>(to);
  if (w.dtype == Dtype::kFloat16) return move(floats, halves, [](float sum) { return jt_cast_f32_f16(sum); });
  if (w.dtype == Dtype::kBfloat16) return move(floats, halves, [](float sum) { return jt_cast_f32_bf16(sum); });
  if (step == 1) {
    std::memcpy(to, from, static_cast<std::size_t>(count * w.itemsize));
  } else if (step == 2 && w.kernels->apart != nullptr) {
    w.kernels->apart(count, from, to);
  } else if (w.itemsize == 4) {
    move(floats, reinterpret_cast<float*>(to), same);
  } else {
    move(reinterpret_cast<const double*>(from), reinterpret_cast<double*>(to), same);
  }
}

void set_windows(bool on, bool across_planes) noexcept {
  windows = on;
  planes = across_planes;
}

int64_t window_scratch(const OpView& op, int threads) {
  if (!windows) return -1;
  Planes p;
  if (planes && analyse_planes(op, &p)) return planes_scratch(p, threads);
  Window w;
  if (analyse_window(op, nullptr, &w)) return scratch_of(w, threads);
  const std::vector<Phase> phases = split_phases(op);
  std::vector<Window> windows;
  if (phases.empty() || !analyse_phases(phases, &windows)) return -1;
  int64_t most = 0;
  for (std::size_t i = 0; i < phases.size(); ++i) {
    if (!phases[i].is_empty()) most = std::max(most, scratch_of(windows[i], threads));
  }
  return most;
}

bool run_window(const OpView& op, void* scratch, ThreadPool& pool, const Epilogue* epilogue, bool* epilogue_done) {
  if (!windows) return false;
  char* const memory = static_cast<char*>(scratch);
  Planes p;
  if (planes && analyse_planes(op, &p)) {
    *epilogue_done = epilogue != nullptr && epilogue->piece == 1 && !p.sums_positions;
    run_planes(p, memory, pool, *epilogue_done ? epilogue : nullptr);
    return true;
  }
  Window w;
  if (analyse_window(op, nullptr, &w)) {
    const bool by_elements = epilogue != nullptr && epilogue->piece == 1;
    *epilogue_done = by_elements && !w.sums_positions && w.out_columns.ends_in_neighbours();
    run(w, memory, pool, *epilogue_done ? epilogue : nullptr);
    return true;
  }
  const std::vector<Phase> phases = split_phases(op);
  std::vector<Window> windows;
  if (phases.empty() || !analyse_phases(phases, &windows)) return false;
  *epilogue_done = false;
  const bool holes = std::any_of(phases.begin(), phases.end(), [](const Phase& phase) { return phase.is_empty(); });
  if (holes) {
    const int64_t nbytes = element_count(op.output->shape) * itemsize(op.output->dtype);
    std::memset(op.output->data, 0, static_cast<std::size_t>(nbytes));
  }
  for (std::size_t i = 0; i < phases.size(); ++i) {
    if (!phases[i].is_empty()) run(windows[i], memory, pool, nullptr);
  }
  return true;
}

}  // namespace jtcy
