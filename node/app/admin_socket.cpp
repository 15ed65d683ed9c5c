#include "node/app/admin_socket.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/read_until.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <nlohmann/json.hpp>
#include <utility>

#include "protocol/command.hpp"
#include "protocol/limits.hpp"
#include "protocol/reply.hpp"
#include "protocol/unreachable.hpp"

namespace herd::node {
namespace {

using asio::local::stream_protocol;
using protocol::fail;
using protocol::Result;
using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxSessions = 16;         // operators are few; a further connection is closed at once
constexpr std::size_t kMaxLineBytes = 1024;      // more than a command with the longest client id
constexpr std::chrono::seconds kReadTimeout{5};  // from the connection to a complete line
constexpr std::string_view kReset = "reset-client ";
constexpr std::string_view kReload = "reload";

static_assert(kReset.size() + protocol::kMaxClientBytes < kMaxLineBytes);

std::string error_reply(std::string_view message) {
  return Json{{"result", "error"}, {"message", message}}.dump();
}

}  // namespace

// One connection. Its pending asynchronous operations own it.
struct AdminSocket::Session {
  explicit Session(stream_protocol::socket connected) : socket(std::move(connected)), timer(socket.get_executor()) {}

  stream_protocol::socket socket;
  asio::steady_timer timer;
  std::string input;
  std::string reply;
  bus::ChangeNumber awaits = 0;  // the change number that `reply` waits for; 0: none
};

AdminSocket::AdminSocket(const Parts& parts) : parts_(parts), acceptor_(parts.io), accept_backoff_(parts.io) {}

AdminSocket::~AdminSocket() = default;

Result<void> AdminSocket::listen(const std::filesystem::path& directory) {
  auto file = SocketFile::open(directory, "control");
  if (!file) {
    return fail(
        fmt::format("admin socket {} cannot be opened: {}", (directory / "control").string(), file.error().message));
  }
  file_ = std::move(*file);
  socket_ready_.emplace(parts_.io, file_->descriptor(), [this] {
    take_socket();
    socket_ready_->arm();
  });
  take_socket();
  socket_ready_->arm();
  return {};
}

// Takes the listening socket of the file: the first one, or a new one after the file had to be created again.
void AdminSocket::take_socket() {
  const int listening = file_->take();
  if (listening < 0 || is_stopped_) {
    if (listening >= 0) close(listening);
    return;
  }
  std::error_code ignored;
  accept_backoff_.cancel();
  acceptor_.close(ignored);
  acceptor_.assign(stream_protocol(), listening, ignored);  // fails only if the acceptor is open
  accept();
}

void AdminSocket::accept() {
  acceptor_.async_accept([this](const std::error_code& error, stream_protocol::socket socket) {
    if (error == asio::error::operation_aborted || !acceptor_.is_open()) return;
    if (error) {
      accept_backoff_.failed([this] {
        if (acceptor_.is_open()) accept();
      });
      return;
    }
    std::erase_if(sessions_, [](const auto& session) { return session.expired(); });
    if (sessions_.size() < kMaxSessions) {
      const auto session = std::make_shared<Session>(std::move(socket));
      sessions_.push_back(session);
      read(session);
    }
    accept();
  });
}

void AdminSocket::read(const SessionPtr& session) {
  session->timer.expires_after(kReadTimeout);
  session->timer.async_wait([session](const std::error_code& cancelled) {
    if (!cancelled) session->socket.close();
  });
  asio::async_read_until(session->socket, asio::dynamic_buffer(session->input, kMaxLineBytes), '\n',
                         [this, session](const std::error_code& error, std::size_t size) {
                           session->timer.cancel();
                           if (error == asio::error::not_found)
                             return answer(session, error_reply("the line is too long: send at most 1024 bytes"));
                           if (!error) execute(session, std::string_view(session->input).substr(0, size - 1));
                         });
}

void AdminSocket::execute(const SessionPtr& session, std::string_view line) {
  if (line.starts_with(kReset)) return reset_client(session, line.substr(kReset.size()));
  if (line == kReload) {
    const std::vector<std::string> refused = parts_.reload();
    return answer(session, Json{{"result", "done"}, {"node", parts_.replica.self().node}, {"refused", refused}}.dump(
                               -1, ' ', false, Json::error_handler_t::replace));
  }
  answer(session, error_reply("unknown command: this node knows reload, and reset-client CLIENT"));
}

void AdminSocket::reset_client(const SessionPtr& session, std::string_view client) {
  if (!protocol::is_client_id(client)) return answer(session, error_reply("not a valid client id"));
  const bus::ResetOutcome outcome = parts_.replica.reset(client, parts_.clock.now());
  const auto reply = [&](std::string_view result) {
    return Json{{"result", result}, {"node", parts_.replica.self().node}, {"epoch", outcome.epoch}}.dump();
  };
  switch (outcome.reset) {
    case bus::Reset::Done:
      ++parts_.counters.clients_reset;
      spdlog::info("event=client_reset client={} epoch={}", protocol::escape_for_log(client), outcome.epoch);
      return wait_for_acknowledgement(session, outcome.number, reply("done"));
    case bus::Reset::Already:
      return wait_for_acknowledgement(session, outcome.number, reply("already"));
    case bus::Reset::Unknown:
      return answer(session, reply("unknown"));
    case bus::Reset::TooOften:
      return answer(session, error_reply("the client cannot be reset again: its epochs are used up"));
  }
  protocol::unreachable();
}

// "done" and "already" promise that the reset will not be lost, as AT does for an update.
void AdminSocket::wait_for_acknowledgement(const SessionPtr& session, bus::ChangeNumber number, std::string reply) {
  if (number <= parts_.replica.acknowledged()) return answer(session, std::move(reply));
  session->awaits = number;
  session->reply = std::move(reply);
  session->timer.expires_after(parts_.ack_timeout);
  session->timer.async_wait([this, session](const std::error_code& cancelled) {
    if (cancelled || session->awaits == 0) return;
    answer(session,
           error_reply("the reset is stored, but not yet durable as `ack` and `replicas` require, so it may be lost: "
                       "check the disk and the peers, then reset the client again"));
  });
}

void AdminSocket::release(bus::ChangeNumber acknowledged) {
  for (const auto& weak : sessions_) {
    const SessionPtr session = weak.lock();
    if (session && session->awaits != 0 && session->awaits <= acknowledged) answer(session, std::move(session->reply));
  }
}

bus::ChangeNumber AdminSocket::awaited() const {
  bus::ChangeNumber awaited = 0;
  for (const auto& weak : sessions_) {
    if (const SessionPtr session = weak.lock()) awaited = std::max(awaited, session->awaits);
  }
  return awaited;
}

// Sends the reply.
void AdminSocket::answer(const SessionPtr& session, std::string reply) {
  session->awaits = 0;
  session->timer.cancel();
  session->reply = std::move(reply) + "\n";
  asio::async_write(session->socket, asio::buffer(session->reply), [session](const std::error_code&, std::size_t) {});
}

void AdminSocket::stop() {
  std::error_code ignored;
  is_stopped_ = true;
  accept_backoff_.cancel();
  acceptor_.close(ignored);
  for (const auto& weak : sessions_) {
    const SessionPtr session = weak.lock();
    if (session && session->awaits != 0) answer(session, error_reply("the node stops before the reset is durable"));
  }
}

}  // namespace herd::node
