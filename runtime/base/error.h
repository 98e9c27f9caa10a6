// Error: the one exception type of the runtime, with the kind that decides the Python class.
#pragma once
#include <exception>
#include <sstream>
#include <string>
#include <utility>

namespace jtcy {

/// One Python exception class each (jittor_cy/errors.py); the numbers are shared with it.
enum class ErrorKind : int {
  kInternal = 0,
  kShape = 1,
  kDtype = 2,
  kIndex = 3,
  kType = 4,
  kValue = 5,
  kBudget = 6,
  kCompile = 7,
  kRuntime = 8,
  kFork = 9,
  kGradient = 10,
  kDevice = 11,
};

class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}
  ErrorKind kind() const noexcept { return kind_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  ErrorKind kind_;
  std::string message_;
};

template <typename... Parts>
std::string str_cat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

[[noreturn]] void throw_error(ErrorKind kind, std::string message);
[[noreturn]] void throw_assert(const char* file, int line, const char* condition, std::string message);

}  // namespace jtcy

/// User error: JTCY_CHECK(a == b, ErrorKind::kShape, "matmul: inner sizes differ, ", a, " and ", b).
#define JTCY_CHECK(condition, kind, ...)                         \
  do {                                                           \
    if (!(condition)) [[unlikely]]                               \
      ::jtcy::throw_error((kind), ::jtcy::str_cat(__VA_ARGS__)); \
  } while (false)

/// Bug in the runtime itself.
#define JTCY_ASSERT(condition, ...)                                                       \
  do {                                                                                    \
    if (!(condition)) [[unlikely]]                                                        \
      ::jtcy::throw_assert(__FILE__, __LINE__, #condition, ::jtcy::str_cat(__VA_ARGS__)); \
  } while (false)
