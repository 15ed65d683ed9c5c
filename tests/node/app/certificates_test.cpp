#include "node/app/certificates.hpp"

#include <chrono>
#include <memory>
#include <string>

#include "tests/catch.hpp"
#include "tests/node/captured_log.hpp"
#include "tests/node/scratch_dir.hpp"
#include "tests/node/test_certificate.hpp"

using namespace herd::node;
using namespace std::chrono_literals;

namespace {

std::shared_ptr<const TlsContext> load(const TlsFiles& files) {
  return std::make_shared<const TlsContext>(TlsContext::load(files, TlsVersion::Tls12).value());
}

Config with_tls(const TlsFiles& clients, const TlsFiles& http) {
  Config config;
  config.clients.tls_cert = clients.certificate;
  config.clients.tls_context = load(clients);
  config.http.tls_cert = http.certificate;
  config.http.tls_context = load(http);
  return config;
}

const herd::protocol::Nanoseconds kNow = std::chrono::system_clock::now().time_since_epoch();

}  // namespace

TEST_CASE("ports in plain text have no certificate to report or to refuse") {
  CapturedLog log;
  report_certificates({}, kNow);
  CHECK(check_certificates({}, kNow));
  CHECK(log.count("event=tls_certificate") == 0);
}

TEST_CASE("each port's certificate is logged with its end") {
  const ScratchDir scratch;
  const auto files = write_certificate(scratch.path());
  CapturedLog log;
  const Config config = with_tls(files, files);
  CHECK(check_certificates(config, kNow));
  report_certificates(config, kNow);
  CHECK(log.count("info event=tls_certificate file=" + files.certificate.string() + " expires=20") == 2);
  CHECK(log.count("port=clients") == 1);
  CHECK(log.count("port=http") == 1);
  CHECK(log.count("warning") == 0);
}

TEST_CASE("a node starts with an expired certificate and warns, but a reload refuses it") {
  const ScratchDir scratch;
  const auto good = write_certificate(scratch.path());
  const auto expired = write_certificate(scratch.path(), {.name = "old", .begins = -48h, .expires = -24h});
  const std::string port = GENERATE(as<std::string>{}, "clients", "http");
  const auto config = port == "http" ? with_tls(good, expired) : with_tls(expired, good);
  CapturedLog log;
  report_certificates(config, kNow);
  CHECK(log.count("warning event=tls_certificate_not_valid file=" + expired.certificate.string() + " port=" + port +
                  " reason=\"it expired at ") == 1);
  const auto reloaded = check_certificates(config, kNow);
  REQUIRE_FALSE(reloaded);
  CHECK(reloaded.error().message.starts_with("`tls_cert` is " + expired.certificate.string() + ", which expired at "));
}
