// The keys of TLS under [clients]: which files and versions are accepted, and what the mistakes say.
#include <sys/stat.h>

#include <string>

#include "node/config/config.hpp"
#include "node/config/options.hpp"
#include "tests/catch.hpp"
#include "tests/node/scratch_dir.hpp"
#include "tests/node/test_certificate.hpp"

using namespace herd::node;
using namespace std::chrono_literals;

namespace {

// A directory with certificates, and configurations of one node in it.
struct Configured {
  ScratchDir scratch;
  TlsFiles files = write_certificate(scratch.path());

  [[nodiscard]] std::filesystem::path write(const std::string& keys) const {
    return scratch.write("[clients]\n" + keys +
                         "\n[[node]]\nname = \"Hill\"\nclients = \"0.0.0.0:12140\"\nbus = \"tcp://127.0.0.1:12240\"\n");
  }
  [[nodiscard]] auto load(const std::string& keys) const { return load_config(write(keys)); }
  [[nodiscard]] std::string mistake(const std::string& keys) const {
    const auto file = write(keys);
    const auto config = load_config(file);
    REQUIRE_FALSE(config);
    const std::string& text = config.error().message;
    REQUIRE(text.find('\n') == std::string::npos);
    return text.substr(file.string().size() + 1);
  }
};

const std::string kOn = "tls = \"on\"\ntls_cert = \"localhost.pem\"\ntls_key = \"localhost.key\"\n";

}  // namespace

TEST_CASE(
    "with TLS the clients' port may be reached from other hosts, and the files are relative to the configuration") {
  const Configured configured;
  const auto config = configured.load(kOn);
  REQUIRE(config);
  CHECK(config->clients.tls);
  CHECK(config->clients.tls_cert == configured.files.certificate);
  CHECK(config->clients.tls_key == configured.files.key);
  CHECK(config->clients.tls_min_version == TlsVersion::Tls12);
  CHECK(configured.load(kOn + "tls_min_version = \"1.3\"")->clients.tls_min_version == TlsVersion::Tls13);
}

TEST_CASE("TLS needs both files") {
  const Configured configured;
  CHECK(configured.mistake("tls = \"on\"\ntls_key = \"localhost.key\"") ==
        "2: [clients] `tls` is \"on\", but `tls_cert` is not set: write the PEM file with the certificate and those of "
        "its issuers");
  CHECK(
      configured.mistake("tls = \"on\"\ntls_cert = \"localhost.pem\"") ==
      "2: [clients] `tls` is \"on\", but `tls_key` is not set: write the PEM file with the certificate's private key");
}

TEST_CASE("a mistake names the file of TLS that cannot be used, and why") {
  const Configured configured;
  const std::string folder = configured.scratch.path().string();
  CHECK(configured.mistake("tls = \"on\"\ntls_cert = \"none.pem\"\ntls_key = \"localhost.key\"") ==
        "3: [clients] `tls_cert` is " + folder + "/none.pem, which cannot be read (No such file or directory)");
  REQUIRE(chmod(configured.files.key.c_str(), 0644) == 0);
  CHECK(configured.mistake(kOn) == "4: [clients] `tls_key` is " + folder +
                                       "/localhost.key, which may be used by others (mode 0644): chmod 640 it");
  (void)write_certificate(configured.scratch.path(), {.name = "other"});
  CHECK(configured.mistake("tls = \"on\"\ntls_cert = \"localhost.pem\"\ntls_key = \"other.key\"")
            .starts_with("4: [clients] `tls_key` is " + folder + "/other.key, which does not belong to the first"));
}

TEST_CASE("without TLS its files are not read, and wrong words are mistakes") {
  const Configured configured;
  CHECK(configured.load("tls = \"off\"\ntls_cert = \"none.pem\"\nallow_plaintext = true"));
  CHECK(configured.mistake("tls = \"yes\"\nallow_plaintext = true") ==
        "2: [clients] `tls` is \"yes\": write one of \"off\", \"on\"");
  CHECK(configured.mistake("tls = true\nallow_plaintext = true") ==
        "2: [clients] `tls` is a boolean: write a string, \"...\"");
  CHECK(configured.mistake("tls_min_version = \"1.1\"\nallow_plaintext = true") ==
        "2: [clients] `tls_min_version` is \"1.1\" (did you mean \"1.2\"?): write one of \"1.2\", \"1.3\"");
}

