// The interpreter's loops that convert from each dtype to each other one.
#include "exec/interpreter_isa.h"

namespace jtcy::JTCY_ISA_NAME {

namespace {

#define JTCY_CAST_NAME(from, to) cast_##from##_##to
#define JTCY_CAST(from, from_type, to, to_type)                                     \
  void JTCY_CAST_NAME(from, to)(const void* x, void* y, long long n) {              \
    const from_type* const source = static_cast<const from_type*>(x);               \
    to_type* const target = static_cast<to_type*>(y);                               \
    for (long long i = 0; i < n; ++i) target[i] = jt_cast_##from##_##to(source[i]); \
  }
#define JTCY_CASTS_TO(to, to_type)                \
  JTCY_CAST(b, unsigned char, to, to_type)        \
  JTCY_CAST(u8, unsigned char, to, to_type)       \
  JTCY_CAST(i8, signed char, to, to_type)         \
  JTCY_CAST(i16, short, to, to_type)              \
  JTCY_CAST(i32, int, to, to_type)                \
  JTCY_CAST(i64, long long, to, to_type)          \
  JTCY_CAST(u16, unsigned short, to, to_type)     \
  JTCY_CAST(u32, unsigned, to, to_type)           \
  JTCY_CAST(u64, unsigned long long, to, to_type) \
  JTCY_CAST(f16, unsigned short, to, to_type)     \
  JTCY_CAST(bf16, unsigned short, to, to_type)    \
  JTCY_CAST(f32, float, to, to_type)              \
  JTCY_CAST(f64, double, to, to_type)

JTCY_CASTS_TO(b, unsigned char)
JTCY_CASTS_TO(u8, unsigned char)
JTCY_CASTS_TO(i8, signed char)
JTCY_CASTS_TO(i16, short)
JTCY_CASTS_TO(i32, int)
JTCY_CASTS_TO(i64, long long)
JTCY_CASTS_TO(u16, unsigned short)
JTCY_CASTS_TO(u32, unsigned)
JTCY_CASTS_TO(u64, unsigned long long)
JTCY_CASTS_TO(f16, unsigned short)
JTCY_CASTS_TO(bf16, unsigned short)
JTCY_CASTS_TO(f32, float)
JTCY_CASTS_TO(f64, double)

// In the order of Dtype.
#define JTCY_COLUMN(to)                                                                                 \
  {JTCY_CAST_NAME(b, to),   JTCY_CAST_NAME(u8, to),  JTCY_CAST_NAME(i8, to),   JTCY_CAST_NAME(i16, to), \
   JTCY_CAST_NAME(i32, to), JTCY_CAST_NAME(i64, to), JTCY_CAST_NAME(u16, to),  JTCY_CAST_NAME(u32, to), \
   JTCY_CAST_NAME(u64, to), JTCY_CAST_NAME(f16, to), JTCY_CAST_NAME(bf16, to), JTCY_CAST_NAME(f32, to), \
   JTCY_CAST_NAME(f64, to)}

constexpr IsaTable::Unary kCastTo[kDtypeCount][kDtypeCount] = {
    JTCY_COLUMN(b),    JTCY_COLUMN(u8),  JTCY_COLUMN(i8),  JTCY_COLUMN(i16), JTCY_COLUMN(i32),
    JTCY_COLUMN(i64),  JTCY_COLUMN(u16), JTCY_COLUMN(u32), JTCY_COLUMN(u64), JTCY_COLUMN(f16),
    JTCY_COLUMN(bf16), JTCY_COLUMN(f32), JTCY_COLUMN(f64)};

}  // namespace

void fill_cast(IsaTable* table) {
  for (int to = 0; to < kDtypeCount; ++to) {
    for (int from = 0; from < kDtypeCount; ++from) {
      if (from != to) table->cast[from][to] = kCastTo[to][from];
    }
  }
}

}  // namespace jtcy::JTCY_ISA_NAME
