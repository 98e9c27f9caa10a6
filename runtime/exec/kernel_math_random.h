// Random words and floats of a position: Philox.
#pragma once
#include "exec/kernel_math_base.h"

/* Philox 4x32-10 (Salmon et al. 2011): word index & 3 of block index >> 2 */
/* Words 0 and 1 (upper 0) or 2 and 3 (upper 1) of a block; the first in the low half. */
static inline unsigned long long jt_philox_pair(unsigned long long block, unsigned upper, unsigned long long seed,
                                                unsigned long long counter) {
  unsigned c0 = (unsigned)block, c1 = (unsigned)(block >> 32), c2 = (unsigned)counter, c3 = (unsigned)(counter >> 32);
  unsigned k0 = (unsigned)seed, k1 = (unsigned)(seed >> 32);
  unsigned long long product0, product1;
  JT_PHILOX_ROUND JT_PHILOX_ROUND JT_PHILOX_ROUND JT_PHILOX_ROUND JT_PHILOX_ROUND JT_PHILOX_ROUND JT_PHILOX_ROUND
          JT_PHILOX_ROUND JT_PHILOX_ROUND JT_PHILOX_ROUND return upper
      ? (unsigned long long)c3 << 32 | c2
      : (unsigned long long)c1 << 32 | c0;
}
static inline unsigned jt_philox_word(unsigned long long index, unsigned long long seed, unsigned long long counter) {
  const unsigned long long pair = jt_philox_pair(index >> 2, (unsigned)(index >> 1 & 1), seed, counter);
  return (index & 1) != 0 ? (unsigned)(pair >> 32) : (unsigned)pair;
}
static inline unsigned jt_random_u32(unsigned long long index, unsigned long long seed, unsigned long long counter) {
  return jt_philox_word(index, seed, counter);
}
/* [0, 1) in steps of 2^-24 */
static inline float jt_random_f32(unsigned long long index, unsigned long long seed, unsigned long long counter) {
  return (float)(int)(jt_philox_word(index, seed, counter) >> 8) * 5.9604645e-08f;
}
/* [0, 1) in steps of 2^-53 */
static inline double jt_random_f64(unsigned long long index, unsigned long long seed, unsigned long long counter) {
  const unsigned long long pair = jt_philox_pair(index >> 1, (unsigned)(index & 1), seed, counter);
  const double high = (double)(int)((unsigned)pair >> 5), low = (double)(int)((unsigned)(pair >> 32) >> 6);
  return (high * 67108864.0 + low) * 1.1102230246251565e-16;
}
