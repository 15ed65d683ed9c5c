#include "node/places/provider_url.hpp"

#include "node/config/config.hpp"
#include "tests/catch.hpp"

using namespace herd::node::places;

TEST_CASE("the URL of a service is https, or http with a loopback address") {
  for (const auto* text : {"https://places.example/v1/places:searchNearby", "https://places.example", "https://[::1]/x",
                           "https://places.example:8443/x", "http://127.0.0.1:15000/x", "http://localhost/x",
                           "http://[::1]:15000/x", "http://127.9.9.9/x"}) {
    INFO(text);
    const auto url = parse_provider_url(text);
    REQUIRE(url);
    CHECK(url->text == text);
    CHECK(url->encrypted == std::string_view(text).starts_with("https"));
  }
  CHECK(parse_provider_url("https://127.0.0.1/x")->loopback);
  CHECK_FALSE(parse_provider_url("https://places.example/x")->loopback);
}

TEST_CASE("the default URLs are valid") {
  const herd::node::PlacesConfig defaults;
  CHECK(parse_provider_url(defaults.google_url)->encrypted);
  CHECK(parse_provider_url(defaults.google_legacy_url)->encrypted);
}

TEST_CASE("a URL that would send the key elsewhere or unencrypted is refused") {
  for (const auto* text :
       {"", "places.example", "ftp://127.0.0.1/", "file:///etc/passwd", "HTTPS://places.example/",
        "http://places.example/", "http://10.0.0.1/", "http://127.0.0.1.example/", "http://127.0.0.1@places.example/",
        "https://", "https:///x", "https://places.example:0/", "https://places.example:x/",
        "https://places.example/?key=1", "https://a b/", "https://places.example/#x", "https://places.example/\n",
        "http://127.0.0.1\\@places.example/"}) {
    INFO(text);
    CHECK_FALSE(parse_provider_url(text));
  }
}
