#include "node/places/worker.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <future>
#include <optional>
#include <stop_token>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "node/base/loop_clock.hpp"
#include "node/places/chain.hpp"
#include "node/places/messages.hpp"

namespace herd::node::places {
namespace {

constexpr zmq::send_flags kMore = zmq::send_flags::sndmore | zmq::send_flags::dontwait;
constexpr int kQueriesPerIteration = 64;  // then the worker polls the providers and sends answers
// Documents of one message, after which the next one begins. Longer messages would be memory that malloc gets from the
// kernel for each of them.
constexpr std::size_t kBatchBytes = std::size_t{64} * 1024;

// Decides when the figures of the providers are reported.
class FiguresReport {
 public:
  explicit FiguresReport(std::function<void(ProviderFigures)> report) : report_(std::move(report)) {}

  void note_change() { is_changed_ = true; }

  void update(const Providers& providers, protocol::Nanoseconds steady) {
    const bool changed =
        !std::equal(providers.begin(), providers.end(), states_.begin(), states_.end(),
                    [](const auto& provider, ProviderState state) { return provider->figures().state == state; });
    if (!changed && !(is_changed_ && steady >= reported_at_ + kFiguresInterval)) return;
    ProviderFigures figures;
    states_.clear();
    for (const auto& provider : providers) {
      figures.push_back(provider->figures());
      states_.push_back(provider->figures().state);
    }
    is_changed_ = false;
    reported_at_ = steady;
    report_(std::move(figures));
  }

  [[nodiscard]] protocol::Nanoseconds next_deadline() const {
    return is_changed_ ? reported_at_ + kFiguresInterval : protocol::Nanoseconds::max();
  }

 private:
  std::function<void(ProviderFigures)> report_;
  bool is_changed_ = false;  // since the last report
  protocol::Nanoseconds reported_at_{};
  std::vector<ProviderState> states_;  // as reported last
};

// The state of the worker's thread. It is on the thread's stack, from its beginning to its end.
class ThreadState {
 public:
  // Throws zmq::error_t if the endpoint cannot be bound.
  ThreadState(zmq::context_t& context, WorkerOptions options)
      : options_(std::move(options)), router_(context, zmq::socket_type::router), figures_(options_.report) {
    // An answer to a client that is gone is worthless, so it must not delay the end of the process. ROUTER_MANDATORY
    // stays off for the same reason: the socket drops such an answer, and a client that still exists has a timeout.
    router_.set(zmq::sockopt::linger, 0);
    // The most queries that a client may have in progress (Client::kMaxPending), so that the pipe never becomes full.
    router_.set(zmq::sockopt::rcvhwm, static_cast<int>(Chain::kMaxLookups));
    router_.set(zmq::sockopt::sndhwm, static_cast<int>(Chain::kMaxLookups));
    router_.bind(options_.endpoint);
  }

  void run(const std::stop_token& stop) {
    const std::stop_callback end_wait(stop, [this] { http_.wake(); });
    Chain chain(options_.make_providers(http_, stop), options_.timeout);
    while (!stop.stop_requested()) {
      const protocol::Now time = read_clocks();
      const bool more = take_queries(chain, time);
      http_.work(time);
      while (auto result = chain.poll(time)) end(std::move(*result));
      send_answers();
      figures_.update(chain.providers(), time.steady);
      if (!more) wait(chain);
    }
    // Releases the endpoint at once. After close() alone, libzmq's thread would release it later than this thread ends.
    router_.unbind(options_.endpoint);
  }

 private:
  struct Asker {
    std::string identity;  // routing id of the connection
    Ticket ticket = 0;
  };

  struct Answer {
    Ticket ticket = 0;
    Status status = Status::UnknownError;
    std::string document;
  };

  // Returns whether more queries may be waiting.
  bool take_queries(Chain& chain, const protocol::Now& time) {
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
      if (auto result = chain.ask(++last_lookup_, message->query, time)) {
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
    if (asker.identity != receiver_ || batch_bytes_ + result.document.size() > kBatchBytes) send_answers();
    receiver_ = asker.identity;
    batch_bytes_ += result.document.size();
    answers_.push_back({asker.ticket, result.status, std::move(result.document)});
  }

  void send_answers() {
    if (answers_.empty()) return;
    std::vector<AnswerMessage> messages;
    messages.reserve(answers_.size());
    for (const Answer& each : answers_) messages.push_back({each.ticket, each.status, each.document});
    router_.send(zmq::buffer(receiver_), kMore);
    router_.send(encode(messages), zmq::send_flags::dontwait);
    answers_.clear();
    batch_bytes_ = 0;
  }

  void wait(const Chain& chain) {
    // The descriptor signals new queries only, and sending may have consumed the signal.
    if ((router_.get(zmq::sockopt::events) & ZMQ_POLLIN) != 0) return;
    http_.wait(router_.get(zmq::sockopt::fd), read_clocks(),
               std::min(chain.next_deadline().value_or(protocol::Nanoseconds::max()), figures_.next_deadline()));
  }

  WorkerOptions options_;
  HttpFetcher http_;
  zmq::socket_t router_;
  FiguresReport figures_;
  std::unordered_map<LookupId, Asker> askers_;
  LookupId last_lookup_ = 0;
  std::string receiver_;         // routing id of the client that the answers are for
  std::vector<Answer> answers_;  // not sent yet
  std::size_t batch_bytes_ = 0;  // of their documents
};

// The loop's thread handles signals. Here they would only interrupt a wait.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

void run_thread(const std::stop_token& stop, zmq::context_t& context, WorkerOptions options,
                std::promise<protocol::Result<void>> started) {
  block_signals();
  const std::string endpoint = options.endpoint;
  std::optional<ThreadState> state;
  try {
    state.emplace(context, std::move(options));
  } catch (const zmq::error_t& error) {
    started.set_value(protocol::fail(fmt::format("cannot bind the places socket to {}: {}", endpoint, error.what())));
    return;
  }
  started.set_value({});
  try {
    state->run(stop);
  } catch (const zmq::error_t& error) {
    if (error.num() != ETERM) {  // ETERM: the context has ended, and so must this thread
      spdlog::error("event=places_worker_ended reason=\"{}\"", error.what());
    }
  }
}

}  // namespace

protocol::Result<std::jthread> start_worker(zmq::context_t& context, WorkerOptions options) {
  std::promise<protocol::Result<void>> started;
  auto outcome = started.get_future();
  std::jthread thread(run_thread, std::ref(context), std::move(options), std::move(started));
  return outcome.get().map([&thread] { return std::move(thread); });
}

}  // namespace herd::node::places
