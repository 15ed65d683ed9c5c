#include "node/places/http_fetcher.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "protocol/assert.hpp"

namespace herd::node::places {
namespace {

// The most concurrent connections to the service. With HTTP/2, one is enough. A service that hangs must not use up the
// descriptors that clients need, so further requests wait within libcurl, and their deadlines apply.
constexpr long kMaxConnections = 64;
constexpr int kEventsPerIteration = 64;

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

long milliseconds_until(protocol::Nanoseconds deadline, protocol::Nanoseconds now) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
  return std::max<long>(left, 1);  // 0 would mean no timeout
}

}  // namespace

struct HttpFetcher::Transfer {
  FetchId fetch = 0;
  std::unique_ptr<CURL, FreeEasy> easy;
  std::unique_ptr<curl_slist, FreeHeaders> headers;
  std::string url;
  std::string request_body;
  std::string body;
  std::size_t header_bytes = 0;
  bool too_long = false;
  std::multimap<protocol::Nanoseconds, FetchId>::iterator deadline;

  [[nodiscard]] bool fits(std::size_t more) {
    too_long = too_long || body.size() + header_bytes + more > kMaxReplyBytes;
    return !too_long;
  }
};

void init_http() {
  const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  HERD_ASSERT(result == CURLE_OK);
}

HttpFetcher::HttpFetcher(ProviderUrl url)
    : url_(std::move(url)), multi_(curl_multi_init()), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  HERD_ASSERT(multi_ != nullptr && epoll_ >= 0);
  // libcurl reports the sockets that it waits for, and this object watches them with an epoll of its own. So the
  // worker's zmq_poll has one descriptor for all transfers, and the cost of an iteration depends on the ready sockets
  // only.
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, socket_changed);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, timer_changed);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, kMaxConnections);
  // All of them stay open for the next requests: a new connection with TLS costs three round trips.
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kMaxConnections);
}

HttpFetcher::~HttpFetcher() {
  while (!transfers_.empty()) {
    release(transfers_.begin()->first);
  }
  curl_multi_cleanup(multi_);
  close(epoll_);
}

void HttpFetcher::fetch(FetchId fetch, const HttpRequest& request, const protocol::Now& now,
                        protocol::Nanoseconds deadline) {
  steady_ = now.steady;
  auto transfer = std::make_unique<Transfer>();
  transfer->fetch = fetch;
  transfer->easy.reset(curl_easy_init());
  HERD_ASSERT(transfer->easy);
  transfer->deadline = deadlines_.emplace(deadline, fetch);
  set_options(*transfer, request, milliseconds_until(deadline, now.steady));
  const CURLMcode added = curl_multi_add_handle(multi_, transfer->easy.get());
  HERD_ASSERT(added == CURLM_OK);
  const bool is_new = transfers_.emplace(fetch, std::move(transfer)).second;
  HERD_ASSERT(is_new);
}

