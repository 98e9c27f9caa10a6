// The dtype table and promotion, against PyTorch 2's and NumPy 2's own tables.
#include "check.h"
#include "device/dtype.h"

namespace {

using namespace jtcy;

constexpr const char* kShort[kDtypeCount] = {"b1", "u1", "i1", "i2", "i4", "i8", "u2",
                                             "u4", "u8", "f2", "bf", "f4", "f8"};

// torch.promote_types; numpy.promote_types among integers where one is uint16, uint32 or uint64.
constexpr const char* kPromoted[kDtypeCount][kDtypeCount] = {
    {"b1", "u1", "i1", "i2", "i4", "i8", "u2", "u4", "u8", "f2", "bf", "f4", "f8"},
    {"u1", "u1", "i2", "i2", "i4", "i8", "u2", "u4", "u8", "f2", "bf", "f4", "f8"},
    {"i1", "i2", "i1", "i2", "i4", "i8", "i4", "i8", "f8", "f2", "bf", "f4", "f8"},
    {"i2", "i2", "i2", "i2", "i4", "i8", "i4", "i8", "f8", "f2", "bf", "f4", "f8"},
    {"i4", "i4", "i4", "i4", "i4", "i8", "i4", "i8", "f8", "f2", "bf", "f4", "f8"},
    {"i8", "i8", "i8", "i8", "i8", "i8", "i8", "i8", "f8", "f2", "bf", "f4", "f8"},
    {"u2", "u2", "i4", "i4", "i4", "i8", "u2", "u4", "u8", "f2", "bf", "f4", "f8"},
    {"u4", "u4", "i8", "i8", "i8", "i8", "u4", "u4", "u8", "f2", "bf", "f4", "f8"},
    {"u8", "u8", "f8", "f8", "f8", "f8", "u8", "u8", "u8", "f2", "bf", "f4", "f8"},
    {"f2", "f2", "f2", "f2", "f2", "f2", "f2", "f2", "f2", "f2", "f4", "f4", "f8"},
    {"bf", "bf", "bf", "bf", "bf", "bf", "bf", "bf", "bf", "f4", "bf", "f4", "f8"},
    {"f4", "f4", "f4", "f4", "f4", "f4", "f4", "f4", "f4", "f4", "f4", "f4", "f8"},
    {"f8", "f8", "f8", "f8", "f8", "f8", "f8", "f8", "f8", "f8", "f8", "f8", "f8"},
};

Dtype dtype_of(std::string_view code) {
  for (int i = 0; i < kDtypeCount; ++i) {
    if (code == kShort[i]) return static_cast<Dtype>(i);
  }
  return Dtype::kComplex128;
}

void test_promotion_is_that_of_torch_and_numpy() {
  for (int a = 0; a < kDtypeCount; ++a) {
    for (int b = 0; b < kDtypeCount; ++b) {
      const Dtype found = promote(static_cast<Dtype>(a), static_cast<Dtype>(b));
      if (found != dtype_of(kPromoted[a][b])) {
        check::fail(__FILE__, __LINE__,
                    std::string(kShort[a]) + " with " + kShort[b] + " gives " + std::string(dtype_name(found)) +
                        ", expected " + kPromoted[a][b]);
      }
    }
  }
}

void test_names_and_sizes() {
  const struct {
    Dtype dtype;
    const char* name;
    int64_t size;
    DtypeKind kind;
  } rows[] = {
      {Dtype::kBool, "bool", 1, DtypeKind::kBool},          {Dtype::kUint8, "uint8", 1, DtypeKind::kUnsigned},
      {Dtype::kInt8, "int8", 1, DtypeKind::kSigned},        {Dtype::kInt16, "int16", 2, DtypeKind::kSigned},
      {Dtype::kInt32, "int32", 4, DtypeKind::kSigned},      {Dtype::kInt64, "int64", 8, DtypeKind::kSigned},
      {Dtype::kUint16, "uint16", 2, DtypeKind::kUnsigned},  {Dtype::kUint32, "uint32", 4, DtypeKind::kUnsigned},
      {Dtype::kUint64, "uint64", 8, DtypeKind::kUnsigned},  {Dtype::kFloat16, "float16", 2, DtypeKind::kFloat},
      {Dtype::kBfloat16, "bfloat16", 2, DtypeKind::kFloat}, {Dtype::kFloat32, "float32", 4, DtypeKind::kFloat},
      {Dtype::kFloat64, "float64", 8, DtypeKind::kFloat},
  };
  for (const auto& row : rows) {
    Dtype parsed{};
    CHECK(dtype_from_name(row.name, &parsed));
    CHECK_EQ(parsed, row.dtype);
    CHECK_EQ(dtype_name(row.dtype), std::string_view(row.name));
    CHECK_EQ(itemsize(row.dtype), row.size);
    CHECK_EQ(kind_of(row.dtype), row.kind);
    CHECK_EQ(is_floating(row.dtype), row.kind == DtypeKind::kFloat);
    CHECK_EQ(is_integral(row.dtype), row.kind == DtypeKind::kSigned || row.kind == DtypeKind::kUnsigned);
  }
}

void test_unknown_name_is_refused_and_leaves_the_result() {
  Dtype parsed = Dtype::kInt8;
  CHECK(!dtype_from_name("float", &parsed));
  CHECK(!dtype_from_name("", &parsed));
  CHECK_EQ(parsed, Dtype::kInt8);
}

}  // namespace

int main() {
  return check::run_all({TEST(test_promotion_is_that_of_torch_and_numpy), TEST(test_names_and_sizes),
                         TEST(test_unknown_name_is_refused_and_leaves_the_result)});
}
