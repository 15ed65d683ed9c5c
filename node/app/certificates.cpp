#include "node/app/certificates.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <array>
#include <string>
#include <string_view>

namespace herd::node {
namespace {

struct Port {
  std::string_view name;
  std::string file;
  const TlsContext* context = nullptr;  // nullptr: the port is in plain text
};

std::array<Port, 2> ports_of(const Config& config) {
  return {{{"clients", config.clients.tls_cert.string(), config.clients.tls_context.get()},
           {"http", config.http.tls_cert.string(), config.http.tls_context.get()}}};
}

}  // namespace

void report_certificates(const Config& config, protocol::Nanoseconds wall) {
  for (const Port& port : ports_of(config)) {
    if (port.context == nullptr) continue;
    spdlog::info("event=tls_certificate file={} expires={} port={}", port.file, utc_text(port.context->expires()),
                 port.name);
    if (const auto why = port.context->invalid_at(wall)) {
      spdlog::warn("event=tls_certificate_not_valid file={} port={} reason=\"it {}: clients refuse it, renew it\"",
                   port.file, port.name, *why);
    }
  }
}

protocol::Result<void> check_certificates(const Config& fresh, protocol::Nanoseconds wall) {
  for (const Port& port : ports_of(fresh)) {
    const auto why = port.context == nullptr ? std::nullopt : port.context->invalid_at(wall);
    if (why) return protocol::fail(fmt::format("`tls_cert` is {}, which {}: renew it", port.file, *why));
  }
  return {};
}

}  // namespace herd::node
