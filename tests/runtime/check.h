// CHECK for C++ tests: a failure prints file, line and both values; the process ends with the count of failures.
#pragma once
#include <cstdio>
#include <sstream>
#include <string>
#include <type_traits>

#include "base/error.h"

namespace check {

inline int failures = 0;

template <typename T>
std::string text(const T& value) {
  std::ostringstream out;
  if constexpr (std::is_enum_v<T>) {
    out << static_cast<long long>(value);
  } else {
    out << value;
  }
  return out.str();
}

inline void fail(const char* file, int line, const std::string& what) {
  std::fprintf(stderr, "%s:%d: %s\n", file, line, what.c_str());
  ++failures;
}

template <typename F>
void expect_error(const char* file, int line, jtcy::ErrorKind kind, const std::string& part, const F& body) {
  try {
    body();
  } catch (const jtcy::Error& error) {
    if (error.kind() != kind) fail(file, line, "kind " + text(error.kind()) + " instead of " + text(kind));
    if (std::string(error.what()).find(part) == std::string::npos) {
      fail(file, line, std::string("message \"") + error.what() + "\" does not contain \"" + part + "\"");
    }
    return;
  }
  fail(file, line, "no error; expected one with \"" + part + "\"");
}

/// Each test is a function; its name is printed, so that a crash says where.
struct Test {
  const char* name;
  void (*run)();
};

template <std::size_t N>
int run_all(const Test (&tests)[N]) {
  for (const Test& test : tests) {
    std::fprintf(stderr, "%s\n", test.name);
    test.run();
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace check

#define CHECK(condition)                                           \
  do {                                                             \
    if (!(condition)) check::fail(__FILE__, __LINE__, #condition); \
  } while (false)

#define CHECK_EQ(found, expected)                                                                          \
  do {                                                                                                     \
    const auto found_value = (found);                                                                      \
    const auto expected_value = (expected);                                                                \
    if (!(found_value == expected_value))                                                                  \
      check::fail(__FILE__, __LINE__,                                                                      \
                  #found " is " + check::text(found_value) + ", expected " + check::text(expected_value)); \
  } while (false)

#define CHECK_ERROR(kind, part, ...) check::expect_error(__FILE__, __LINE__, kind, part, [&] { __VA_ARGS__; })

#define TEST(function) \
  check::Test { #function, function }
