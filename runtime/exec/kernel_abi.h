// KernelArgs: what every generated kernel receives. Codegen pastes the text between the markers, so that an installed
// wheel needs no header. Plain C, no includes.
#pragma once
/* kernel-abi-begin */
typedef union {
  double f;
  long long i;
} KernelScalar;

/* The first problem that a kernel met with its data; read after the run. code 0: none. */
typedef struct {
  int code;        /* 1: an index is out of range */
  int op;          /* which op of the launch */
  long long value; /* the index found */
  long long limit; /* the extent it had to stay below */
} KernelError;

typedef struct {
  void* const* ptr;           /* buffers in the order of the Launch, inputs first */
  const long long* dim;       /* extents and strides (in elements), in the order of the Launch */
  const KernelScalar* scalar; /* scalars, in the order of the Launch */
  void* shared;               /* scratch memory shared by all threads and phases of a launch */
  KernelError* error;
  long long output_nbytes; /* of the largest output */
} KernelArgs;
/* kernel-abi-end */

/* A CPU phase: works on [begin, end) of its grid; `local` is this thread's own scratch memory. */
typedef void (*CpuPhase)(const KernelArgs* args, void* local, long long begin, long long end);
