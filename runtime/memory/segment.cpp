// Sizes of Segments.
#include "memory/segment.h"

namespace jtcy {

int64_t Segment::large_nbytes(int64_t nbytes) noexcept {
  const int64_t unit = nbytes >= kSharedSegmentNbytes ? kSharedSegmentNbytes : kSegmentAlign;
  return (nbytes + unit - 1) / unit * unit;
}

}  // namespace jtcy
