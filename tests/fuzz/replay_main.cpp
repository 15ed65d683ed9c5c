// Runs a fuzz target over every file of a corpus, so that each fault once found is tried by every ordinary test run.
// Usage: <target>_replay DIRECTORY. It fails where there is nothing to run: a corpus that went missing is a fault.
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
  std::fflush(stdout);  // the last name shown is the culprit if the target aborts
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
    std::fprintf(stderr, "%s holds no file\n", argv[1]);
    return 1;
  }
  return 0;
}