void HttpFetcher::set_options(Transfer& transfer, const HttpRequest& request, long milliseconds) {
  CURL* const easy = transfer.easy.get();
  transfer.url = url_.text + request.query;
  transfer.request_body = request.body;
  set(easy, CURLOPT_URL, transfer.url.c_str());
  // https, or http for a service of a test on this host. No other protocol, whatever the URL.
  set(easy, CURLOPT_PROTOCOLS_STR, url_.encrypted ? "https" : "http");
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
  if (url_.loopback) set(easy, CURLOPT_NOPROXY, "*");
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

std::optional<HttpOutcome> HttpFetcher::poll(const protocol::Now& now) {
  steady_ = now.steady;
  if (auto finished = take_finished()) return finished;
  drive(now);
  if (auto finished = take_finished()) return finished;
  return take_late(now);
}

void HttpFetcher::drive(const protocol::Now& now) {
  int running = 0;
  std::array<epoll_event, kEventsPerIteration> events{};
  const int count = epoll_wait(epoll_, events.data(), kEventsPerIteration, 0);
  for (int i = 0; i < count; ++i) {
    const auto& event = events.at(static_cast<std::size_t>(i));
    const int ready = ((event.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                      ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                      ((event.events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
    curl_multi_socket_action(multi_, event.data.fd, ready, &running);
  }
  if (curl_timer_ && now.steady >= *curl_timer_) {
    curl_timer_.reset();
    curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
  }
}

std::optional<HttpOutcome> HttpFetcher::take_finished() {
  int left = 0;
  const CURLMsg* message = curl_multi_info_read(multi_, &left);
  if (message == nullptr) return std::nullopt;
  const CURLcode result = message->data.result;  // the message is invalid after the handle is removed
  Transfer* found = nullptr;
  curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &found);
  const auto transfer = release(found->fetch);
  HttpOutcome outcome{.fetch = transfer->fetch, .body = {}, .trouble = ""};
  if (transfer->too_long) {
    outcome.kind = HttpOutcome::Kind::TooLong;
  } else if (result == CURLE_OPERATION_TIMEDOUT) {
    outcome.kind = HttpOutcome::Kind::TimedOut;
  } else if (result != CURLE_OK) {
    outcome.trouble = curl_easy_strerror(result);
  } else {
    long status = 0;
    curl_easy_getinfo(transfer->easy.get(), CURLINFO_RESPONSE_CODE, &status);
    outcome.kind = HttpOutcome::Kind::Replied;
    outcome.status = static_cast<int>(status);
    outcome.body = std::move(transfer->body);
  }
  return outcome;
}

// Ends a transfer at its deadline. libcurl's own timeout fires at about the same time, but not for a transfer that
// libcurl has not begun yet.
std::optional<HttpOutcome> HttpFetcher::take_late(const protocol::Now& now) {
  if (deadlines_.empty() || now.steady < deadlines_.begin()->first) return std::nullopt;
  const auto transfer = release(deadlines_.begin()->second);
  return HttpOutcome{.fetch = transfer->fetch, .kind = HttpOutcome::Kind::TimedOut, .body = {}, .trouble = ""};
}

std::unique_ptr<HttpFetcher::Transfer> HttpFetcher::release(FetchId fetch) {
  auto node = transfers_.extract(fetch);
  HERD_ASSERT(!node.empty());
  curl_multi_remove_handle(multi_, node.mapped()->easy.get());
  deadlines_.erase(node.mapped()->deadline);
  return std::move(node.mapped());
}

void HttpFetcher::add_descriptors(std::vector<zmq_pollitem_t>& items) const {
  if (!transfers_.empty()) items.push_back({nullptr, epoll_, ZMQ_POLLIN, 0});
}

std::optional<protocol::Nanoseconds> HttpFetcher::next_deadline() const {
  if (deadlines_.empty()) return std::nullopt;  // without transfers, libcurl has no urgent work either
  const auto deadline = deadlines_.begin()->first;
  return curl_timer_ ? std::min(*curl_timer_, deadline) : deadline;
}

int HttpFetcher::socket_changed(CURL* /*easy*/, curl_socket_t socket, int what, void* self, void* /*known*/) {
  const int epoll = static_cast<HttpFetcher*>(self)->epoll_;
  epoll_event event{};
  event.data.fd = socket;
  event.events = ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(epoll, EPOLL_CTL_DEL, socket, nullptr);  // libcurl may have closed it already, which removed it
  } else if (epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &event) != 0) {
    // A new socket may have the number of a closed one. The kernel knows whether it is watched, so MOD is tried before
    // ADD, and no list is needed. If ADD fails for want of memory, the transfer runs into its deadline.
    epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
  }
  return 0;
}

int HttpFetcher::timer_changed(CURLM* /*multi*/, long milliseconds, void* self) {
  auto& fetcher = *static_cast<HttpFetcher*>(self);
  fetcher.curl_timer_.reset();
  if (milliseconds >= 0) fetcher.curl_timer_ = fetcher.steady_ + std::chrono::milliseconds(milliseconds);
  return 0;
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
