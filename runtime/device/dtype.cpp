// The dtype table, and promotion from it: PyTorch's rules, NumPy's where PyTorch has none.
#include "device/dtype.h"

#include <algorithm>
#include <array>

namespace jtcy {

namespace {

struct Row {
  std::string_view name;
  int itemsize;
  DtypeKind kind;
};

constexpr std::array<Row, kDtypeCount> kTable{{
    {"bool", 1, DtypeKind::kBool},
    {"uint8", 1, DtypeKind::kUnsigned},
    {"int8", 1, DtypeKind::kSigned},
    {"int16", 2, DtypeKind::kSigned},
    {"int32", 4, DtypeKind::kSigned},
    {"int64", 8, DtypeKind::kSigned},
    {"uint16", 2, DtypeKind::kUnsigned},
    {"uint32", 4, DtypeKind::kUnsigned},
    {"uint64", 8, DtypeKind::kUnsigned},
    {"float16", 2, DtypeKind::kFloat},
    {"bfloat16", 2, DtypeKind::kFloat},
    {"float32", 4, DtypeKind::kFloat},
    {"float64", 8, DtypeKind::kFloat},
}};

constexpr const Row& row(Dtype dtype) noexcept { return kTable[static_cast<std::size_t>(dtype)]; }

Dtype promote_floats(Dtype a, Dtype b) noexcept {
  if (row(a).itemsize != row(b).itemsize) return row(a).itemsize > row(b).itemsize ? a : b;
  return a == b ? a : Dtype::kFloat32;  // float16 with bfloat16: neither holds the other
}

/// The smallest signed type that holds both; float64 where there is none (uint64), as in NumPy.
Dtype promote_mixed_signs(Dtype with_sign, Dtype without_sign) noexcept {
  switch (std::max(row(with_sign).itemsize, 2 * row(without_sign).itemsize)) {
    case 2:
      return Dtype::kInt16;
    case 4:
      return Dtype::kInt32;
    case 8:
      return Dtype::kInt64;
    default:
      return Dtype::kFloat64;
  }
}

}  // namespace

int64_t itemsize(Dtype dtype) noexcept { return row(dtype).itemsize; }
DtypeKind kind_of(Dtype dtype) noexcept { return row(dtype).kind; }
bool is_floating(Dtype dtype) noexcept { return kind_of(dtype) == DtypeKind::kFloat; }
bool is_integral(Dtype dtype) noexcept {
  return kind_of(dtype) == DtypeKind::kSigned || kind_of(dtype) == DtypeKind::kUnsigned;
}
std::string_view dtype_name(Dtype dtype) noexcept { return row(dtype).name; }

bool dtype_from_name(std::string_view name, Dtype* out) noexcept {
  const auto* const found = std::find_if(kTable.begin(), kTable.end(), [&](const Row& r) { return r.name == name; });
  if (found == kTable.end()) return false;
  *out = static_cast<Dtype>(found - kTable.begin());
  return true;
}

Dtype promote(Dtype a, Dtype b) noexcept {
  if (a == b || kind_of(b) == DtypeKind::kBool) return a;
  if (kind_of(a) == DtypeKind::kBool) return b;
  if (is_floating(a) && is_floating(b)) return promote_floats(a, b);
  if (is_floating(a) || is_floating(b)) return is_floating(a) ? a : b;
  if (kind_of(a) == kind_of(b)) return row(a).itemsize > row(b).itemsize ? a : b;
  return kind_of(a) == DtypeKind::kSigned ? promote_mixed_signs(a, b) : promote_mixed_signs(b, a);
}

}  // namespace jtcy
