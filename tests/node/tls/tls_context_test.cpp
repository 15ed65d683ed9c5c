#include "node/tls/tls_context.hpp"

#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/catch.hpp"
#include "tests/node/scratch_dir.hpp"
#include "tests/node/test_certificate.hpp"

using namespace herd::node;
using namespace std::chrono_literals;
using File = TlsFault::File;

namespace {

std::string content_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void append(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file, std::ios::app) << text;
}

TlsFault fault_of(const TlsFiles& files) {
  const auto context = TlsContext::load(files, TlsVersion::Tls12);
  REQUIRE_FALSE(context);
  return context.error();
}

herd::protocol::Nanoseconds now() {
  return std::chrono::system_clock::now().time_since_epoch();
}

}  // namespace

TEST_CASE("a certificate and its key are loaded, with the time at which the certificate expires") {
  const ScratchDir scratch;
  const auto context = TlsContext::load(write_certificate(scratch.path()), TlsVersion::Tls12);
  REQUIRE(context);
  CHECK(context->get() != nullptr);
  const auto left = std::chrono::seconds(context->expires()) - now();
  CHECK(left > 23h);
  CHECK(left <= 24h);
  CHECK(context->invalid_at(now()) == std::nullopt);
}

TEST_CASE("a certificate is not valid before its begin and after its end") {
  const auto context = make_test_context();
  const auto end = std::chrono::seconds(context->expires());
  CHECK(context->invalid_at(end) == std::nullopt);
  CHECK(context->invalid_at(end + 1s) == "expired at " + utc_text(context->expires()));
  const auto begin = end - 25h;
  CHECK(context->invalid_at(begin) == std::nullopt);
  CHECK(context->invalid_at(begin - 1s) == "is not valid before " + utc_text(begin.count()));
}

TEST_CASE("a time is written as UTC") {
  CHECK(utc_text(0) == "1970-01-01T00:00:00Z");
  CHECK(utc_text(1'520'023'934) == "2018-03-02T20:52:14Z");
}

TEST_CASE("a file that cannot be read is named with the reason") {
  const ScratchDir scratch;
  const TlsFiles files = write_certificate(scratch.path());
  const auto none = scratch.path() / "none";
  CHECK(fault_of({none, files.key}).text == "cannot be read (No such file or directory)");
  CHECK(fault_of({none, files.key}).file == File::Certificate);
  CHECK(fault_of({files.certificate, none}).text == "cannot be read (No such file or directory)");
  CHECK(fault_of({files.certificate, none}).file == File::Key);
  CHECK(fault_of({scratch.path(), files.key}).text == "is not a regular file");
}

TEST_CASE("a key file may be read by its owner and its group, and written by its owner") {
  const ScratchDir scratch;
  const TlsFiles files = write_certificate(scratch.path());
  for (const mode_t mode : {0400U, 0440U, 0600U, 0640U}) {
    REQUIRE(chmod(files.key.c_str(), mode) == 0);
    CHECK(TlsContext::load(files, TlsVersion::Tls12));
  }
  for (const mode_t mode : {0644U, 0660U, 0604U, 0601U}) {
    REQUIRE(chmod(files.key.c_str(), mode) == 0);
    const TlsFault fault = fault_of(files);
    CHECK(fault.file == File::Key);
    CHECK(fault.text.starts_with("may be used by others (mode 06"));
    CHECK(fault.text.ends_with("chmod 640 it"));
  }
}

TEST_CASE("a key of another certificate is a fault of the key") {
  const ScratchDir scratch;
  const TlsFiles one = write_certificate(scratch.path(), {.name = "one"});
  const TlsFiles other = write_certificate(scratch.path(), {.name = "other"});
  const TlsFault fault = fault_of({one.certificate, other.key});
  CHECK(fault.file == File::Key);
  CHECK(fault.text.starts_with("does not belong to the first certificate of `tls_cert`"));
}

TEST_CASE("files without PEM, half-written ones and swapped ones are faults") {
  const ScratchDir scratch;
  const TlsFiles files = write_certificate(scratch.path());
  const auto text = scratch.write("no PEM\n", "text");
  chmod(text.c_str(), 0600);
  CHECK(fault_of({text, files.key}).text == "contains no certificate in PEM form");
  CHECK(fault_of({files.key, files.key}).text == "contains no certificate in PEM form");
  CHECK(fault_of({files.certificate, text}).text.starts_with("contains no private key in PEM form"));

  const std::string certificate = content_of(files.certificate);
  const auto half = scratch.write(certificate.substr(0, certificate.size() / 2), "half");
  CHECK(fault_of({half, files.key}).text.starts_with("has a certificate, number 1, that cannot be read ("));
  const auto second = scratch.write(certificate + certificate.substr(0, certificate.size() / 2), "second");
  CHECK(fault_of({second, files.key}).text.starts_with("has a certificate, number 2, that cannot be read ("));
  const std::string key = content_of(files.key);
  const auto half_key = scratch.write(key.substr(0, key.size() / 2), "half.key");
  chmod(half_key.c_str(), 0600);
  CHECK(fault_of({files.certificate, half_key}).file == File::Key);
  const auto huge = scratch.write(std::string((1 << 20) + 1, '\n'), "huge");
  CHECK(fault_of({huge, files.key}).text.starts_with("is longer than 1 MiB"));
}

TEST_CASE("a chain of several certificates and text around them are accepted") {
  const ScratchDir scratch;
  const TlsFiles files = write_certificate(scratch.path());
  const TlsFiles issuer = write_certificate(scratch.path(), {.name = "issuer"});
  append(files.certificate, "the issuer:\n" + content_of(issuer.certificate));
  CHECK(TlsContext::load(files, TlsVersion::Tls13));
}

TEST_CASE("a key with a passphrase is a fault, and nothing asks for the passphrase") {
  const ScratchDir scratch;
  const TlsFiles files = write_certificate(scratch.path());
  std::FILE* reads = std::fopen(files.key.c_str(), "r");
  REQUIRE(reads != nullptr);
  EVP_PKEY* key = PEM_read_PrivateKey(reads, nullptr, nullptr, nullptr);
  std::fclose(reads);
  std::FILE* writes = std::fopen(files.key.c_str(), "w");
  std::string phrase = "secret";
  CHECK(PEM_write_PrivateKey(writes, key, EVP_aes_256_cbc(), reinterpret_cast<unsigned char*>(phrase.data()), 6,
                             nullptr, nullptr) == 1);
  std::fclose(writes);
  EVP_PKEY_free(key);
  CHECK(fault_of(files).text.starts_with("has a passphrase: write the key without one"));
}
