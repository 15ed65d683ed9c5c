// An HTTP client for web services: many concurrent requests, never blocking. It uses libcurl's multi interface, with
// one epoll descriptor for all sockets. http_fetcher.cpp sets the options of libcurl, each with its reason. Used by one
// thread, the places worker's, from creation to destruction; owns its connections.
#pragma once

#include <curl/curl.h>
#include <zmq.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/places/provider_url.hpp"
#include "protocol/clock.hpp"

namespace herd::node::places {

// The most bytes of headers and body of a reply together. A page of 20 places with every field has about 200 kB.
inline constexpr std::size_t kMaxReplyBytes = std::size_t{2} * 1024 * 1024;

struct HttpRequest {
  std::string query;                 // appended to the URL, "?key=..."; may be empty
  std::vector<std::string> headers;  // "Name: value"
  std::string body;                  // empty: GET, else POST
};

using FetchId = std::uint64_t;

// The end of a request. Its texts never contain a part of the request, so not the key either, unless the service has
// sent it back in the body.
struct HttpOutcome {
  enum class Kind : std::uint8_t { Replied, TimedOut, TooLong, Failed };
  FetchId fetch = 0;
  Kind kind = Kind::Failed;
  int status = 0;            // for Replied: the HTTP status
  std::string body;          // for Replied
  std::string_view trouble;  // for Failed: libcurl's text for the error, a literal
};

// Initialises libcurl and OpenSSL. Call it once per process, before a second thread starts.
void init_http();

class HttpFetcher {
 public:
  // All requests go to this URL.
  explicit HttpFetcher(ProviderUrl url);
  HttpFetcher(const HttpFetcher&) = delete;
  HttpFetcher& operator=(const HttpFetcher&) = delete;
  ~HttpFetcher();

  // Begins a request. It ends at `deadline` (steady time) at the latest. `fetch` must not be in progress.
  void fetch(FetchId fetch, const HttpRequest& request, const protocol::Now& now, protocol::Nanoseconds deadline);

  // Does all work that is possible without waiting, and returns the next finished request. Call it until it returns
  // nullopt.
  [[nodiscard]] std::optional<HttpOutcome> poll(const protocol::Now& now);

  // Adds the one descriptor to wait on for all connections; none if no request is in progress.
  void add_descriptors(std::vector<zmq_pollitem_t>& items) const;

  // The steady time at which poll() must be called even if that descriptor is not readable; nullopt: never.
  [[nodiscard]] std::optional<protocol::Nanoseconds> next_deadline() const;

 private:
  struct Transfer;

  static int socket_changed(CURL* easy, curl_socket_t socket, int what, void* self, void* known);
  static int timer_changed(CURLM* multi, long milliseconds, void* self);
  static std::size_t take_body(char* bytes, std::size_t size, std::size_t count, void* transfer);
  static std::size_t take_header(char* bytes, std::size_t size, std::size_t count, void* transfer);

  void set_options(Transfer& transfer, const HttpRequest& request, long milliseconds);
  void drive(const protocol::Now& now);
  [[nodiscard]] std::optional<HttpOutcome> take_finished();
  [[nodiscard]] std::optional<HttpOutcome> take_late(const protocol::Now& now);
  std::unique_ptr<Transfer> release(FetchId fetch);

  ProviderUrl url_;
  CURLM* multi_;
  int epoll_;
  protocol::Nanoseconds steady_{};                   // the time of the latest call
  std::optional<protocol::Nanoseconds> curl_timer_;  // when libcurl must be called
  std::map<FetchId, std::unique_ptr<Transfer>> transfers_;
  std::multimap<protocol::Nanoseconds, FetchId> deadlines_;
};

}  // namespace herd::node::places
