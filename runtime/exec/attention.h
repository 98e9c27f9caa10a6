// Attention on the CPU, forward and backward, by blocks of keys: no matrix of all scores is ever in memory.
#pragma once
#include <cstdint>

#include "base/thread_pool.h"
#include "exec/interpreter.h"

namespace jtcy {

// Note [Bits of attention]
// Everything is computed in the accumulator's type (float32 for 16-bit floats). A score is the sum over the head's
// dims, ascending, by fused multiply-add; then times the scale; then the mask. Blocks of kAttentionBlock keys in
// ascending order: the running maximum m joins the block's scores in order; p = exp(score - m); the row's sum is sum *
// exp(m_before - m) + (the block's p, added in ascending order), the result likewise (its block is a sum of p v by
// fused multiply-add). At the end it is multiplied by the reciprocal of the sum. A block of which every p is 0 whatever
// its scores are (found by a bound on them) may be left out. Backward: p = exp(score - log of the sum), ds = (p (dp -
// delta)) scale with dp the sum over dims of dy v, and delta the sum of dy y in kDeltaLanes lanes that are halved. dk
// and dv add blocks of kAttentionBlock rows in ascending order, dq blocks of keys. Every block's part is a sum by fused
// multiply-add in ascending order. So nothing depends on which thread works on which rows or heads.

/// Bytes of scratch memory that run_attention takes.
int64_t attention_scratch(const OpView& op, int threads);
/// Attention and AttentionGradient; uses at most the pool's threads at the time of attention_scratch.
void run_attention(const OpView& op, void* scratch, ThreadPool& pool);

}  // namespace jtcy
