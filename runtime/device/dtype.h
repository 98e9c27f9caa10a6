// Dtype: the element types, their sizes, kinds, names and the promotion table (PyTorch's).
#pragma once
#include <cstdint>
#include <string_view>

namespace jtcy {

/// The numbers are part of every Signature and of the compiler's snapshot; append only.
enum class Dtype : uint8_t {
  kBool = 0,
  kUint8 = 1,
  kInt8 = 2,
  kInt16 = 3,
  kInt32 = 4,
  kInt64 = 5,
  kUint16 = 6,
  kUint32 = 7,
  kUint64 = 8,
  kFloat16 = 9,
  kBfloat16 = 10,
  kFloat32 = 11,
  kFloat64 = 12,
  kComplex64 = 13,   // reserved
  kComplex128 = 14,  // reserved
};
inline constexpr int kDtypeCount = 13;

enum class DtypeKind : uint8_t { kBool, kSigned, kUnsigned, kFloat };

int64_t itemsize(Dtype dtype) noexcept;
DtypeKind kind_of(Dtype dtype) noexcept;
bool is_floating(Dtype dtype) noexcept;
bool is_integral(Dtype dtype) noexcept;  // bool is not
std::string_view dtype_name(Dtype dtype) noexcept;
/// False for an unknown name.
bool dtype_from_name(std::string_view name, Dtype* out) noexcept;

/// Both are array Vars with dimensions (category rules for Python scalars are the caller's, ops/_rules).
/// uint16, uint32 and uint64 promote as in NumPy where PyTorch refuses.
Dtype promote(Dtype a, Dtype b) noexcept;

}  // namespace jtcy
