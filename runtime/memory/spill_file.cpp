// The spill file: unlinked from the start, so that a killed process leaves nothing behind.
#include "memory/spill_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/error.h"
#include "base/trace.h"

namespace jtcy {

namespace {

// A slot is generation * 2**44 + offset: 16 TiB of file.
constexpr int kOffsetBits = 44;
constexpr int64_t kOffsetMask = (int64_t{1} << kOffsetBits) - 1;
// Linux moves at most 2 GiB a call; smaller pieces keep the process killable.
constexpr int64_t kPiece = int64_t{64} << 20;

// Note [Areas]
// Of a mapping that a kernel goes through in long steps (a channel of all images), only the pages that it touches may
// be resident. Linux maps more at a time: up to 64 KiB of its page cache, or a whole folio, which is what one write
// call made. It stays within an area of memory, and a folio within one is mapped by one fault. So slots, writes and
// mappings are areas of a few pages; every second one is advised otherwise than its neighbours, or they would be
// joined.
constexpr int64_t kArea = int64_t{16} << 10;
// A process may have 65,530 areas; a launch maps a dozen operands at most.
constexpr int64_t kMostAreas = 4096;

int64_t whole_areas(int64_t nbytes) noexcept { return (nbytes + kArea - 1) / kArea * kArea; }

void divide_into_areas(void* address, int64_t length) noexcept {
  const int64_t area = std::max(kArea, whole_areas(length / kMostAreas));
  auto* const begin = static_cast<char*>(address);
  for (int64_t at = area; at < length; at += 2 * area) {
    ::madvise(begin + at, static_cast<std::size_t>(std::min(area, length - at)), MADV_DONTDUMP);
  }
}

int64_t slot_length(int64_t nbytes) noexcept { return whole_areas(std::max<int64_t>(nbytes, 1)); }

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

constexpr std::array<uint32_t, 256> make_crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int k = 0; k < 8; ++k) value = (value & 1) != 0 ? 0xEDB88320u ^ (value >> 1) : value >> 1;
    table[i] = value;
  }
  return table;
}

/// O_TMPFILE where the file system has it, else made and unlinked at once.
int open_unlinked(const std::string& folder) {
  const int direct = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
  if (direct >= 0) return direct;
  std::string path = folder + "/jtcy-spill-XXXXXX";
  const int made = ::mkostemp(path.data(), O_CLOEXEC);
  if (made >= 0) ::unlink(path.c_str());
  return made;
}

}  // namespace

uint32_t crc32(const void* bytes, int64_t nbytes) noexcept {
  static constexpr std::array<uint32_t, 256> table = make_crc_table();
  uint32_t value = 0xFFFFFFFFu;
  const auto* const data = static_cast<const unsigned char*>(bytes);
  for (int64_t i = 0; i < nbytes; ++i) value = table[(value ^ data[i]) & 0xFF] ^ (value >> 8);
  return value ^ 0xFFFFFFFFu;
}

SpillFile::SpillFile() {
  const std::string verify = environment("JTCY_VERIFY");
  verify_ = !verify.empty() && verify != "0";
}

SpillFile::~SpillFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void SpillFile::set_folder(std::string folder) { folder_ = std::move(folder); }

std::string SpillFile::folder_in_use() const {
  if (!folder_.empty()) return folder_;
  for (const char* const name : {"JTCY_SPILL_DIR", "TMPDIR"}) {
    if (std::string folder = environment(name); !folder.empty()) return folder;
  }
  return "/tmp";
}

int64_t SpillFile::take_slot(int64_t nbytes) {
  if (descriptor_ >= 0 && owner_ != ::getpid()) forget_parent();
  if (descriptor_ < 0) open_file();
  const int64_t length = slot_length(nbytes);
  const auto found =
      std::find_if(free_.begin(), free_.end(), [&](const auto& range) { return range.second >= length; });
  int64_t offset = end_;
  if (found == free_.end()) {
    JTCY_CHECK(length <= kOffsetMask - end_, ErrorKind::kRuntime, "spill: the spill file would exceed 16 TiB");
    end_ += length;
  } else {
    offset = found->first;
    const int64_t rest = found->second - length;
    free_.erase(found);
    if (rest > 0) free_.emplace(offset + length, rest);
  }
  return (generation_ << kOffsetBits) | offset;
}

void SpillFile::free_slot(int64_t slot, int64_t nbytes) noexcept {
  if (slot >> kOffsetBits != generation_) return;  // of a file that this process no longer writes
  const int64_t offset = slot & kOffsetMask;
  auto [range, inserted] = free_.emplace(offset, slot_length(nbytes));
  if (const auto next = std::next(range); next != free_.end() && range->first + range->second == next->first) {
    range->second += next->second;
    free_.erase(next);
  }
  if (range == free_.begin()) return;
  if (const auto previous = std::prev(range); previous->first + previous->second == range->first) {
    previous->second += range->second;
    free_.erase(range);
  }
}

void SpillFile::check_slot(int64_t slot) const {
  JTCY_CHECK(slot >> kOffsetBits == generation_ && owner_ == ::getpid(), ErrorKind::kFork,
             "spill: the bytes of this Var were on disk when the process was forked; only the parent may read them\n"
             "  help: read the Var before the fork, or start workers with forkserver");
}

