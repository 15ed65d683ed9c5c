// How a web service is asked for places and how its answers are read: two pure functions, so that all of it is tested
// without a network. web_provider.hpp does the rest for every service alike.
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

// Why there are no places. The message begins with the provider's name and says what to do; it may go on with words of
// the service, of any length and with anything in them.
struct Failure {
  Status status = Status::UnknownError;
  std::string message;
};

struct HttpReply {
  int status = 0;
  std::string_view body;
};

struct WebApi {
  std::string_view name;  // as the configuration calls it; a literal
  HttpRequest (*request)(const Area& area, const ApiKey& key) = nullptr;
  tl::expected<PlaceList, Failure> (*read)(const HttpReply& reply) = nullptr;
};

}  // namespace herd::node::places