TEST_CASE("the pages have files of TLS of their own, or those of the clients' port") {
  const Configured configured;
  const auto other = write_certificate(configured.scratch.path(), {.name = "other"});
  const auto own = configured.load(kOn + "[http]\ntls = \"on\"\ntls_cert = \"other.pem\"\ntls_key = \"other.key\"");
  REQUIRE(own);
  CHECK(own->http.tls);
  CHECK(own->http.tls_cert == other.certificate);
  CHECK(own->http.tls_key == other.key);
  CHECK(own->clients.tls_cert == configured.files.certificate);
  const auto shared = configured.load(kOn + "[http]\ntls = \"on\"");
  REQUIRE(shared);
  CHECK(shared->http.tls_cert == configured.files.certificate);
  CHECK(shared->http.tls_key == configured.files.key);
  CHECK_FALSE(configured.load(kOn)->http.tls);
  const std::string off = "allow_plaintext = true\ntls_cert = \"localhost.pem\"\ntls_key = \"localhost.key\"\n";
  CHECK(configured.load(off + "[http]\ntls = \"on\"")->http.tls);
  CHECK(configured.load(off + "[http]\ntls = \"off\"\ntls_cert = \"none.pem\""));
}

TEST_CASE("mistakes in the keys of TLS for the pages") {
  const Configured configured;
  const std::string open = "allow_plaintext = true\n[http]\n";
  CHECK(configured.mistake(open + "tls = \"yes\"") == "4: [http] `tls` is \"yes\": write one of \"off\", \"on\"");
  CHECK(configured.mistake(open + "tls = \"on\"\ntls_cert = \"localhost.pem\"") ==
        "4: [http] `tls` is \"on\", but `tls_key` is not set: write the PEM file with the certificate's private key");
  const auto neither = load_config(configured.write(open + "tls = \"on\""));
  REQUIRE_FALSE(neither);
  CHECK(neither.error().message.find("4: [http] `tls` is \"on\", but `tls_cert` is not set") != std::string::npos);
  CHECK(configured.mistake(open + "tls = \"on\"\ntls_cert = \"none.pem\"\ntls_key = \"localhost.key\"")
            .starts_with("5: [http] `tls_cert` is " + configured.scratch.path().string() + "/none.pem, which cannot"));
  (void)write_certificate(configured.scratch.path(), {.name = "other"});
  CHECK(
      configured.mistake(kOn + "[http]\ntls = \"on\"\ntls_cert = \"localhost.pem\"\ntls_key = \"other.key\"")
          .starts_with("8: [http] `tls_key` is " + configured.scratch.path().string() + "/other.key, which does not"));
}

TEST_CASE("limits of connections have bounds") {
  const Configured configured;
  const std::string open = "\nallow_plaintext = true";
  CHECK(configured.load("max_connections_per_address = 0" + open)->clients.max_connections_per_address == 0);
  CHECK(configured.load("max_connections_per_address = 1000000" + open));
  CHECK(configured.mistake("max_connections_per_address = 1000001" + open) ==
        "2: [clients] `max_connections_per_address` is 1000001: write a number from 0 to 1000000");
  CHECK(configured.load("first_line_timeout = \"100ms\"" + open)->clients.first_line_timeout == 100ms);
  CHECK(configured.load("first_line_timeout = \"24h\"" + open));
  CHECK(configured.mistake("first_line_timeout = \"99ms\"" + open) ==
        "2: [clients] `first_line_timeout` is 99ms: write a duration from 100ms to 24h");
}

TEST_CASE("an expired certificate is not a mistake: --check warns of it") {
  const Configured configured;
  (void)write_certificate(configured.scratch.path(), {.begins = -48h, .expires = -24h});
  const std::string file = configured.write(kOn).string();
  REQUIRE(load_config(file));
  const char* const words[] = {"herd-node", "--config", file.c_str(), "--check"};
  const Invocation checked = read_command_line({4, words});
  CHECK(checked.status == 0);
  CHECK(checked.errors.find("warning: `tls_cert` expired at 20") != std::string::npos);
}
