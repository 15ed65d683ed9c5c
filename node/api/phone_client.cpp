#include "node/api/phone_client.hpp"

#include <fmt/format.h>

#include <utility>

#include "protocol/command.hpp"

namespace herd::node::api {

tl::expected<std::string, PhoneRefusal> client_of(std::string_view id, const Token* token) {
  const auto only = token != nullptr ? token->tell.only() : std::nullopt;
  if (only && !only->ends_with('*')) return std::string(*only);
  const auto refuse = [](int status, std::string reason) {
    return tl::unexpected<PhoneRefusal>(PhoneRefusal{status, std::move(reason)});
  };
  if (id.empty()) return refuse(400, "the phone names no device: set a device id in the app");
  if (!protocol::is_client_id(id)) {
    return refuse(400,
                  "the device id is longer than 255 bytes, or has a blank or a control byte: change it in the app");
  }
  if (token == nullptr || token->tell.allow(id)) return std::string(id);
  std::string prefixed = only ? std::string(only->substr(0, only->size() - 1)) + std::string(id) : std::string();
  if (protocol::is_client_id(prefixed)) return prefixed;
  return refuse(403, fmt::format("the token {} may not report this device id: change the id in the app, or `tell` of "
                                 "the token",
                                 token->name));
}

}  // namespace herd::node::api
