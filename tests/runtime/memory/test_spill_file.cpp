// SpillFile: slots, contents, checksums, full disks, short reads, folders that are not there, forks.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include "check.h"
#include "memory/spill_file.h"

namespace {

using namespace jtcy;

constexpr int64_t kArea = 16384;  // slots are made of them

/// The newest descriptor of this process that is an unlinked regular file.
int spill_descriptor() {
  int found = -1;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    const std::string target = std::filesystem::read_symlink(entry, error).string();
    if (target.find("(deleted)") != std::string::npos) found = std::max(found, std::stoi(entry.path().filename()));
  }
  return found;
}

void test_crc32_is_the_common_one() {
  CHECK_EQ(crc32("123456789", 9), 0xCBF43926u);  // the check value of the CRC catalogue
  CHECK_EQ(crc32("", 0), 0u);
}

void test_slots_are_reused_first_fit_and_joined() {
  SpillFile file;
  const int64_t a = file.take_slot(kArea), b = file.take_slot(2 * kArea), c = file.take_slot(1),
                d = file.take_slot(kArea);
  CHECK_EQ(b - a, kArea);
  CHECK_EQ(c - b, 2 * kArea);
  CHECK_EQ(d - c, kArea);

  file.free_slot(a, kArea);
  file.free_slot(c, 1);
  CHECK_EQ(file.take_slot(2 * kArea), d + kArea);  // neither hole is large enough
  file.free_slot(b, 2 * kArea);
  CHECK_EQ(file.take_slot(4 * kArea), a);  // all three were joined
}

void test_nothing_is_left_in_the_folder() {
  const std::filesystem::path folder = std::filesystem::current_path() / "spill";
  std::filesystem::create_directory(folder);
  SpillFile file;
  file.set_folder(folder.string());
  const char text[] = "bytes";

  file.write(file.take_slot(5), text, 5);

  CHECK(std::filesystem::is_empty(folder));
}

void test_contents_come_back() {
  SpillFile file;
  std::vector<std::vector<char>> contents;
  std::vector<int64_t> slots;
  for (int i = 0; i < 20; ++i) {
    contents.emplace_back(static_cast<std::size_t>(i * 1777), static_cast<char>(i));
    slots.push_back(file.take_slot(i * 1777));
    file.write(slots.back(), contents.back().data(), i * 1777);
  }
  for (int i = 19; i >= 0; --i) {
    std::vector<char> back(static_cast<std::size_t>(i * 1777), 'x');
    file.read(slots[static_cast<std::size_t>(i)], back.data(), i * 1777);
    CHECK(back == contents[static_cast<std::size_t>(i)]);
  }
}

void test_changed_bytes_are_noticed_when_verifying() {
  setenv("JTCY_VERIFY", "1", 1);
  SpillFile file;
  std::vector<char> bytes(1000, 'a');
  const int64_t slot = file.take_slot(1000);
  file.write(slot, bytes.data(), 1000);

  CHECK_EQ(pwrite(spill_descriptor(), "b", 1, 500), ssize_t{1});

  CHECK_ERROR(ErrorKind::kRuntime, "came back from disk changed", file.read(slot, bytes.data(), 1000));
}

void test_short_read_says_so() {
  SpillFile file;
  std::vector<char> bytes(10000, 'a');
  const int64_t slot = file.take_slot(10000);
  file.write(slot, bytes.data(), 10000);

  CHECK_EQ(ftruncate(spill_descriptor(), 6000), 0);

  CHECK_ERROR(ErrorKind::kRuntime, "10000 bytes could not be read back, the file ends 4000 bytes early",
              file.read(slot, bytes.data(), 10000));
}

void test_full_disk_says_so() {
  // /dev/full answers every write with ENOSPC: put in place of the file.
  SpillFile file;
  std::vector<char> bytes(10000, 'a');
  const int64_t slot = file.take_slot(10000);
  const int full = open("/dev/full", O_RDWR);
  CHECK(full >= 0);
  CHECK(dup2(full, spill_descriptor()) >= 0);

  CHECK_ERROR(ErrorKind::kRuntime, "spill: 10000 bytes could not be written, the disk is full",
              file.write(slot, bytes.data(), 10000));
  close(full);
}

