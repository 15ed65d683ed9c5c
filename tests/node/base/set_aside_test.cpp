// Files that must not be lost get new names.
#include "node/base/set_aside.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "tests/catch.hpp"
#include "tests/node/file_size_limit.hpp"
#include "tests/node/scratch_dir.hpp"

using namespace herd::node;

namespace {

class Folder {
 public:
  const ScratchDir scratch;
  const int descriptor = open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY);

  ~Folder() { close(descriptor); }

  void write(const std::string& name, const std::string& text) const { (void)scratch.write(text, name); }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream in(scratch.path() / name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] bool has(const std::string& name) const { return std::filesystem::exists(scratch.path() / name); }
};

}  // namespace

TEST_CASE("a file is renamed to the first name that is free") {
  const Folder folder;
  folder.write("kept", "older");
  folder.write("kept.3", "another");
  folder.write("file", "this");
  CHECK(rename_aside({folder.descriptor, "file", "kept"}).value() == "kept.2");
  CHECK_FALSE(folder.has("file"));
  folder.write("file", "next");
  CHECK(rename_aside({folder.descriptor, "file", "kept"}).value() == "kept.4");
  CHECK(folder.read("kept") + folder.read("kept.2") + folder.read("kept.3") + folder.read("kept.4") ==
        "olderthisanothernext");
}

TEST_CASE("a file that is linked also keeps its name") {
  const Folder folder;
  folder.write("file", "this");
  CHECK(link_aside({folder.descriptor, "file", "kept"}).value() == "kept");
  CHECK(folder.read("file") + folder.read("kept") == "thisthis");
  CHECK(link_aside({folder.descriptor, "file", "kept"}).value() == "kept.2");
}

TEST_CASE("a directory cannot be linked and is renamed") {
  const Folder folder;
  std::filesystem::create_directory(folder.scratch.path() / "file");
  CHECK(link_aside({folder.descriptor, "file", "kept"}).value() == "kept");
  CHECK_FALSE(folder.has("file"));
}

TEST_CASE("at most 100 names of one kind are used") {
  const Folder folder;
  for (int number = 1; number <= kMostSetAside; ++number) {
    folder.write("file", std::to_string(number));
    REQUIRE(rename_aside({folder.descriptor, "file", "kept"}));
  }
  folder.write("file", "one more");
  const auto refused = GENERATE(false, true) ? link_aside({folder.descriptor, "file", "kept"})
                                             : rename_aside({folder.descriptor, "file", "kept"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message ==
        "file cannot be set aside: kept to kept.100 exist already: remove those that are not needed");
  CHECK(folder.read("file") == "one more");
  CHECK(folder.read("kept.100") == "100");
}

TEST_CASE("bytes are written to a new file completely or not at all") {
  const Folder folder;
  folder.write("kept", "older");
  CHECK(write_aside({folder.descriptor, "its end", "kept"}, "some bytes").value() == "kept.2");
  CHECK(folder.read("kept") + folder.read("kept.2") == "oldersome bytes");
  {
    const FileSizeLimit limit(4);
    CHECK_FALSE(write_aside({folder.descriptor, "its end", "kept"}, "some bytes"));
  }
  CHECK_FALSE(folder.has("kept.3"));
}

TEST_CASE("the error for a missing file contains the reason of the system") {
  const Folder folder;
  const auto refused = rename_aside({folder.descriptor, "file", "kept"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "file cannot be set aside as kept (No such file or directory)");
}
