// Contraction on the CPU: blocking around register tiles that are generated when the package is built.
#pragma once
#include <cstdint>

#include "base/thread_pool.h"
#include "exec/interpreter.h"

/* contraction-abi-begin */
/* What a generated file exports (jittor_cy/compiler/codegen/contraction.py); plain C, pasted into it. */

/* c[row[i] + j] = (add ? c[...] : 0) + sum over k < depth of a[k][i] * b[place[k] + j], a packed by its rows. */
typedef void (*JtTile)(long long depth, const void* a, const void* b, const long long* place, void* c,
                       const long long* row, int add);

/* One row of `columns` (a multiple of a vector) that stand next to each other: rows of b are read from end to end, not
   panel by panel. `sums` is memory for the block's own. */
typedef void (*JtRow)(long long depth, const void* a, const void* b, const long long* place, long long columns,
                      void* sums, void* c, int add);

/* Whole blocks of one sum of products, several side by side. */
typedef void (*JtDots)(long long blocks, const void* a, long long a_step, const void* b, long long b_step, void* sums,
                       long long sum_step);

#define JT_MOST_ROWS 12
typedef struct {
  int rows;                     /* of the largest tile */
  int columns;                  /* of a wide tile */
  JtTile tile[2][JT_MOST_ROWS]; /* wide, narrow (one vector); by rows - 1 */
  JtRow row;
  JtDots dots;
} JtTileSet;

/* Positions start .. start + count - 1 whose place and indices advance evenly. */
typedef struct {
  long long start, count;
  long long offset;    /* of the first one, checked dims left out */
  long long step;      /* all dims */
  long long free_step; /* checked dims left out */
} JtRun;

/* An operand (or a part of it) read as rows of runs. Elements, not bytes. Checked dims may be outside: 0 is read. */
typedef struct {
  const void* data;
  int checked;
  int divided;                                       /* some checked dim has a divisor */
  const long long *extent, *stride, *divisor, *base; /* by checked dim */
  const long long *outer_offset, *outer_at;          /* by row; [row][checked dim] */
  int runs;
  const JtRun* run;
  const long long *run_at, *run_by; /* [run][checked dim]: index of the first position, and its step */
} JtGather;

typedef void (*JtGatherRows)(const JtGather* g, long long count, void* to, long long to_step);
/* Panels of neighbours, k at place[k], panel p from first[p] to first[p + 1]: to [panel][k][position], each row of
   `width` elements (0: of its own). */
typedef void (*JtCopyPanels)(const void* from, const long long* place, long long depth, long long panels,
                             const long long* first, void* to, long long width);
/* Rows of neighbours along k, row i at row[i]: to to[k * width + i]. The next `ahead` of the table are fetched. */
typedef void (*JtTurnRows)(const void* from, const long long* row, long long count, long long ahead, long long depth,
                           void* to, long long width);

/* A row of float32, rounded to 16 bits. */
typedef void (*JtRoundRow)(const void* from, long long count, void* to, long long step);

/* Convolutions (exec/window.h). Besides their own, tiles fetch the lines from `ahead` to `last`, one with two products.
   As JtTile, but the second vector of b stands `second` elements behind the first. */
typedef void (*JtColumnTile)(long long depth, const void* a, const void* b, long long second, const long long* place,
                             void* c, const long long* row, int add, const void* ahead, const void* last);
/* As JtColumnTile, of a wide panel whose vectors are put together: lanes mask[vector][piece] are those of b + place[k]
   + from[vector][piece], the first piece's are all that no other one has. */
#define JT_MOST_MERGED 4
typedef struct {
  long long from[2][JT_MOST_MERGED];
  unsigned mask[2][JT_MOST_MERGED];
} JtPieces;
typedef void (*JtMergedTile)(long long depth, const void* a, const void* b, const JtPieces* pieces,
                             const long long* place, void* c, const long long* row, int add, const void* ahead,
                             const void* last);
/* c[row[i] + j] = (add ? c[...] : 0) + sum over k < depth of a[from[i] + at[k]] * b[k][j]. */
typedef void (*JtRowTile)(long long depth, const void* a, const long long* from, const long long* at, const void* b,
                          void* c, const long long* row, int add, const void* ahead, const void* last);
/* A vector from data[place[k] + from[q]] goes to packed[k * width + to[q]], q ascending: later ones overwrite. */
typedef void (*JtPackPieces)(long long depth, const void* data, const long long* place, int pieces,
                             const long long* from, const long long* to, void* packed, long long width);
/* As many vectors of columns for each k, from the image itself: lanes mask[tap][vector][piece] are those of data +
   place[k] + from[vector][piece], others are 0; taps follow each other, `tap` is the first one's. */
typedef void (*JtPackMasked)(long long depth, const void* data, const long long* place, long long tap, long long taps,
                             int vectors, int pieces, const long long* from, const unsigned* mask, void* packed);
