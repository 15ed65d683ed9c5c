// Asks web services, many at a time and without ever waiting: libcurl's multi interface behind one descriptor.
// Every option of libcurl is set in http_fetcher.cpp, each with its reason. Used by one thread, the places
// worker's, from making to destroying; owns its connections.
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

// Headers and body of an answer together. A page of 20 places with every field is some 200 kB.
inline constexpr std::size_t kMaxReplyBytes = std::size_t{2} * 1024 * 1024;

struct HttpRequest {
  std::string query;                 // appended to the URL, "?key=..."; empty: none
  std::vector<std::string> headers;  // "Name: value"
  std::string body;                  // empty: GET, else POST
};

using FetchId = std::uint64_t;

// How a request ended. No text in here ever holds a part of the request.
struct HttpOutcome {
  enum class Kind : std::uint8_t { Replied, TimedOut, TooLong, Failed };
  FetchId fetch = 0;
  Kind kind = Kind::Failed;
  int status = 0;            // Replied: of HTTP
  std::string body;          // Replied
  std::string_view trouble;  // Failed: libcurl's own words for it, a literal
};

// Once in a process, before it has a second thread: libcurl and OpenSSL set themselves up.
void init_http();

class HttpFetcher {
 public:
  // Requests go to this URL only.
  explicit HttpFetcher(ProviderUrl url);
  HttpFetcher(const HttpFetcher&) = delete;
  HttpFetcher& operator=(const HttpFetcher&) = delete;
  ~HttpFetcher();

  // Begins a request, to be over at `deadline` on the steady clock; `fetch` is not under way.
  void fetch(FetchId fetch, const HttpRequest& request, const protocol::Now& now, protocol::Nanoseconds deadline);

  // The next request that is over. Does what can be done without waiting; call until nothing comes.
  [[nodiscard]] std::optional<HttpOutcome> poll(const protocol::Now& now);

  // One descriptor stands for all connections.
  void add_descriptors(std::vector<zmq_pollitem_t>& items) const;

  // When poll() must be called even if that descriptor is not readable.
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
  protocol::Nanoseconds steady_{};                   // at the latest call
  std::optional<protocol::Nanoseconds> curl_timer_;  // when libcurl wants to be called
  std::map<FetchId, std::unique_ptr<Transfer>> transfers_;
  std::multimap<protocol::Nanoseconds, FetchId> deadlines_;
};

}  // namespace herd::node::places
