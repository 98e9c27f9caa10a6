// The interpreter's loops over one operand: unary maths and casts.
#include "exec/interpreter_isa.h"

namespace jtcy::JTCY_ISA_NAME {

namespace {

// 16-bit floats compute in float32 and are rounded after each op (docs/bits.md).
#define JTCY_LOOP(op, name, suffix, type, out_type)                          \
  void op##_##suffix(const void* x, void* y, long long n) {                  \
    const type* const from = static_cast<const type*>(x);                    \
    out_type* const to = static_cast<out_type*>(y);                          \
    for (long long i = 0; i < n; ++i) to[i] = jt_##name##_##suffix(from[i]); \
  }
#define JTCY_HALF_LOOP(op, name, suffix)                                                                              \
  void op##_##suffix(const void* x, void* y, long long n) {                                                           \
    const unsigned short* const from = static_cast<const unsigned short*>(x);                                         \
    unsigned short* const to = static_cast<unsigned short*>(y);                                                       \
    for (long long i = 0; i < n; ++i) to[i] = jt_cast_f32_##suffix(jt_##name##_f32(jt_cast_##suffix##_f32(from[i]))); \
  }
#define JTCY_HALF_TEST(op, name, suffix)                                                        \
  void op##_##suffix(const void* x, void* y, long long n) {                                     \
    const unsigned short* const from = static_cast<const unsigned short*>(x);                   \
    unsigned char* const to = static_cast<unsigned char*>(y);                                   \
    for (long long i = 0; i < n; ++i) to[i] = jt_##name##_f32(jt_cast_##suffix##_f32(from[i])); \
  }

#define JTCY_FLOAT_LOOPS(op, name)         \
  JTCY_LOOP(op, name, f32, float, float)   \
  JTCY_LOOP(op, name, f64, double, double) \
  JTCY_HALF_LOOP(op, name, f16)            \
  JTCY_HALF_LOOP(op, name, bf16)
#define JTCY_INTEGER_LOOPS(op, name)                       \
  JTCY_LOOP(op, name, b, unsigned char, unsigned char)     \
  JTCY_LOOP(op, name, u8, unsigned char, unsigned char)    \
  JTCY_LOOP(op, name, i8, signed char, signed char)        \
  JTCY_LOOP(op, name, i16, short, short)                   \
  JTCY_LOOP(op, name, i32, int, int)                       \
  JTCY_LOOP(op, name, i64, long long, long long)           \
  JTCY_LOOP(op, name, u16, unsigned short, unsigned short) \
  JTCY_LOOP(op, name, u32, unsigned, unsigned)             \
  JTCY_LOOP(op, name, u64, unsigned long long, unsigned long long)
#define JTCY_TEST_LOOPS(op, name)                 \
  JTCY_LOOP(op, name, f32, float, unsigned char)  \
  JTCY_LOOP(op, name, f64, double, unsigned char) \
  JTCY_HALF_TEST(op, name, f16)                   \
  JTCY_HALF_TEST(op, name, bf16)
#define JTCY_ANY_LOOPS(op, name) JTCY_FLOAT_LOOPS(op, name) JTCY_INTEGER_LOOPS(op, name)

JTCY_FLOAT_UNARY(JTCY_FLOAT_LOOPS)
JTCY_ANY_UNARY(JTCY_ANY_LOOPS)
JTCY_FLOAT_TEST(JTCY_TEST_LOOPS)
JTCY_INTEGER_UNARY(JTCY_INTEGER_LOOPS)

template <int kBytes>
void copy_items(const void* x, void* y, long long n) {
  __builtin_memmove(y, x, static_cast<unsigned long>(n) * kBytes);
}

}  // namespace

void fill_unary(IsaTable* table) {
#define JTCY_SET(op, suffix, dtype) table->unary[index_of(OpKind::k##op)][index_of(Dtype::dtype)] = op##_##suffix;
#define JTCY_SET_FLOATS(op, name) JTCY_SET_EACH_FLOAT(JTCY_SET, op)
#define JTCY_SET_INTEGERS(op, name) JTCY_SET_EACH_INTEGER(JTCY_SET, op)
#define JTCY_SET_ANY(op, name) JTCY_SET_FLOATS(op, name) JTCY_SET_INTEGERS(op, name)
  JTCY_FLOAT_UNARY(JTCY_SET_FLOATS)
  JTCY_ANY_UNARY(JTCY_SET_ANY)
  JTCY_FLOAT_TEST(JTCY_SET_FLOATS)
  JTCY_INTEGER_UNARY(JTCY_SET_INTEGERS)
  const IsaTable::Unary copies[4] = {copy_items<1>, copy_items<2>, copy_items<4>, copy_items<8>};
  const int widths[kDtypeCount] = {0, 0, 0, 1, 2, 3, 1, 2, 3, 1, 1, 2, 3};  // logarithm of each Dtype's size
  for (int dtype = 0; dtype < kDtypeCount; ++dtype) {
    table->unary[index_of(OpKind::kCopy)][dtype] = copies[widths[dtype]];
    table->cast[dtype][dtype] = copies[widths[dtype]];
  }
}

}  // namespace jtcy::JTCY_ISA_NAME
