// Backups: whole files under their name or none, a restore that changes nothing before it is certain, and errors that
// say what to do.
#include "node/journal/backup.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/catch.hpp"
#include "tests/node/file_size_limit.hpp"
#include "tests/node/journaled.hpp"

using namespace herd::node;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void overwrite(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::size_t files_in(const fs::path& directory) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

// A node with a journal in `scratch`, and a directory for backups.
struct Backed {
  ScratchDir scratch;
  ScratchDir backups;
  fs::path file = backups.path() / "Hill.backup";
  std::uint64_t digest = 0;

  explicit Backed(int clients = 3) {
    Journaled node(scratch);
    for (int i = 0; i < clients; ++i) (void)node.accept("kiwi" + std::to_string(i), "5");
    REQUIRE(node.written());
    digest = node.replica->store().digest();
  }
  [[nodiscard]] herd::protocol::Result<BackupFigures> back_up() const {
    return make_backup({scratch.path() / "journal", file, "Hill", 1'700'000'000s});
  }
  [[nodiscard]] herd::protocol::Result<BackupFigures> restore(const fs::path& directory, bool force = false) const {
    return restore_backup({file, directory, "Smith", force, 1'700'000'001s});
  }
};

std::string error_of(const herd::protocol::Result<BackupFigures>& result) {
  return result ? "" : result.error().message;
}

}  // namespace

TEST_CASE("a backup contains all records, and is restored at another node with a new feed id") {
  const Backed from;
  const auto made = from.back_up();
  REQUIRE(made);
  CHECK(made->clients == 3);
  CHECK(made->digest == from.digest);
  CHECK(made->bytes == fs::file_size(from.file));
  CHECK(files_in(from.backups.path()) == 1);
  struct stat status {};
  REQUIRE(stat(from.file.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);

  const ScratchDir other;
  const auto restored = from.restore(other.path());
  REQUIRE(restored);
  CHECK(restored->node == "Hill");
  CHECK(restored->made == 1'700'000'000s);
  CHECK(restored->digest == from.digest);
  CHECK(restored->set_aside.empty());
  CHECK(files_in(other.path()) == 1);
  const Journaled node(other, Acknowledge::Write, 1234);
  CHECK(node.replica->self().feed_id == 1234);
  CHECK(node.replica->store().digest() == from.digest);
}

TEST_CASE("a backup of a running node contains what was acknowledged, and can be checked") {
  ScratchDir scratch;
  Journaled node(scratch);
  for (int i = 0; i < 100; ++i) (void)node.accept("kiwi" + std::to_string(i), "5");
  REQUIRE(node.written());
  const fs::path file = scratch.path() / "backup";
  REQUIRE(make_backup({scratch.path() / "journal", file, "Hill", 1s}));
  const auto checked = check_backup(file);
  REQUIRE(checked);
  CHECK(checked->clients == 100);
  CHECK(checked->node == "Hill");
  CHECK(checked->digest == node.replica->store().digest());
  const auto journal = check_backup(scratch.path() / "journal");
  REQUIRE(journal);
  CHECK(journal->clients == 100);
  CHECK_FALSE(journal->made);
}

TEST_CASE("a backup never replaces a file") {
  const Backed from;
  overwrite(from.file, "precious");
  CHECK(error_of(from.back_up()) == from.file.string() + " exists already: name a new file");
  CHECK(read(from.file) == "precious");
}

TEST_CASE("the rest of an interrupted backup is replaced by the next one") {
  const Backed from;
  overwrite(from.file.string() + ".part", "half a backup");
  REQUIRE(from.back_up());
  CHECK(files_in(from.backups.path()) == 1);
}

TEST_CASE("of two backups to one file at the same time, the second is refused and the first stays whole") {
  const Backed herd;
  const fs::path part = herd.file.string() + ".part";
  overwrite(part, "what the first has written");
  const int first = open(part.c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(first >= 0);
  REQUIRE(flock(first, LOCK_EX) == 0);
  CHECK(error_of(herd.back_up()).ends_with("another backup or restore writes it: wait until that has ended"));
  CHECK(read(part) == "what the first has written");
  close(first);
  CHECK(herd.back_up());
}

TEST_CASE("a backup that does not fit on the disk leaves no file") {
  const Backed from(2'000);
  for (const rlim_t bytes : {rlim_t{100}, rlim_t{fs::file_size(from.scratch.path() / "journal")}}) {
    const FileSizeLimit limit(bytes / 2);
    CHECK(error_of(from.back_up()) == from.file.string() + ": File too large");
  }
  CHECK(files_in(from.backups.path()) == 0);
}

TEST_CASE("a backup of a node without a journal, or into a directory that does not exist, is an error") {
  const Backed from;
  const ScratchDir empty;
  CHECK(error_of(make_backup({empty.path() / "journal", from.file, "Hill", 1s})) ==
        "the node's journal cannot be read: " + (empty.path() / "journal").string() + ": No such file or directory");
  CHECK(error_of(make_backup({from.scratch.path() / "journal", empty.path() / "no" / "file", "Hill", 1s})) ==
        (empty.path() / "no").string() + ": No such file or directory");
  CHECK(error_of(make_backup({from.scratch.path() / "journal", empty.path().string() + "/", "Hill", 1s})) ==
        empty.path().string() + "/ is a directory: name a new file in it");
  CHECK(error_of(make_backup({from.scratch.path() / "journal", empty.path(), "Hill", 1s})) ==
        empty.path().string() + " exists already: name a new file");
  CHECK(files_in(empty.path()) == 0);
}

TEST_CASE("a backup of a damaged journal is an error") {
  const Backed from;
  const fs::path journal = from.scratch.path() / "journal";
  std::string text = read(journal);
  text[20] ^= 1;  // in the head of the first frame
  overwrite(journal, text);
  CHECK(error_of(from.back_up()).find("it is damaged at byte 0") != std::string::npos);
  overwrite(journal, "");
  CHECK(error_of(from.back_up()) == journal.string() + ": it contains no journal");
  CHECK(files_in(from.backups.path()) == 0);
}

TEST_CASE("a journal is replaced only with force, and stays as journal.before-restore") {
  const Backed from;
  REQUIRE(from.back_up());
  const Backed other(5);
  const std::string before = read(other.scratch.path() / "journal");
  CHECK(error_of(from.restore(other.scratch.path())) ==
        "Smith has a journal already: add --force to set it aside as journal.before-restore and replace it");
  CHECK(read(other.scratch.path() / "journal") == before);
  const auto restored = from.restore(other.scratch.path(), true);
  REQUIRE(restored);
  CHECK(restored->set_aside == (other.scratch.path() / "journal.before-restore").string());
  CHECK(read(other.scratch.path() / "journal.before-restore") == before);
  CHECK(check_backup(other.scratch.path() / "journal")->digest == from.digest);
  REQUIRE(from.restore(other.scratch.path(), true));
  CHECK(fs::exists(other.scratch.path() / "journal.before-restore.2"));
}

TEST_CASE("an empty journal is replaced without force") {
  const Backed from;
  REQUIRE(from.back_up());
  const ScratchDir other;
  overwrite(other.path() / "journal", "");
  CHECK(from.restore(other.path()));
  CHECK(files_in(other.path()) == 1);
}

TEST_CASE("a damaged or incomplete backup is refused, wherever it is damaged, and nothing is touched") {
  const Backed from;
  REQUIRE(from.back_up());
  const std::string whole = read(from.file);
  const Backed other(5);
  const std::string before = read(other.scratch.path() / "journal");
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string text = whole;
    text[at] ^= 1;
    overwrite(from.file, text);
    REQUIRE_FALSE(from.restore(other.scratch.path(), true));
    REQUIRE_FALSE(check_backup(from.file));
  }
  for (std::size_t size = 70; size < whole.size(); ++size) {  // less is a journal without records
    overwrite(from.file, whole.substr(0, size));
    REQUIRE_FALSE(check_backup(from.file));
  }
  overwrite(from.file, whole + "more");
  CHECK(error_of(from.restore(other.scratch.path(), true)) ==
        from.file.string() + ": it is a backup, and 4 bytes after its end belong to no backup");
  overwrite(from.file, "");
  CHECK(error_of(from.restore(other.scratch.path(), true)) == from.file.string() + ": it contains no journal");
  overwrite(from.file, "HJ99" + whole.substr(4));
  CHECK(error_of(from.restore(other.scratch.path(), true)) ==
        from.file.string() +
            ": it was written by a newer release of herd, in format HJ99 (this release reads HJ02 to HJ03)");
  CHECK(read(other.scratch.path() / "journal") == before);
  CHECK(files_in(other.scratch.path()) == 1);
}

TEST_CASE("a file that is no regular file is refused at once") {
  const ScratchDir scratch;
  const fs::path fifo = scratch.path() / "fifo";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(error_of(check_backup(fifo)) == fifo.string() + ": it is no regular file");
  CHECK(error_of(check_backup(scratch.path())) == scratch.path().string() + ": it is no regular file");
}

TEST_CASE("a restore that does not fit on the disk leaves the journal as it was") {
  const Backed from(2'000);
  REQUIRE(from.back_up());
  const Backed other(5);
  const std::string before = read(other.scratch.path() / "journal");
  {
    const FileSizeLimit limit(fs::file_size(from.file) / 2);
    CHECK(error_of(from.restore(other.scratch.path(), true)) ==
          (other.scratch.path() / "journal.restoring").string() + ": File too large");
  }
  CHECK(read(other.scratch.path() / "journal") == before);
  CHECK(files_in(other.scratch.path()) == 1);
}

TEST_CASE("a copied journal with a torn tail is restored without it, in a new feed") {
  const Backed from;
  fs::copy_file(from.scratch.path() / "journal", from.file);
  std::ofstream(from.file, std::ios::app) << "HJ03torn";
  CHECK(error_of(check_backup(from.file)).find("its last write was cut off") != std::string::npos);
  const ScratchDir other;
  const auto restored = from.restore(other.path());
  REQUIRE(restored);
  CHECK(restored->clients == 3);
  CHECK(restored->node == "Smith");
  CHECK(restored->made == 1'700'000'001s);
  const Journaled node(other, Acknowledge::Write, 1234);
  CHECK(node.replica->self().feed_id == 1234);
}
