// An HTTP client for web services: many concurrent requests, by libcurl's multi interface. Only wait() blocks: it waits
// for all connections and for one descriptor of the caller. http_fetcher.cpp sets the options of libcurl, each with its
// reason. Used by one thread, the places worker's, from creation to destruction, except for wake(); owns the
// connections to all services.
#pragma once

#include <curl/curl.h>
#include <cstddef>
#include <cstdint>
#include <functional>
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

// The end of a request. Its texts never contain a part of the request, so not the key either, unless the service has
// sent it back in the body.
struct HttpOutcome {
  enum class Kind : std::uint8_t { Replied, TimedOut, TooLong, Failed };
  Kind kind = Kind::Failed;
  int status = 0;            // for Replied: the HTTP status
  std::string body;          // for Replied
  std::string_view trouble;  // for Failed: libcurl's text for the error, a literal
};

// Initialises libcurl and OpenSSL. Call it once per process, before a second thread starts.
void init_http();

class HttpFetcher {
 public:
  using Done = std::function<void(const HttpOutcome&, const protocol::Now&)>;

  HttpFetcher();
  HttpFetcher(const HttpFetcher&) = delete;
  HttpFetcher& operator=(const HttpFetcher&) = delete;
  ~HttpFetcher();

  // Begins a request. work() calls `done` when it has ended, which is at `deadline` (steady time) at the latest. `done`
  // must not call this object. The destructor ends requests without calling it.
  void fetch(const ProviderUrl& url, const HttpRequest& request, const protocol::Now& now,
             protocol::Nanoseconds deadline, Done done);

  // Does all work that is possible without waiting.
  void work(const protocol::Now& now);

  // Waits until work() has something to do, `descriptor` is readable (-1: none), `deadline` (steady time) has passed,
  // or wake() is called. May return earlier.
  void wait(int descriptor, const protocol::Now& now, protocol::Nanoseconds deadline);

  // Ends the present wait(), or the next one. Any thread.
  void wake();

 private:
  struct Transfer;

  static std::size_t take_body(char* bytes, std::size_t size, std::size_t count, void* transfer);
  static std::size_t take_header(char* bytes, std::size_t size, std::size_t count, void* transfer);

  using Transfers = std::multimap<protocol::Nanoseconds, std::unique_ptr<Transfer>>;  // by deadline

  static void set_options(Transfer& transfer, const ProviderUrl& url, const HttpRequest& request, long milliseconds);
  [[nodiscard]] static HttpOutcome outcome_of(Transfer& transfer, CURLcode result);
  void end(Transfers::iterator transfer, CURLcode result, const protocol::Now& now);

  CURLM* multi_;
  Transfers transfers_;
};

}  // namespace herd::node::places
