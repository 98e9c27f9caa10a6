// SmallVector<T, N>: a vector whose first N elements need no allocation; shapes, strides, operands.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <type_traits>
#include <utility>

namespace jtcy {

/// Contiguous, grows by doubling. Elements are default-constructed in place and assigned; plain ones (integers,
/// pointers) are not touched before they are there, as every node of the graph has several of these.
template <typename T, std::size_t N>
class SmallVector {
 public:
  SmallVector() noexcept = default;
  SmallVector(std::initializer_list<T> values) { assign(values.begin(), values.end()); }
  explicit SmallVector(std::size_t count, const T& value = T()) { resize(count, value); }
  template <typename It>
    requires(!std::is_arithmetic_v<It>)
  SmallVector(It first, It last) {
    assign(first, last);
  }
  SmallVector(const SmallVector& other) { copy(other); }
  SmallVector(SmallVector&& other) noexcept { take(other); }
  ~SmallVector() {
    if (data_ != inline_) delete[] data_;
  }
  SmallVector& operator=(const SmallVector& other) {
    if (this == &other) return *this;
    clear();
    copy(other);
    return *this;
  }
  SmallVector& operator=(SmallVector&& other) noexcept {
    if (this == &other) return *this;
    clear();
    take(other);
    return *this;
  }

  template <typename It>
  void assign(It first, It last) {
    clear();
    for (; first != last; ++first) push_back(*first);
  }
  void push_back(T value) {
    if (size_ == capacity_) [[unlikely]]
      grow(std::size_t{capacity_} * 2);
    data_[size_++] = std::move(value);
  }
  void resize(std::size_t count, const T& value = T()) {
    if (count > capacity_) grow(count);
    for (std::size_t i = size_; i < count; ++i) data_[i] = value;
    if constexpr (!kPlain) {
      for (std::size_t i = count; i < size_; ++i) data_[i] = T();
    }
    size_ = static_cast<uint32_t>(count);
  }
  void pop_back() { resize(size_ - 1); }
  void clear() { resize(0); }
  void insert(std::size_t at, T value) {
    push_back(std::move(value));
    std::rotate(begin() + at, end() - 1, end());
  }
  void erase(std::size_t at) {
    std::rotate(begin() + at, begin() + at + 1, end());
    pop_back();
  }

  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }
  T& back() noexcept { return data_[size_ - 1]; }
  const T& back() const noexcept { return data_[size_ - 1]; }
  T* begin() noexcept { return data_; }
  T* end() noexcept { return data_ + size_; }
  const T* begin() const noexcept { return data_; }
  const T* end() const noexcept { return data_ + size_; }
  friend bool operator==(const SmallVector& a, const SmallVector& b) {
    if (a.size_ != b.size_) return false;
    for (std::size_t i = 0; i < a.size_; ++i) {
      if (!(a.data_[i] == b.data_[i])) return false;
    }
    return true;
  }

 private:
  static constexpr bool kPlain = std::is_trivially_copyable_v<T>;
  static constexpr std::size_t kFewBytes = 64;  // copied faster than counted

  void grow(std::size_t wanted) {
    const std::size_t capacity = std::max(wanted, std::size_t{capacity_} * 2);
    auto larger = std::make_unique<T[]>(capacity);
    std::move(begin(), end(), larger.get());
    if (data_ != inline_) delete[] data_;
    data_ = larger.release();
    capacity_ = static_cast<uint32_t>(capacity);
  }
  /// This one is empty.
  void copy(const SmallVector& other) {
    if (other.size_ > capacity_) grow(other.size_);
    if constexpr (kPlain && sizeof(T) * N <= kFewBytes) {
      if (other.data_ == other.inline_ && data_ == inline_) {
        std::memcpy(static_cast<void*>(inline_), other.inline_, sizeof inline_);
        size_ = other.size_;
        return;
      }
    }
    for (std::size_t i = 0; i < other.size_; ++i) data_[i] = other.data_[i];
    size_ = other.size_;
  }
  /// This one is empty; the other one is then.
  void take(SmallVector& other) noexcept {
    if (other.data_ != other.inline_) {
      if (data_ != inline_) delete[] data_;
      data_ = std::exchange(other.data_, other.inline_);
      capacity_ = std::exchange(other.capacity_, static_cast<uint32_t>(N));
    } else if constexpr (kPlain) {
      copy(other);
    } else {
      std::move(other.begin(), other.end(), data_);
    }
    size_ = std::exchange(other.size_, 0);
  }

  T* data_ = inline_;
  uint32_t size_ = 0;
  uint32_t capacity_ = N;
  T inline_[N];  // plain ones hold nothing yet
};

}  // namespace jtcy
