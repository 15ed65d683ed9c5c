#include "node/places/worker.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <unordered_map>
#include <utility>
#include <zmq.hpp>

#include "node/places/chain.hpp"
#include "node/places/messages.hpp"

namespace herd::node::places {
namespace {

constexpr std::string_view kStop = "STOP";
constexpr zmq::send_flags kMore = zmq::send_flags::sndmore | zmq::send_flags::dontwait;
constexpr int kStartMilliseconds = 10'000;  // for opening two sockets and binding one, on the slowest machine
constexpr int kQueriesPerIteration = 64;    // then the worker polls the providers and sends answers
constexpr std::size_t kAnswersAMessage = 64;

protocol::Now now() {
  return {std::chrono::steady_clock::now().time_since_epoch(), std::chrono::system_clock::now().time_since_epoch()};
}

// The milliseconds until the deadline, rounded up so that it has passed when the wait ends; -1: no limit.
std::chrono::milliseconds wait_until(std::optional<protocol::Nanoseconds> deadline) {
  if (!deadline) {
    return std::chrono::milliseconds{-1};
  }
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(*deadline - now().steady), std::chrono::milliseconds{0});
}

std::optional<protocol::Nanoseconds> earlier(std::optional<protocol::Nanoseconds> one,
                                             std::optional<protocol::Nanoseconds> other) {
  return one && other ? std::min(*one, *other) : one ? one : other;
}

// Decides when the figures of the providers are sent to the loop, and holds the figures sent last.
class FiguresReport {
 public:
  void note_change() { is_changed_ = true; }

  // Returns the figures to send now, or nullptr. A change of a provider's state is sent at once, and so are the first
  // figures.
  [[nodiscard]] const FiguresMessage* take(const Providers& providers, protocol::Nanoseconds steady) {
    const bool changed =
        !std::equal(providers.begin(), providers.end(), sent_.begin(), sent_.end(),
                    [](const auto& provider, const Figures& sent) { return provider->figures().state == sent.state; });
    if (!changed && !(is_changed_ && steady >= sent_at_ + kFiguresInterval)) {
      return nullptr;
    }
    sent_.clear();
    for (const auto& provider : providers) {
      sent_.push_back(provider->figures());
    }
    is_changed_ = false;
    sent_at_ = steady;
    return &sent_;
  }

  [[nodiscard]] std::optional<protocol::Nanoseconds> next_deadline() const {
    return is_changed_ ? std::optional(sent_at_ + kFiguresInterval) : std::nullopt;
  }

 private:
  bool is_changed_ = false;  // since the last report
  protocol::Nanoseconds sent_at_{};
  FiguresMessage sent_;
};

// The state of the worker's thread. It is on the thread's stack, from its beginning to its end.
class ThreadState {
 public:
  ThreadState(zmq::context_t& context, const std::string& control_endpoint)
      : admin_(context, zmq::socket_type::pair), router_(context, zmq::socket_type::router) {
    admin_.set(zmq::sockopt::linger, 0);
    admin_.connect(control_endpoint);
    // An answer to a client that is gone is worthless, so it must not delay the end of the process. ROUTER_MANDATORY
    // stays off for the same reason: the socket drops such an answer, and a client that still exists has a timeout.
    router_.set(zmq::sockopt::linger, 0);
    // The most queries that a client may have in progress (Client::kMaxPending), so that the pipe never becomes full.
    router_.set(zmq::sockopt::rcvhwm, static_cast<int>(Chain::kMaxLookups));
    router_.set(zmq::sockopt::sndhwm, static_cast<int>(Chain::kMaxLookups));
    router_.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(kMaxQueryMessageBytes));  // applies to ipc and tcp
  }

  // Binds the endpoint, and sends the outcome over the control socket: an empty text, or the error.
  bool bind(const std::string& endpoint) {
    std::string trouble;
    try {
      router_.bind(endpoint);
    } catch (const zmq::error_t& error) {
      trouble = fmt::format("cannot bind the places socket to {}: {}", endpoint, error.what());
    }
    admin_.send(zmq::buffer(trouble));
    return trouble.empty();
  }

  // Releases the endpoint at once. After close() alone, libzmq's thread would release it later than this thread ends.
  void unbind(const std::string& endpoint) { router_.unbind(endpoint); }

  void run(Providers providers, protocol::Nanoseconds timeout) {
    Chain chain(std::move(providers), timeout);
    while (!is_stopping()) {
      const bool more = take_queries(chain);
      while (auto result = chain.poll(now())) end(std::move(*result));
      send_answers();
      if (const FiguresMessage* figures = figures_.take(chain.providers(), now().steady)) {
        admin_.send(encode(*figures), zmq::send_flags::dontwait);
      }
      if (!more) {
        wait(chain);
      }
    }
  }

 private:
  struct Asker {
    std::string identity;  // routing id of the connection
    Ticket ticket = 0;
  };

  struct Outgoing {
    std::string identity;
    zmq::message_t bytes;
  };

  bool is_stopping() {
    zmq::message_t message;
    return admin_.recv(message, zmq::recv_flags::dontwait) && message.to_string_view() == kStop;
  }

  // Returns whether more queries may be waiting.
  bool take_queries(Chain& chain) {
    for (int taken = 0; taken < kQueriesPerIteration; ++taken) {
      zmq::message_t identity;
      if (!router_.recv(identity, zmq::recv_flags::dontwait)) {
        return false;
      }
      const auto message = receive_query();
      if (!message) {
        spdlog::warn("event=places_query_unreadable reason=\"{}\"", message.error().message);
        continue;
      }
      Asker asker{identity.to_string(), message->ticket};
      if (auto result = chain.ask(++last_lookup_, message->query, now())) {
        answer(asker, std::move(*result));
      } else {
        askers_.emplace(last_lookup_, std::move(asker));
      }
    }
    return true;
  }

