// The interpreter's loops over two and three operands.
#include "exec/interpreter_isa.h"

namespace jtcy::JTCY_ISA_NAME {

namespace {

#define JTCY_LOOP(op, name, suffix, type, out_type)                                    \
  void op##_##suffix(const void* a, const void* b, void* y, long long n) {             \
    const type* const left = static_cast<const type*>(a);                              \
    const type* const right = static_cast<const type*>(b);                             \
    out_type* const to = static_cast<out_type*>(y);                                    \
    for (long long i = 0; i < n; ++i) to[i] = jt_##name##_##suffix(left[i], right[i]); \
  }
// 16-bit floats compute in float32 and are rounded after each op (docs/bits.md).
#define JTCY_HALF_LOOP(op, name, suffix)                                                                            \
  void op##_##suffix(const void* a, const void* b, void* y, long long n) {                                          \
    const unsigned short* const left = static_cast<const unsigned short*>(a);                                       \
    const unsigned short* const right = static_cast<const unsigned short*>(b);                                      \
    unsigned short* const to = static_cast<unsigned short*>(y);                                                     \
    for (long long i = 0; i < n; ++i)                                                                               \
      to[i] =                                                                                                       \
          jt_cast_f32_##suffix(jt_##name##_f32(jt_cast_##suffix##_f32(left[i]), jt_cast_##suffix##_f32(right[i]))); \
  }
#define JTCY_HALF_COMPARE(op, name, suffix)                                                       \
  void op##_##suffix(const void* a, const void* b, void* y, long long n) {                        \
    const unsigned short* const left = static_cast<const unsigned short*>(a);                     \
    const unsigned short* const right = static_cast<const unsigned short*>(b);                    \
    unsigned char* const to = static_cast<unsigned char*>(y);                                     \
    for (long long i = 0; i < n; ++i)                                                             \
      to[i] = jt_##name##_f32(jt_cast_##suffix##_f32(left[i]), jt_cast_##suffix##_f32(right[i])); \
  }

#define JTCY_FLOAT_LOOPS(op, name)         \
  JTCY_LOOP(op, name, f32, float, float)   \
  JTCY_LOOP(op, name, f64, double, double) \
  JTCY_HALF_LOOP(op, name, f16)            \
  JTCY_HALF_LOOP(op, name, bf16)
#define JTCY_NUMBER_LOOPS(op, name)                        \
  JTCY_LOOP(op, name, u8, unsigned char, unsigned char)    \
  JTCY_LOOP(op, name, i8, signed char, signed char)        \
  JTCY_LOOP(op, name, i16, short, short)                   \
  JTCY_LOOP(op, name, i32, int, int)                       \
  JTCY_LOOP(op, name, i64, long long, long long)           \
  JTCY_LOOP(op, name, u16, unsigned short, unsigned short) \
  JTCY_LOOP(op, name, u32, unsigned, unsigned)             \
  JTCY_LOOP(op, name, u64, unsigned long long, unsigned long long)
#define JTCY_INTEGER_LOOPS(op, name) JTCY_LOOP(op, name, b, unsigned char, unsigned char) JTCY_NUMBER_LOOPS(op, name)
#define JTCY_ANY_LOOPS(op, name) JTCY_FLOAT_LOOPS(op, name) JTCY_INTEGER_LOOPS(op, name)
#define JTCY_COMPARE_LOOPS(op, name)                          \
  JTCY_LOOP(op, name, b, unsigned char, unsigned char)        \
  JTCY_LOOP(op, name, u8, unsigned char, unsigned char)       \
  JTCY_LOOP(op, name, i8, signed char, unsigned char)         \
  JTCY_LOOP(op, name, i16, short, unsigned char)              \
  JTCY_LOOP(op, name, i32, int, unsigned char)                \
  JTCY_LOOP(op, name, i64, long long, unsigned char)          \
  JTCY_LOOP(op, name, u16, unsigned short, unsigned char)     \
  JTCY_LOOP(op, name, u32, unsigned, unsigned char)           \
  JTCY_LOOP(op, name, u64, unsigned long long, unsigned char) \
  JTCY_LOOP(op, name, f32, float, unsigned char)              \
  JTCY_LOOP(op, name, f64, double, unsigned char)             \
  JTCY_HALF_COMPARE(op, name, f16)                            \
  JTCY_HALF_COMPARE(op, name, bf16)

JTCY_FLOAT_BINARY(JTCY_FLOAT_LOOPS)
JTCY_ANY_BINARY(JTCY_ANY_LOOPS)
JTCY_INTEGER_BINARY(JTCY_INTEGER_LOOPS)
JTCY_SHIFT(JTCY_INTEGER_LOOPS)
JTCY_COMPARE(JTCY_COMPARE_LOOPS)

template <typename T>
void select_items(const void* condition, const void* a, const void* b, void* y, long long n) {
  const unsigned char* const taken = static_cast<const unsigned char*>(condition);
  const T* const left = static_cast<const T*>(a);
  const T* const right = static_cast<const T*>(b);
  T* const to = static_cast<T*>(y);
  for (long long i = 0; i < n; ++i) to[i] = taken[i] ? left[i] : right[i];
}

}  // namespace

void fill_binary(IsaTable* table) {
#define JTCY_SET(op, suffix, dtype) table->binary[index_of(OpKind::k##op)][index_of(Dtype::dtype)] = op##_##suffix;
#define JTCY_SET_FLOATS(op, name) JTCY_SET_EACH_FLOAT(JTCY_SET, op)
#define JTCY_SET_INTEGERS(op, name) JTCY_SET_EACH_INTEGER(JTCY_SET, op)
#define JTCY_SET_ANY(op, name) JTCY_SET_FLOATS(op, name) JTCY_SET_INTEGERS(op, name)
  JTCY_FLOAT_BINARY(JTCY_SET_FLOATS)
  JTCY_ANY_BINARY(JTCY_SET_ANY)
  JTCY_INTEGER_BINARY(JTCY_SET_INTEGERS)
  JTCY_SHIFT(JTCY_SET_INTEGERS)
  JTCY_COMPARE(JTCY_SET_ANY)
  table->where[0] = select_items<unsigned char>;
  table->where[1] = select_items<unsigned short>;
  table->where[2] = select_items<unsigned>;
  table->where[3] = select_items<unsigned long long>;
}

}  // namespace jtcy::JTCY_ISA_NAME