void test_a_mapping_reads_and_writes_the_slot() {
  SpillFile file;
  const std::vector<char> bytes(10000, 'a');
  const int64_t written = file.take_slot(10000), fresh = file.take_slot(10000);
  file.write(written, bytes.data(), 10000);

  auto* const from = static_cast<char*>(file.map(written, 10000, false));
  auto* const to = static_cast<char*>(file.map(fresh, 10000, true));
  for (int i = 0; i < 10000; ++i) to[i] = static_cast<char>(from[i] + i % 20);
  SpillFile::release_pages(to, 10000);
  CHECK_EQ(to[19], 'a' + 19);  // what was released comes back
  file.unmap(written, from, 10000, false);
  file.unmap(fresh, to, 10000, true);

  std::vector<char> back(10000);
  file.read(fresh, back.data(), 10000);
  bool right = true;
  for (int i = 0; i < 10000; ++i) right &= back[static_cast<std::size_t>(i)] == 'a' + i % 20;
  CHECK(right);
}

void test_mappings_are_verified() {
  setenv("JTCY_VERIFY", "1", 1);
  SpillFile file;
  unsetenv("JTCY_VERIFY");
  const int64_t slot = file.take_slot(10000);
  void* const to = file.map(slot, 10000, true);
  std::memset(to, 'a', 10000);
  file.unmap(slot, to, 10000, true);
  void* const from = file.map(slot, 10000, false);
  file.unmap(slot, from, 10000, false);

  CHECK_EQ(pwrite(spill_descriptor(), "b", 1, 5000), ssize_t{1});
  CHECK_ERROR(ErrorKind::kRuntime, "came back from disk changed", file.map(slot, 10000, false));
}

void test_a_mapping_without_room_on_the_disk_says_so() {
  SpillFile file;
  const int64_t slot = file.take_slot(10000);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{4096, before.rlim_max};
  std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  CHECK_ERROR(ErrorKind::kRuntime, "spill: 10000 bytes could not be written, File too large",
              file.map(slot, 10000, true));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, SIG_DFL);
}

void test_missing_folder_is_named() {
  SpillFile file;
  file.set_folder("/nowhere/at/all");
  CHECK_ERROR(ErrorKind::kRuntime, "spill: no file can be made in /nowhere/at/all, No such file", file.take_slot(1));
  file.set_folder("");
  CHECK(file.take_slot(1) >= 0);
}

void test_forked_child_may_not_read_the_parents_slots_but_has_its_own() {
  SpillFile file;
  const int64_t slot = file.take_slot(100);
  const pid_t child = fork();
  if (child == 0) {
    CHECK_ERROR(ErrorKind::kFork, "forked", file.check_slot(slot));
    const int64_t own = file.take_slot(100);
    file.check_slot(own);
    CHECK_ERROR(ErrorKind::kFork, "forked", file.check_slot(slot));
    file.free_slot(slot, 100);
    CHECK(file.take_slot(100) != own);
    _exit(check::failures == 0 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK_EQ(status, 0);
  file.check_slot(slot);
}

}  // namespace

int main() {
  return check::run_all({
      TEST(test_crc32_is_the_common_one),
      TEST(test_slots_are_reused_first_fit_and_joined),
      TEST(test_nothing_is_left_in_the_folder),
      TEST(test_contents_come_back),
      TEST(test_changed_bytes_are_noticed_when_verifying),
      TEST(test_short_read_says_so),
      TEST(test_full_disk_says_so),
      TEST(test_a_mapping_reads_and_writes_the_slot),
      TEST(test_mappings_are_verified),
      TEST(test_a_mapping_without_room_on_the_disk_says_so),
      TEST(test_missing_folder_is_named),
      TEST(test_forked_child_may_not_read_the_parents_slots_but_has_its_own),
  });
}
