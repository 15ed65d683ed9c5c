#include "node/places/http_fetcher.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "protocol/assert.hpp"

namespace herd::node::places {
namespace {

// The most concurrent connections to a service. With HTTP/2, one is enough. A service that hangs must not use up the
// descriptors that clients need, so further requests wait within libcurl, and their deadlines apply.
constexpr long kMaxConnections = 64;
constexpr long kServices = 2;                                              // google and google-legacy
constexpr std::chrono::milliseconds kLongestWait = std::chrono::hours(1);  // libcurl has no wait without a limit

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeHeaders {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// Setting an option fails only if the library is older than its header.
template <typename Value>
void set(CURL* easy, CURLoption option, Value value) {
  const CURLcode result = curl_easy_setopt(easy, option, value);
  HERD_ASSERT(result == CURLE_OK);
}

// Rounded up, so that the deadline has passed at the end.
std::chrono::milliseconds until(protocol::Nanoseconds deadline, protocol::Nanoseconds now) {
  return std::chrono::ceil<std::chrono::milliseconds>(deadline - now);
}

}  // namespace

struct HttpFetcher::Transfer {
  Done done;
  std::unique_ptr<CURL, FreeEasy> easy;
  std::unique_ptr<curl_slist, FreeHeaders> headers;
  std::string url;
  std::string request_body;
  std::string body;
  std::size_t header_bytes = 0;
  bool too_long = false;
  Transfers::iterator self;

  [[nodiscard]] bool fits(std::size_t more) {
    too_long = too_long || body.size() + header_bytes + more > kMaxReplyBytes;
    return !too_long;
  }
};

void init_http() {
  const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  HERD_ASSERT(result == CURLE_OK);
}

HttpFetcher::HttpFetcher() : multi_(curl_multi_init()) {
  HERD_ASSERT(multi_ != nullptr);
  curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, kMaxConnections);
  // All of them stay open for the next requests: a new connection with TLS costs three round trips.
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kServices * kMaxConnections);
}

HttpFetcher::~HttpFetcher() {
  for (const auto& [deadline, transfer] : transfers_) curl_multi_remove_handle(multi_, transfer->easy.get());
  transfers_.clear();
  curl_multi_cleanup(multi_);
}

void HttpFetcher::fetch(const ProviderUrl& url, const HttpRequest& request, const protocol::Now& now,
                        protocol::Nanoseconds deadline, Done done) {
  const auto added = transfers_.emplace(deadline, std::make_unique<Transfer>());
  Transfer& transfer = *added->second;
  transfer.done = std::move(done);
  transfer.self = added;
  transfer.easy.reset(curl_easy_init());
  HERD_ASSERT(transfer.easy);
  set_options(transfer, url, request, std::max<long>(until(deadline, now.steady).count(), 1));  // 0: no timeout
  const CURLMcode code = curl_multi_add_handle(multi_, transfer.easy.get());
  HERD_ASSERT(code == CURLM_OK);
}

void HttpFetcher::set_options(Transfer& transfer, const ProviderUrl& url, const HttpRequest& request,
                              long milliseconds) {
  CURL* const easy = transfer.easy.get();
  transfer.url = url.text + request.query;
  transfer.request_body = request.body;
  set(easy, CURLOPT_URL, transfer.url.c_str());
  // https, or http for a service of a test on this host. No other protocol, whatever the URL.
  set(easy, CURLOPT_PROTOCOLS_STR, url.encrypted ? "https" : "http");
  // Following a redirect would send the key to another host. So a redirect is an ordinary reply, which read() rejects.
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  // The defaults, made explicit: the key goes only to a host that proves to be the host of the URL, over secure TLS.
  set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  // One connection for many requests if the service speaks HTTP/2 over TLS; otherwise HTTP/1.1.
  set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  // The environment's https_proxy applies, as operators of closed networks expect: a proxy sees TLS only. Requests to a
  // loopback address bypass it, so that an unencrypted key never leaves this host.
  if (url.loopback) set(easy, CURLOPT_NOPROXY, "*");
  // Timeouts by a signal (SIGALRM) would interrupt an arbitrary thread.
  set(easy, CURLOPT_NOSIGNAL, 1L);
  // Limits the whole transfer, from the name lookup to the last byte: it covers silent and very slow servers alike.
  set(easy, CURLOPT_TIMEOUT_MS, milliseconds);
  // The same limit for the connection alone, in place of the default of 300 s.
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds);
  // A thread of libcurl that waits for a dead name server cannot be stopped. Without this option, the end of the
  // transfer waits for that thread: measured, 10 s for a timeout of 1 s.
  set(easy, CURLOPT_QUICK_EXIT, 1L);
  // These callbacks count the bytes of headers and body as they arrive. MAXFILESIZE would trust Content-Length and not
  // limit an endless body. ACCEPT_ENCODING is not set: a compressed body could expand to gigabytes.
  set(easy, CURLOPT_WRITEFUNCTION, take_body);
  set(easy, CURLOPT_WRITEDATA, &transfer);
  set(easy, CURLOPT_HEADERFUNCTION, take_header);
  set(easy, CURLOPT_HEADERDATA, &transfer);
  // ERRORBUFFER and VERBOSE are not set: their texts contain URLs, and so keys.
  set(easy, CURLOPT_USERAGENT, "herd/" HERD_VERSION);
  set(easy, CURLOPT_PRIVATE, &transfer);
  for (const std::string& header : request.headers) {
    curl_slist* const longer = curl_slist_append(transfer.headers.get(), header.c_str());
    HERD_ASSERT(longer != nullptr);
    (void)transfer.headers.release();  // it has become a part of the longer one
    transfer.headers.reset(longer);
  }
  if (transfer.headers) set(easy, CURLOPT_HTTPHEADER, transfer.headers.get());
  if (!request.body.empty()) {
    set(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(transfer.request_body.size()));
    set(easy, CURLOPT_POSTFIELDS, transfer.request_body.c_str());
  }
}

