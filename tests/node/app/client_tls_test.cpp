#include "node/app/client_tls.hpp"

#include <chrono>
#include <string>

#include "tests/catch.hpp"
#include "tests/node/captured_log.hpp"
#include "tests/node/scratch_dir.hpp"
#include "tests/node/test_certificate.hpp"

using namespace herd::node;
using namespace std::chrono_literals;

namespace {

ClientsConfig with_tls(const TlsFiles& files) {
  ClientsConfig config;
  config.tls = true;
  config.tls_cert = files.certificate;
  config.tls_key = files.key;
  return config;
}

const herd::protocol::Nanoseconds kNow = std::chrono::system_clock::now().time_since_epoch();

}  // namespace

TEST_CASE("without TLS there is no context") {
  CHECK(*start_client_tls({}, kNow) == nullptr);
  CHECK(*reload_client_tls({}, kNow) == nullptr);
}

TEST_CASE("a node starts with an expired certificate and warns, but a reload refuses it") {
  const ScratchDir scratch;
  const auto config = with_tls(write_certificate(scratch.path(), {.begins = -48h, .expires = -24h}));
  CapturedLog log;
  const auto started = start_client_tls(config, kNow);
  REQUIRE(started);
  CHECK(*started != nullptr);
  CHECK(log.count("warning event=tls_certificate_not_valid file=" + config.tls_cert.string() +
                  " reason=\"it expired at ") == 1);
  const auto reloaded = reload_client_tls(config, kNow);
  REQUIRE_FALSE(reloaded);
  CHECK(reloaded.error().message.starts_with("`tls_cert` is " + config.tls_cert.string() + ", which expired at "));
}

TEST_CASE("a valid certificate is logged with its end, and a fault names the key and the file") {
  const ScratchDir scratch;
  const auto files = write_certificate(scratch.path());
  CapturedLog log;
  CHECK(start_client_tls(with_tls(files), kNow));
  CHECK(reload_client_tls(with_tls(files), kNow));
  CHECK(log.count("info event=tls_certificate file=" + files.certificate.string() + " expires=20") == 2);
  const auto broken = reload_client_tls(with_tls({files.certificate, scratch.path() / "none"}), kNow);
  REQUIRE_FALSE(broken);
  CHECK(broken.error().message.starts_with("`tls_key` is " + (scratch.path() / "none").string() + ", which cannot be"));
}