  // Receives the frame after the routing id. There must be exactly one. ZeroMQ delivers all frames of a message at
  // once.
  protocol::Result<QueryMessage> receive_query() {
    zmq::message_t query;
    int frames = 0;
    do {
      (void)router_.recv(query, zmq::recv_flags::dontwait);
      ++frames;
    } while (query.more());
    return frames == 1 ? decode_query(query.to_string_view()) : protocol::fail("a places query is not one frame");
  }

  void end(LookupResult result) {
    if (const auto asker = askers_.extract(result.lookup)) {
      answer(asker.mapped(), std::move(result));
    }
  }

  void answer(const Asker& asker, LookupResult result) {
    figures_.note_change();
    if (result.document.size() > kMaxDocumentBytes) {
      result.status = Status::UnknownError;
      result.document = empty_document(result.status, "the places provider's answer is too long: ask for fewer");
    }
    answers_.push_back({asker.identity, encode(AnswerMessage{asker.ticket, result.status, result.document}, buffers_)});
    if (answers_.size() == kAnswersAMessage) send_answers();
  }

  // Sends consecutive answers to one client in one message, a frame each, so that the client is woken once.
  void send_answers() {
    const auto same_asker = [this](std::size_t one, std::size_t other) {
      return other < answers_.size() && answers_[one].identity == answers_[other].identity;
    };
    for (std::size_t i = 0; i < answers_.size(); ++i) {
      if (i == 0 || !same_asker(i, i - 1)) {
        router_.send(zmq::buffer(answers_[i].identity), kMore);
      }
      router_.send(answers_[i].bytes, same_asker(i, i + 1) ? kMore : zmq::send_flags::dontwait);
    }
    answers_.clear();
  }

  void wait(const Chain& chain) {
    std::vector<zmq_pollitem_t> items{{admin_.handle(), 0, ZMQ_POLLIN, 0}, {router_.handle(), 0, ZMQ_POLLIN, 0}};
    chain.add_descriptors(items);
    zmq::poll(items, wait_until(earlier(chain.next_deadline(), figures_.next_deadline())));
  }

  zmq::socket_t admin_;
  zmq::socket_t router_;
  std::unordered_map<LookupId, Asker> askers_;
  LookupId last_lookup_ = 0;
  std::vector<Outgoing> answers_;
  MessageBuffers buffers_;
  FiguresReport figures_;
};

// The loop's thread handles signals. Here they would only interrupt a wait.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

void run_thread(zmq::context_t& context, const std::string& control_endpoint, const Worker::Options& options) {
  block_signals();
  try {
    ThreadState state(context, control_endpoint);
    if (state.bind(options.endpoint)) {
      state.run(options.make_providers(), options.timeout);
      state.unbind(options.endpoint);
    }
  } catch (const zmq::error_t& error) {
    if (error.num() != ETERM) {  // ETERM: the context has ended, and so must this thread
      spdlog::error("event=places_worker_ended reason=\"{}\"", error.what());
    }
  }
}

// Receives one message; a signal does not interrupt it. A thread that cannot open its sockets sends none: then the
// receive times out.
std::string receive_text(zmq::socket_t& socket) {
  zmq::message_t message;
  for (;;) {
    try {
      return socket.recv(message) ? message.to_string() : "the places worker did not start: see the log";
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) {
        throw;
      }
    }
  }
}

}  // namespace

Worker::Worker(zmq::context_t& context) : admin_(context, zmq::socket_type::pair) {
  admin_.set(zmq::sockopt::linger, 0);  // the thread is joined before the socket closes, so no message is needed then
  admin_.set(zmq::sockopt::rcvtimeo, kStartMilliseconds);
}

protocol::Result<std::unique_ptr<Worker>> Worker::start(zmq::context_t& context, Options options) {
  try {
    std::unique_ptr<Worker> worker(new Worker(context));  // its constructor is private
    const std::string control = fmt::format("inproc://places-control-{}", fmt::ptr(worker.get()));
    worker->admin_.bind(control);
    worker->thread_ = std::thread(run_thread, std::ref(context), control, std::move(options));
    const std::string trouble = receive_text(worker->admin_);
    return trouble.empty() ? protocol::Result<std::unique_ptr<Worker>>(std::move(worker)) : protocol::fail(trouble);
  } catch (const zmq::error_t& error) {
    return protocol::fail(fmt::format("cannot start the places worker: {}", error.what()));
  }
}

std::optional<FiguresMessage> Worker::poll_figures() {
  try {
    zmq::message_t message;
    while (admin_.recv(message, zmq::recv_flags::dontwait)) {
      if (auto figures = decode_figures(message.to_string_view())) {
        return std::move(*figures);
      }
    }
  } catch (const zmq::error_t& error) {
    if (error.num() == EINTR) {
      return poll_figures();
    }
  }  // otherwise the context is ending
  return std::nullopt;
}

int Worker::fd() const {
  return admin_.get(zmq::sockopt::fd);
}

Worker::~Worker() {
  stop();
}

void Worker::stop() {
  if (!thread_.joinable()) {
    return;
  }
  try {
    admin_.send(zmq::buffer(kStop), zmq::send_flags::dontwait);
  } catch (const zmq::error_t&) {  // the context has ended, which ends the thread as well
  }
  thread_.join();
}

}  // namespace herd::node::places
