#include "node/app/client_tls.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace herd::node {
namespace {

using protocol::fail;
using protocol::Result;

Result<ClientTls> load(const ClientsConfig& config) {
  if (!config.tls) return ClientTls();
  auto context = TlsContext::load({config.tls_cert, config.tls_key}, config.tls_min_version);
  if (context) return std::make_shared<const TlsContext>(std::move(*context));
  const bool is_key = context.error().file == TlsFault::File::Key;
  return fail(fmt::format("`{}` is {}, which {}", is_key ? "tls_key" : "tls_cert",
                          (is_key ? config.tls_key : config.tls_cert).string(), context.error().text));
}

void report(const ClientsConfig& config, const ClientTls& context) {
  if (context) {
    spdlog::info("event=tls_certificate file={} expires={}", config.tls_cert.string(), utc_text(context->expires()));
  }
}

}  // namespace

Result<ClientTls> start_client_tls(const ClientsConfig& config, protocol::Nanoseconds wall) {
  auto context = load(config);
  if (!context || !*context) return context;
  report(config, *context);
  if (const auto why = (*context)->invalid_at(wall)) {
    spdlog::warn("event=tls_certificate_not_valid file={} reason=\"it {}: clients refuse it, renew it\"",
                 config.tls_cert.string(), *why);
  }
  return context;
}

Result<ClientTls> reload_client_tls(const ClientsConfig& config, protocol::Nanoseconds wall) {
  auto context = load(config);
  if (!context || !*context) return context;
  if (const auto why = (*context)->invalid_at(wall)) {
    return fail(fmt::format("`tls_cert` is {}, which {}: renew it", config.tls_cert.string(), *why));
  }
  report(config, *context);
  return context;
}

}  // namespace herd::node
