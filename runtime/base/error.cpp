// Throwing lives out of line, so that checks stay small where they stand.
#include "base/error.h"

namespace jtcy {

void throw_error(ErrorKind kind, std::string message) { throw Error(kind, std::move(message)); }

void throw_assert(const char* file, int line, const char* condition, std::string message) {
  throw Error(ErrorKind::kInternal, str_cat("internal error: ", message, message.empty() ? "" : " · ", condition,
                                            " failed at ", file, ":", line, "; please report it with this line"));
}

}  // namespace jtcy