typedef void (*JtPutApart)(long long count, const void* from, void* to); /* to[2 * i] = from[i] */
/* Rows of `length`: elements low .. high - 1 from data[offset[row]] on, the others 0; JT_NOWHERE: all are 0.
   Up to a vector behind a row is overwritten, rows ascending. */
#define JT_NOWHERE (-9223372036854775807LL - 1)
typedef void (*JtSlabRows)(long long rows, const void* data, const long long* offset, long long low, long long high,
                           long long length, void* to);
/* The same, but even elements of a row are the first half of it, odd ones the second; only elements of data are
 * written. */
typedef JtSlabRows JtSlabHalves;
typedef void (*JtAddSums)(long long count, const void* from, void* to); /* to[i] = to[i] + from[i] */
typedef struct {
  JtColumnTile column[2][JT_MOST_ROWS]; /* wide, narrow (one vector); by rows - 1 */
  JtRowTile row[2][JT_MOST_ROWS];
  JtMergedTile merged[JT_MOST_MERGED - 1][JT_MOST_ROWS]; /* of up to 2, 3, ... pieces; null without masked loads */
  JtPackPieces pack;
  JtPackMasked masked; /* null without masked loads */
  JtPutApart apart;    /* null without masked stores */
  JtSlabHalves halves; /* null without both */
  JtSlabRows slab_rows;
  JtAddSums add;
} JtWindowSet;

/* Convolutions of each channel alone (exec/planes.h): vectors hold the same element of as many planes as lanes. */
/* to[place[i] + lane] = from[lane][i], i < count. */
typedef void (*JtPlanesIn)(long long count, const void* const* from, const long long* place, void* to);
/* to[lane][i] = vector i of `from`, lane by lane of the first `lanes`. */
typedef void (*JtPlanesOut)(long long count, const void* from, int lanes, void* const* to);
/* Vectors to[i * step] = sum over k < taps of vector x[place[k]] + i, times w[k]; i < some number. */
typedef void (*JtPlanePositions)(long long taps, const void* x, const long long* place, const void* w, void* to,
                                 long long step);
/* sums[t] goes on with x[at[i] + place[t]] * y[i], i < count, t < some number. */
typedef void (*JtPlaneSweep)(long long count, const void* x, const long long* at, const long long* place, const void* y,
                             void* sums);
#define JT_MOST_PLANE_POSITIONS 14
#define JT_MOST_PLANE_TAPS 25
typedef struct {
  int most_positions, most_taps;
  JtPlanesIn in;
  JtPlanesOut out;
  JtPlanePositions positions[JT_MOST_PLANE_POSITIONS]; /* by their number - 1 */
  JtPlaneSweep sweep[JT_MOST_PLANE_TAPS];
} JtPlaneSet;

typedef struct {
  JtTileSet f32, f64, w8, w16, w32, w64, b; /* w: integers of so many bits, wrapping; b: bool, or of ands */
  JtGatherRows gather[6];                   /* 8, 16, 32, 64 bits as they are; float16, bfloat16 to float32 */
  JtCopyPanels copy[4];                     /* 8, 16, 32, 64 bits */
  JtTurnRows turn[4];
  JtRoundRow round[2]; /* to float16, bfloat16 */
  JtWindowSet window_f32, window_f64;
  JtPlaneSet plane_f32, plane_f64;
} JtPrebuilt;
/* contraction-abi-end */

extern "C" {
extern const JtPrebuilt jt_prebuilt_avx512;
extern const JtPrebuilt jt_prebuilt_avx2;
extern const JtPrebuilt jt_prebuilt_portable;
}

namespace jtcy {

/// What makes an operand that is nowhere in memory: writes its elements [begin, end), in their order, to `to`; from any
/// of the pool's threads, some more than once.
struct Prologue {
  void (*run)(const void* context, int64_t begin, int64_t end, void* to) = nullptr;
  const void* context = nullptr;
  int64_t grain = 1;  // elements worth a thread
};

/// What goes on from a contraction's pieces, so many elements each in the output's order: called with ranges of pieces
/// once they are finished, from any of the pool's threads, each piece once.
struct Epilogue {
  void (*run)(const void* context, int thread, int64_t begin, int64_t end) = nullptr;
  const void* context = nullptr;
  int64_t piece = 1;  // elements
  int64_t grain = 1;  // pieces worth a thread
};

/// Those of the instruction set in use.
const JtPrebuilt& prebuilt_kernels() noexcept;
/// Bytes of scratch memory that run_contraction takes.
int64_t contraction_scratch(const OpView& op, int threads);
/// Every map and dtype; uses at most the pool's threads at the time of contraction_scratch. `scratch` is aligned to 64.
/// `prologue` makes the operand op.made; null where there is none, as `epilogue` may be.
void run_contraction(const OpView& op, void* scratch, ThreadPool& pool, const Prologue* prologue = nullptr,
                     const Epilogue* epilogue = nullptr);

}  // namespace jtcy
