// Runs a fuzz target on every file of a corpus, so that every ordinary test run checks all faults that were found
// before. Usage: <target>_replay DIRECTORY. Fails if the directory has no file, so a missing corpus is noticed.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void replay(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(in), {});
  std::printf("%s, %zu bytes\n", file.filename().c_str(), bytes.size());
  std::fflush(stdout);  // if the target aborts, the last name is the input that caused it
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 || !std::filesystem::is_directory(argv[1])) {
    std::fprintf(stderr, "usage: %s CORPUS_DIRECTORY\n", argv[0]);
    return 2;
  }
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    if (entry.is_regular_file()) {
      replay(entry.path());
      ++files;
    }
  }
  if (files == 0) {
    std::fprintf(stderr, "%s contains no files: is it a corpus directory?\n", argv[1]);
    return 1;
  }
  return 0;
}
