// SpillFile: the disk tier: one unlinked file, cut into slots that are reused first fit.
#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace jtcy {

/// Slots are taken and given back in the recording thread; write and read run in the executor, in the same order.
class SpillFile {
 public:
  SpillFile();
  ~SpillFile();
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;

  /// Where the file is made the next time that there is none. Empty: JTCY_SPILL_DIR, TMPDIR or /tmp.
  void set_folder(std::string folder);

  /// Opens the file at the first call. Throws kRuntime when that fails.
  int64_t take_slot(int64_t nbytes);
  void free_slot(int64_t slot, int64_t nbytes) noexcept;
  /// Throws kFork when the slot was written by the process that this one was forked from.
  void check_slot(int64_t slot) const;

  /// Throw kRuntime: disk full, short read, and with JTCY_VERIFY a checksum that differs.
  void write(int64_t slot, const void* from, int64_t nbytes);
  void read(int64_t slot, void* to, int64_t nbytes);

  /// The bytes of a slot as memory, until unmap. `fresh`: they are about to be written, and have their room on the disk
  /// before that. Throws kRuntime like write and read.
  void* map(int64_t slot, int64_t nbytes, bool fresh);
  void unmap(int64_t slot, void* address, int64_t nbytes, bool fresh) noexcept;
  /// The pages of a mapping that were touched leave this process; what was written stays in the file.
  static void release_pages(void* address, int64_t nbytes) noexcept;

 private:
  void check_sum(int64_t slot, const void* bytes, int64_t nbytes);
  void open_file();
  void forget_parent() noexcept;
  std::string folder_in_use() const;

  std::string folder_;
  int descriptor_ = -1;
  int owner_ = 0;                    // process that opened the file
  int64_t generation_ = 0;           // counts the files; part of each slot, so that a slot of a parent's file is known
  int64_t end_ = 0;                  // bytes behind it were never used
  std::map<int64_t, int64_t> free_;  // offset → length, joined
  bool verify_ = false;
  std::mutex checksum_mutex_;
  std::map<int64_t, uint32_t> checksums_;  // slot → crc32, with JTCY_VERIFY
};

/// The common CRC-32 (polynomial 0xEDB88320 reflected), as in zlib.
uint32_t crc32(const void* bytes, int64_t nbytes) noexcept;

}  // namespace jtcy
