// Contraction: the way it goes, and how panels or parts of the sum are shared among threads.
#include "exec/contraction.h"

#include <algorithm>
#include <cstring>

#include "exec/contraction_worker.h"
#include "exec/window.h"

namespace jtcy {
namespace {

// Below this many multiply-adds a part one thread is faster (waking another costs about 4 us).
constexpr int64_t kGrainProducts = 400'000;
// Reading and packing an element costs as much as so many multiply-adds.
constexpr int64_t kPackingProducts = 16;
// Elements of a padded copy worth a thread.
constexpr int64_t kGrainCopied = 32'768;

int64_t aligned(int64_t nbytes) noexcept { return round_up(nbytes, kScratchAlignment); }

/// Note [Padded copies]: takes its memory from `memory`.
void make_copy(const PaddedCopy& copy, ContractionOperand* operand, char** memory, ThreadPool& pool) {
  if (!copy.used) return;
  char* const to = *memory;
  *memory += aligned(copy.nbytes());
  operand->data = to + operand->origin * operand->itemsize;
  const auto write = [&copy, to](int, int64_t begin, int64_t end) { copy.write(to, begin, end); };
  pool.parallel_for(copy.outer.count, divide_up(kGrainCopied, copy.inner), write);
}

int64_t parts_nbytes(const Contraction& c) noexcept { return c.in_parts() ? aligned(c.blocks() * c.part_nbytes()) : 0; }

void run_in_parts(const Contraction& c, char* memory, ThreadPool& pool) {
  char* const parts = memory;
  memory += parts_nbytes(c);
  const int64_t nbytes = ContractionScratch(c).total;
  const int64_t products = c.rows() * c.columns() * kContractionBlock;
  const auto part = [&](int thread, int64_t begin, int64_t end) {
    ContractionWorker(c, memory + thread * nbytes).sum_parts(begin, end, parts);
  };
  pool.parallel_for(c.blocks(), divide_up(kGrainProducts, products), part);
  ContractionWorker(c, memory).add_parts(parts);
}

void run_panels(const Contraction& c, char* memory, ThreadPool& pool, const Epilogue* epilogue) {
  const int64_t other = (c.by_columns() ? c.rows() : c.columns()) + kPackingProducts;
  const int64_t products = std::max<int64_t>(1, other * c.unit() * c.a.depth.count);
  const int64_t nbytes = ContractionScratch(c).total;
  const auto part = [&](int thread, int64_t begin, int64_t end) {
    ContractionWorker(c, memory + thread * nbytes, thread, epilogue).run_units(begin, end);
  };
  pool.parallel_for(c.out_batch.count * c.units(), divide_up(kGrainProducts, products), part);
}

int64_t made_nbytes(const TensorView& view) noexcept {
  return aligned(element_count(view.shape) * itemsize(view.dtype));
}

/// Whether the operand op.made can be made while it is packed: not where it is copied or read in windows.
bool is_made_while_packed(const OpView& op, const Contraction& c) {
  if (window_scratch(op, 1) >= 0) return false;
  const bool rows = op.made == c.row_input;
  return !(rows ? c.copy_a : c.copy_b).used && (rows ? c.a : c.b).checked == 0;
}

/// The op with the operand op.made in scratch memory.
void run_with_made_operand(const OpView& op, char* scratch, ThreadPool& pool, const Prologue& prologue,
                           const Epilogue* epilogue) {
  TensorView inputs[2] = {op.inputs[0], op.inputs[1]};
  TensorView& made = inputs[op.made];
  const int64_t size = itemsize(made.dtype);
  pool.parallel_for(element_count(made.shape), prologue.grain, [&](int, int64_t begin, int64_t end) {
    prologue.run(prologue.context, begin, end, scratch + begin * size);
  });
  made.data = scratch;
  OpView there = op;
  there.inputs = inputs;
  there.made = -1;
  run_contraction(there, scratch + made_nbytes(made), pool, nullptr, epilogue);
}

/// Whether blocks of the output are whole pieces.
bool finishes_pieces(const Contraction& c, int64_t piece) noexcept {
  if (!c.out_columns.ends_in_neighbours()) return false;
  if (piece == 1) return true;
  const bool whole_rows = !c.by_columns() && c.column_block >= c.columns() && c.gaps.pitch == 0;
  return whole_rows && c.columns() % piece == 0 && c.out_columns.is_dense();
}

}  // namespace

int64_t contraction_scratch(const OpView& op, int threads) {
  Contraction c;
  if (op.made >= 0 && analyse_contraction(op, &c) && !is_made_while_packed(op, c)) {
    OpView there = op;
    there.made = -1;
    return made_nbytes(op.inputs[op.made]) + contraction_scratch(there, threads);
  }
  const int64_t of_window = window_scratch(op, threads);
  if (of_window >= 0) return of_window;
  c = Contraction();
  if (!analyse_contraction(op, &c)) return 0;
  return aligned(c.copy_a.nbytes()) + aligned(c.copy_b.nbytes()) + parts_nbytes(c) +
         ContractionScratch(c).total * threads;
}

void run_contraction(const OpView& op, void* scratch, ThreadPool& pool, const Prologue* prologue,
                     const Epilogue* epilogue) {
  const int64_t elements = element_count(op.output->shape);
  auto* memory = static_cast<char*>(scratch);
  Contraction c;
  bool in_pieces = false;
  if (prologue == nullptr && run_window(op, scratch, pool, epilogue, &in_pieces)) {
    // that was all
  } else if (!analyse_contraction(op, &c)) {
    const int64_t nbytes = elements * itemsize(op.output->dtype);
    if (nbytes > 0) std::memset(op.output->data, 0, static_cast<std::size_t>(nbytes));
  } else if (prologue != nullptr && !is_made_while_packed(op, c)) {
    return run_with_made_operand(op, memory, pool, *prologue, epilogue);
  } else {
    if (prologue != nullptr) {
      ContractionOperand& operand = op.made == c.row_input ? c.a : c.b;
      operand.made = prologue;
      operand.first_element = static_cast<const char*>(op.inputs[op.made].data);
    }
    make_copy(c.copy_a, &c.a, &memory, pool);
    make_copy(c.copy_b, &c.b, &memory, pool);
    in_pieces = epilogue != nullptr && !c.in_parts() && finishes_pieces(c, epilogue->piece);
    if (c.in_parts()) {
      run_in_parts(c, memory, pool);
    } else {
      run_panels(c, memory, pool, in_pieces ? epilogue : nullptr);
    }
  }
  if (epilogue == nullptr || in_pieces || elements == 0) return;
  pool.parallel_for(elements / epilogue->piece, epilogue->grain, [epilogue](int thread, int64_t begin, int64_t end) {
    epilogue->run(epilogue->context, thread, begin, end);
  });
}

}  // namespace jtcy
