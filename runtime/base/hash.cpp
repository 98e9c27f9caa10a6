// Printing of hashes; the arithmetic is inline.
#include "base/hash.h"

#include <cstdio>

namespace jtcy {

std::string Hash128::hex() const {
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(high),
                static_cast<unsigned long long>(low));
  return text;
}

}  // namespace jtcy
