// Where trace lines go: channel filter, sink, and one write per line so that threads and processes do not mix.
#include "base/trace.h"

#include <pthread.h>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <string_view>

namespace jtcy {

std::atomic<int> g_trace_level{0};

namespace {

struct Settings {
  std::mutex mutex;
  std::string channels;
  void (*sink)(void*, const char*) = nullptr;
  void* context = nullptr;
};

/// Never destroyed: threads may trace while the process ends.
Settings& settings() {
  static Settings* const instance = [] {
    Settings* const made = std::make_unique<Settings>().release();
    // A fork while another thread holds the lock would leave the child with a lock that nobody opens.
    pthread_atfork([] { settings().mutex.lock(); }, [] { settings().mutex.unlock(); },
                   [] { settings().mutex.unlock(); });
    return made;
  }();
  return *instance;
}

bool is_listed(std::string_view channels, std::string_view channel) {
  if (channels.empty()) return true;
  while (true) {
    const std::size_t comma = channels.find(',');
    if (channels.substr(0, comma) == channel) return true;
    if (comma == std::string_view::npos) return false;
    channels.remove_prefix(comma + 1);
  }
}

void write_stderr(std::string_view line) {
  while (!line.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    if (written <= 0) return;  // a closed stderr must not stop the program
    line.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

void set_trace(int level, std::string channels) {
  Settings& s = settings();
  const std::lock_guard lock(s.mutex);
  s.channels = std::move(channels);
  g_trace_level.store(level, std::memory_order_relaxed);
}

void set_trace_sink(void (*sink)(void* context, const char* line), void* context) {
  Settings& s = settings();
  const std::lock_guard lock(s.mutex);
  s.sink = sink;
  s.context = context;
}

void write_trace(const char* channel, const std::string& facts) {
  Settings& s = settings();
  void (*sink)(void*, const char*) = nullptr;
  void* context = nullptr;
  {
    // The sink is called without the lock: it may want the GIL, whose holder may be waiting to trace.
    const std::lock_guard lock(s.mutex);
    if (!is_listed(s.channels, channel)) return;
    sink = s.sink;
    context = s.context;
  }
  const std::string line = str_cat("[jtcy ", channel, "] ", facts);
  if (sink != nullptr) {
    sink(context, line.c_str());
  } else {
    write_stderr(line + "\n");
  }
}

}  // namespace jtcy