void SpillFile::open_file() {
  const std::string folder = folder_in_use();
  descriptor_ = open_unlinked(folder);
  JTCY_CHECK(descriptor_ >= 0, ErrorKind::kRuntime, "spill: no file can be made in ", folder, ", ",
             std::strerror(errno), "\n  help: name a folder on a disk with room in JTCY_SPILL_DIR");
  owner_ = ::getpid();
  ++generation_;
  JTCY_TRACE(1, "memory", "spill_folder=", folder);
}

/// In a forked child: the parent goes on writing to its file, so this process needs one of its own.
void SpillFile::forget_parent() noexcept {
  ::close(descriptor_);
  descriptor_ = -1;
  end_ = 0;
  free_.clear();
}

void SpillFile::write(int64_t slot, const void* from, int64_t nbytes) {
  const char* at = static_cast<const char*>(from);
  int64_t offset = slot & kOffsetMask;
  for (int64_t left = nbytes; left > 0;) {
    const ssize_t count = ::pwrite(descriptor_, at, static_cast<std::size_t>(std::min(left, kArea)), offset);
    if (count < 0 && errno == EINTR) continue;
    JTCY_CHECK(count > 0, ErrorKind::kRuntime, "spill: ", nbytes, " bytes could not be written, ",
               count == 0 || errno == ENOSPC || errno == EDQUOT ? "the disk is full" : std::strerror(errno),
               "\n  help: make room, or name another folder in JTCY_SPILL_DIR, or raise the memory budget");
    at += count;
    offset += count;
    left -= count;
  }
  if (!verify_) return;
  const std::lock_guard lock(checksum_mutex_);
  checksums_[slot] = crc32(from, nbytes);
}

void SpillFile::read(int64_t slot, void* to, int64_t nbytes) {
  char* at = static_cast<char*>(to);
  int64_t offset = slot & kOffsetMask;
  for (int64_t left = nbytes; left > 0;) {
    const ssize_t count = ::pread(descriptor_, at, static_cast<std::size_t>(std::min(left, kPiece)), offset);
    if (count < 0 && errno == EINTR) continue;
    JTCY_CHECK(count > 0, ErrorKind::kRuntime, "spill: ", nbytes, " bytes could not be read back, ",
               count == 0 ? str_cat("the file ends ", left, " bytes early") : std::string(std::strerror(errno)),
               "\n  help: the disk of the spill folder may be failing; name another one in JTCY_SPILL_DIR");
    at += count;
    offset += count;
    left -= count;
  }
  if (verify_) check_sum(slot, to, nbytes);
}

void SpillFile::check_sum(int64_t slot, const void* bytes, int64_t nbytes) {
  const std::lock_guard lock(checksum_mutex_);
  const auto found = checksums_.find(slot);
  JTCY_CHECK(found != checksums_.end() && found->second == crc32(bytes, nbytes), ErrorKind::kRuntime, "spill: ", nbytes,
             " bytes came back from disk changed (crc32 differs)\n"
             "  help: the disk of the spill folder may be failing; name another one in JTCY_SPILL_DIR");
}

void* SpillFile::map(int64_t slot, int64_t nbytes, bool fresh) {
  const int64_t offset = slot & kOffsetMask;
  // A store to a page that the disk has no room for would end the process.
  const int failed = fresh ? ::posix_fallocate(descriptor_, offset, slot_length(nbytes)) : 0;
  JTCY_CHECK(failed == 0, ErrorKind::kRuntime, "spill: ", nbytes, " bytes could not be written, ",
             failed == ENOSPC || failed == EDQUOT ? "the disk is full" : std::strerror(failed),
             "\n  help: make room, or name another folder in JTCY_SPILL_DIR, or raise the memory budget");
  void* const address = ::mmap(nullptr, static_cast<std::size_t>(slot_length(nbytes)), PROT_READ | PROT_WRITE,
                               MAP_SHARED, descriptor_, offset);
  JTCY_CHECK(address != MAP_FAILED, ErrorKind::kRuntime, "spill: ", nbytes, " bytes of the file could not be mapped, ",
             std::strerror(errno), "\n  help: name another folder in JTCY_SPILL_DIR, or raise the memory budget");
  divide_into_areas(address, slot_length(nbytes));
  try {
    if (verify_ && !fresh) check_sum(slot, address, nbytes);
  } catch (...) {
    ::munmap(address, static_cast<std::size_t>(slot_length(nbytes)));
    throw;
  }
  return address;
}

void SpillFile::unmap(int64_t slot, void* address, int64_t nbytes, bool fresh) noexcept {
  if (verify_ && fresh) {
    const std::lock_guard lock(checksum_mutex_);
    checksums_[slot] = crc32(address, nbytes);
  }
  ::munmap(address, static_cast<std::size_t>(slot_length(nbytes)));
}

void SpillFile::release_pages(void* address, int64_t nbytes) noexcept {
  ::madvise(address, static_cast<std::size_t>(slot_length(nbytes)), MADV_DONTNEED);
}

}  // namespace jtcy
