// Hash128: the streaming hash behind every Signature and structural comparison.
#pragma once
#include <cstdint>
#include <string>

namespace jtcy {

/// 128 bits: two graphs with equal hashes are taken to be equal, so 64 would not do.
struct Hash128 {
  uint64_t low = 0x9E3779B97F4A7C15ull;
  uint64_t high = 0xC2B2AE3D27D4EB4Full;
  friend bool operator==(const Hash128&, const Hash128&) = default;

  /// Multiply-fold as in wyhash; both halves see every value.
  void mix(uint64_t value) noexcept {
    low = fold(low ^ value, 0xA0761D6478BD642Full);
    high = fold(high + value, 0xE7037ED1A0B428DBull) ^ low;
  }
  void mix(const Hash128& other) noexcept {
    mix(other.low);
    mix(other.high);
  }
  std::string hex() const;

 private:
  static uint64_t fold(uint64_t a, uint64_t b) noexcept {
    const auto product = static_cast<unsigned __int128>(a ^ (b << 1 | 1)) * (b ^ 0x8EBC6AF09C88C6E3ull);
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64) ^ (a >> 3);
  }
};

struct Hash128Hasher {
  std::size_t operator()(const Hash128& hash) const noexcept { return hash.low; }
};

}  // namespace jtcy
