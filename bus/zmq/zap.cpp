#include "bus/zmq/zap.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "bus/zmq/zmq_calls.hpp"
#include "protocol/unreachable.hpp"

namespace herd::bus {
namespace {

constexpr const char* kEndpoint = "inproc://zeromq.zap.01";  // fixed by RFC 27

// The frames of a question: identity, empty, version, request id, domain, address, routing id, mechanism, key.
constexpr std::size_t kIdentity = 0;
constexpr std::size_t kRequestId = 3;
constexpr std::size_t kAddress = 5;
constexpr std::size_t kKey = 8;
constexpr std::size_t kFrames = 9;
constexpr std::size_t kKeyBytes = 32;

struct Status {
  std::string_view code;
  std::string_view text;
};

// 300 leaves the connection in its handshake until ZMQ_HANDSHAKE_IVL ends it; then the other end dials again. After 400
// it does not.
Status status_of(Admission admission) {
  switch (admission) {
    case Admission::Known:
      return {"200", "OK"};
    case Admission::Unknown:
      return {"300", "unknown key"};
    case Admission::Revoked:
      return {"400", "refused key"};
  }
  protocol::unreachable();
}

std::string in_z85(const zmq::message_t& key) {
  std::array<char, kKeyLength + 1> text{};
  return zmq_z85_encode(text.data(), static_cast<const std::uint8_t*>(key.data()), kKeyBytes);
}

}  // namespace

ZapServer::ZapServer(zmq::context_t& context) : socket_(context, zmq::socket_type::router), descriptor_(-1) {
  socket_.set(zmq::sockopt::linger, 0);
  socket_.bind(kEndpoint);
  descriptor_ = socket_.get(zmq::sockopt::fd);
}

bool ZapServer::serve(const Judge& judge) {
  for (int count = 0; count < kRequestsAtOnce; ++count) {
    std::vector<zmq::message_t> frames(1);
    if (!receive(socket_, frames[0], zmq::recv_flags::dontwait)) return false;
    while (frames.back().more()) (void)receive(socket_, frames.emplace_back(), zmq::recv_flags::none);
    answer(frames, judge);
  }
  return true;
}

// Only ZeroMQ itself can ask here. A question of another form is not about CURVE, and is refused.
void ZapServer::answer(std::vector<zmq::message_t>& frames, const Judge& judge) {
  if (frames.size() <= kRequestId) return;
  Request request;
  Admission admission = Admission::Revoked;
  if (frames.size() == kFrames && frames[kKey].size() == kKeyBytes) {
    request = {in_z85(frames[kKey]), frames[kAddress].to_string()};
    admission = judge(request);
  }
  const Status status = status_of(admission);
  std::array<zmq::message_t, 8> reply{std::move(frames[kIdentity]),
                                      zmq::message_t(),
                                      zmq::message_t(std::string_view("1.0")),
                                      std::move(frames[kRequestId]),
                                      zmq::message_t(status.code),
                                      zmq::message_t(status.text),
                                      zmq::message_t(request.key),
                                      zmq::message_t()};
  for (std::size_t i = 0; i < reply.size(); ++i) {
    (void)send(socket_, reply[i], i + 1 < reply.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
}

std::string_view key_of(zmq::message_t& frame) {
  const char* key = zmq_msg_gets(frame.handle(), "User-Id");
  return key == nullptr ? std::string_view() : std::string_view(key);
}

}  // namespace herd::bus
