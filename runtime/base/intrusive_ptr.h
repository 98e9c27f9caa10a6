// Ref<T>: an owning pointer to an object that carries its own reference count.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace jtcy {

// Note [Reference counts]
// The count starts at 0 and an object dies when it returns to 0. Counts are atomic because Buffers and Kernels are
// released by the executor too. Nodes of the graph are only ever touched with the GIL held, and there are a dozen
// references a node: theirs are plain.

/// Base of what a Ref may own in any thread. T must be deletable through T*.
class RefCounted {
 public:
  RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;
  void add_ref() const noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
  /// True when this was the last reference.
  bool drop_ref() const noexcept { return count_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
  int64_t ref_count() const noexcept { return count_.load(std::memory_order_relaxed); }

 protected:
  ~RefCounted() = default;

 private:
  mutable std::atomic<int64_t> count_{0};
};

/// Base of what a Ref may own in one thread at a time.
class PlainRefCounted {
 public:
  PlainRefCounted() = default;
  PlainRefCounted(const PlainRefCounted&) = delete;
  PlainRefCounted& operator=(const PlainRefCounted&) = delete;
  void add_ref() const noexcept { ++count_; }
  bool drop_ref() const noexcept { return --count_ == 0; }
  int64_t ref_count() const noexcept { return count_; }

 protected:
  ~PlainRefCounted() = default;

 private:
  mutable int32_t count_ = 0;
};

/// What happens when the last Ref goes; graph nodes overload it to free chains without recursion.
template <typename T>
void destroy_object(const T* object) noexcept {
  delete object;
}

template <typename T>
class Ref {
 public:
  Ref() noexcept = default;
  Ref(std::nullptr_t) noexcept {}
  explicit Ref(T* object) noexcept : object_(object) { acquire(); }
  Ref(const Ref& other) noexcept : object_(other.object_) { acquire(); }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <typename U>
  Ref(const Ref<U>& other) noexcept : object_(other.get()) {
    acquire();
  }
  ~Ref() { reset(); }
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }

  void reset() noexcept {
    if (T* object = std::exchange(object_, nullptr); object != nullptr && object->drop_ref()) destroy_object(object);
  }
  T* get() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  T* operator->() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  friend bool operator==(const Ref& a, const Ref& b) noexcept { return a.object_ == b.object_; }

 private:
  void acquire() const noexcept {
    if (object_ != nullptr) object_->add_ref();
  }
  T* object_ = nullptr;
};

template <typename T, typename... Args>
Ref<T> make_ref(Args&&... args) {
  return Ref<T>(new T(std::forward<Args>(args)...));
}

}  // namespace jtcy
