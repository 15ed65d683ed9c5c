// The API of a web service for places: two pure functions, one that makes a request and one that reads a reply. They
// can be tested without a network. web_provider.hpp does the rest, the same for all services.
#pragma once

#include <string>
#include <string_view>

#include "node/places/api_key.hpp"
#include "node/places/document.hpp"
#include "node/places/http_fetcher.hpp"
#include "node/places/place_list.hpp"
#include "protocol/coordinates.hpp"

namespace herd::node::places {

struct Area {
  protocol::Position center;
  int radius_m = 1;  // from 1 to 50,000
};

// Why there are no places. The message begins with the provider's name and says what to do. It may end with a text from
// the service, of any length and content, which must be redacted, cut and escaped.
struct Failure {
  Status status = Status::UnknownError;
  std::string message;
};

struct HttpReply {
  int status = 0;  // of HTTP
  std::string_view body;
};

struct WebApi {
  std::string_view name;  // the provider's name in the configuration; a literal
  HttpRequest (*request)(const Area& area, const ApiKey& key) = nullptr;  // the key must not be empty
  tl::expected<PlaceList, Failure> (*read)(const HttpReply& reply) = nullptr;
};

}  // namespace herd::node::places
