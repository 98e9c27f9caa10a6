// Release of a Buffer: to its manager, or to whoever lent the bytes.
#include "memory/buffer.h"

#include "memory/manager.h"

namespace jtcy {

Buffer::~Buffer() {
  if (manager_ != nullptr) {
    manager_->release(*this);
  } else if (release_ != nullptr) {
    release_(context_);
  }
}

}  // namespace jtcy
