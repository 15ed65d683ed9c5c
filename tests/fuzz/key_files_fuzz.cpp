// The two key files of a node with any bytes: the input up to the first zero byte is NAME.secret, the rest is
// public.toml. They are refused with a line for each mistake, or the keys are valid and no secret is in a warning.
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "bus/keys/key_pair.hpp"
#include "node/config/keys.hpp"
#include "protocol/assert.hpp"
#include "protocol/name.hpp"
#include "tests/fuzz/memory_file.hpp"

using namespace herd::node;

namespace {

// A folder of keys, rewritten for each input and removed at the end of the process.
struct Folder {
  std::filesystem::path path;

  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "key-files-XXXXXX").string();
    const char* made = mkdtemp(name.data());
    HERD_ASSERT(made != nullptr);
    path = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  void write(const char* name, std::string_view text) const {
    std::ofstream file(path / name, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    const int changed = chmod((path / name).c_str(), S_IRUSR | S_IWUSR);
    HERD_ASSERT(file.good() && changed == 0);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Folder folder;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\0'), input.size());
  folder.write("Hill.secret", input.substr(0, end));
  folder.write("public.toml", input.substr(std::min(end + 1, input.size())));
  Config config;
  config.nodes.resize(2);
  config.nodes[0].name = "Hill";
  config.nodes[0].peers = {"Smith"};
  config.nodes[1].name = "Smith";
  config.bus.keys_dir = folder.path;
  const auto loaded = load_keys(config, "Hill");
  if (!loaded) {
    herd::fuzz::check_mistakes(loaded.error().message, folder.path.string() + "/");
    return 0;
  }
  HERD_ASSERT(herd::bus::public_key_of(loaded->keys.own.secret_key) == loaded->keys.own.public_key);
  for (const auto& node : loaded->keys.nodes) {
    HERD_ASSERT(herd::protocol::is_name(node.name) && !node.keys.empty() && node.keys.size() <= 2);
    HERD_ASSERT(
        std::all_of(node.keys.begin(), node.keys.end(), [](const auto& key) { return herd::bus::is_key(key); }));
  }
  for (const std::string& warning : loaded->warnings) {
    HERD_ASSERT(warning.find(loaded->keys.own.secret_key) == std::string::npos);
  }
  return 0;
}