void HttpFetcher::work(const protocol::Now& now) {
  if (transfers_.empty()) return;
  int number = 0;
  curl_multi_perform(multi_, &number);
  while (const CURLMsg* message = curl_multi_info_read(multi_, &number)) {
    const CURLcode result = message->data.result;  // the message is invalid after the handle is removed
    Transfer* finished = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &finished);
    end(finished->self, result, now);
  }
  // libcurl's own timeout fires at about the same time, but not for a transfer that libcurl has not begun yet.
  while (!transfers_.empty() && now.steady >= transfers_.begin()->first) {
    end(transfers_.begin(), CURLE_OPERATION_TIMEDOUT, now);
  }
}

void HttpFetcher::wait(int descriptor, const protocol::Now& now, protocol::Nanoseconds deadline) {
  if (!transfers_.empty()) deadline = std::min(deadline, transfers_.begin()->first);
  const auto patience =
      std::clamp<protocol::Nanoseconds>(deadline - now.steady, protocol::Nanoseconds(0), kLongestWait);
  curl_waitfd other{descriptor, CURL_WAIT_POLLIN, 0};
  const CURLMcode code = curl_multi_poll(multi_, &other, 1, static_cast<int>(until(patience, {}).count()), nullptr);
  HERD_ASSERT(code == CURLM_OK);
}

void HttpFetcher::wake() {
  curl_multi_wakeup(multi_);
}

void HttpFetcher::end(Transfers::iterator transfer, CURLcode result, const protocol::Now& now) {
  const auto ended = std::move(transfer->second);
  transfers_.erase(transfer);
  curl_multi_remove_handle(multi_, ended->easy.get());
  ended->done(outcome_of(*ended, result), now);
}

HttpOutcome HttpFetcher::outcome_of(Transfer& transfer, CURLcode result) {
  HttpOutcome outcome;
  if (transfer.too_long) {
    outcome.kind = HttpOutcome::Kind::TooLong;
  } else if (result == CURLE_OPERATION_TIMEDOUT) {
    outcome.kind = HttpOutcome::Kind::TimedOut;
  } else if (result != CURLE_OK) {
    outcome.trouble = curl_easy_strerror(result);
  } else {
    long status = 0;
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
    outcome.kind = HttpOutcome::Kind::Replied;
    outcome.status = static_cast<int>(status);
    outcome.body = std::move(transfer.body);
  }
  return outcome;
}

std::size_t HttpFetcher::take_body(char* bytes, std::size_t size, std::size_t count, void* transfer) {
  auto& into = *static_cast<Transfer*>(transfer);
  if (!into.fits(size * count)) return 0;  // a short count makes libcurl end the transfer
  into.body.append(bytes, size * count);
  return size * count;
}

std::size_t HttpFetcher::take_header(char* /*bytes*/, std::size_t size, std::size_t count, void* transfer) {
  auto& into = *static_cast<Transfer*>(transfer);
  if (!into.fits(size * count)) return 0;
  into.header_bytes += size * count;
  return size * count;
}

}  // namespace herd::node::places
