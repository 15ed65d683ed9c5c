#include "node/tls/tls_errors.hpp"

#include <openssl/err.h>

namespace herd::node {
namespace {

class TlsCategory : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "tls"; }
  [[nodiscard]] std::string message(int value) const override {
    const char* reason = ERR_reason_error_string(static_cast<unsigned long>(value));
    return reason == nullptr ? "TLS error " + std::to_string(value) : reason;
  }
};

}  // namespace

const std::error_category& tls_category() {
  static const TlsCategory category;
  return category;
}

std::error_code take_tls_error() {
  const unsigned long first = ERR_get_error();
  ERR_clear_error();
  if (first == 0) return {ERR_PACK(ERR_LIB_SSL, 0, ERR_R_INTERNAL_ERROR), tls_category()};
  if (ERR_SYSTEM_ERROR(first)) return {ERR_GET_REASON(first), std::system_category()};
  return {static_cast<int>(first), tls_category()};
}

}  // namespace herd::node
