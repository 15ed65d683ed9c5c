#include "node/observe/curve.hpp"

#include <sodium.h>
#include <zmq.h>

#include <algorithm>

#include "protocol/assert.hpp"
#include "protocol/byte_order.hpp"

namespace herd::node::zmtp {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kKeyBytes = crypto_box_PUBLICKEYBYTES;
constexpr std::size_t kMacBytes = crypto_box_MACBYTES;
constexpr std::size_t kCounterBytes = 8;
constexpr std::size_t kRandomBytes = 16;
using Nonce = std::array<unsigned char, crypto_box_NONCEBYTES>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

template <std::size_t Size>
std::string_view text_of(const std::array<unsigned char, Size>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Nonce nonce_of(std::string_view prefix, std::string_view rest) {
  HERD_ASSERT(prefix.size() + rest.size() == crypto_box_NONCEBYTES);
  Nonce nonce;
  std::copy(rest.begin(), rest.end(), std::copy(prefix.begin(), prefix.end(), nonce.begin()));
  return nonce;
}

std::string counter_text(std::uint64_t count) {
  std::string text(kCounterBytes, '\0');
  protocol::put_big_endian(text.data(), count);
  return text;
}

std::string random_text(std::size_t size) {
  std::string text(size, '\0');
  randombytes_buf(text.data(), text.size());
  return text;
}

template <typename Key>
std::string box(std::string_view text, const Nonce& nonce, const Key& shared) {
  std::string sealed(text.size() + kMacBytes, '\0');
  crypto_box_easy_afternm(bytes_of(sealed), bytes_of(text), text.size(), nonce.data(), shared.data());
  return sealed;
}

// False if the box was not made with this key and nonce. `text` is overwritten either way.
template <typename Key>
bool open_box(std::string_view sealed, const Nonce& nonce, const Key& shared, std::string& text) {
  if (sealed.size() < kMacBytes) return false;
  text.resize(sealed.size() - kMacBytes);
  return crypto_box_open_easy_afternm(bytes_of(text), bytes_of(sealed), sealed.size(), nonce.data(), shared.data()) ==
         0;
}

}  // namespace

CurveSession::CurveSession(const bus::KeyPair& own) {
  const int started = sodium_init();  // after the first call it does nothing
  HERD_ASSERT(started >= 0);
  const bool decoded = zmq_z85_decode(own_public_.data(), own.public_key.c_str()) != nullptr &&
                       zmq_z85_decode(own_secret_.data(), own.secret_key.c_str()) != nullptr;
  HERD_ASSERT(decoded);
}

CurveSession::~CurveSession() {
  sodium_memzero(own_secret_.data(), own_secret_.size());
  sodium_memzero(transient_secret_.data(), transient_secret_.size());
  sodium_memzero(shared_.data(), shared_.size());
}

// HELLO = name, version 1.0, 72 zero bytes, the viewer's transient key, a counter, a box of 64 zero bytes.
bool CurveSession::take_hello(std::string_view command) {
  constexpr std::size_t kKeyAt = 80;
  if (command.size() != kHelloBytes || !command.starts_with("\5HELLO\1\0"sv)) return false;
  const std::string_view key = command.substr(kKeyAt, kKeyBytes);
  const std::string_view counter = command.substr(kKeyAt + kKeyBytes, kCounterBytes);
  std::copy(key.begin(), key.end(), viewer_transient_.begin());
  if (crypto_box_beforenm(shared_.data(), viewer_transient_.data(), own_secret_.data()) != 0) return false;
  return open_box(command.substr(kKeyAt + kKeyBytes + kCounterBytes), nonce_of("CurveZMQHELLO---", counter), shared_,
                  opened_);
}

// WELCOME = name, 16 random bytes, a box of this side's transient key and the cookie. The specification lets a server
// keep its state in the cookie; this one keeps it here, and only compares.
std::string CurveSession::welcome() {
  Key transient_public;
  crypto_box_keypair(transient_public.data(), transient_secret_.data());
  randombytes_buf(cookie_.data(), cookie_.size());
  const std::string random = random_text(kRandomBytes);
  const std::string text = std::string(text_of(transient_public)).append(text_of(cookie_));
  std::string command = "\7WELCOME" + random;
  command += box(text, nonce_of("WELCOME-", random), shared_);
  return command;
}

// INITIATE = name, the cookie, a counter, a box of the viewer's key, of the vouch and of the properties. The vouch =
// 16 random bytes, a box by the viewer's key of its transient key and of this node's key: so it was made for this
// connection to this node.
bool CurveSession::take_initiate(std::string_view command) {
  constexpr auto kName = "\x8INITIATE"sv;
  if (command.size() < kInitiateBytes || !command.starts_with(kName)) return false;
  command.remove_prefix(kName.size());
  if (sodium_memcmp(command.data(), cookie_.data(), cookie_.size()) != 0) return false;
  command.remove_prefix(cookie_.size());
  const std::string_view counter = command.substr(0, kCounterBytes);
  if (crypto_box_beforenm(shared_.data(), viewer_transient_.data(), transient_secret_.data()) != 0) return false;
  const Nonce nonce = nonce_of("CurveZMQINITIATE", counter);
  if (!open_box(command.substr(kCounterBytes), nonce, shared_, opened_)) return false;
  const std::string_view text = opened_;
  const std::string_view key = text.substr(0, kKeyBytes);
  const std::string_view random = text.substr(kKeyBytes, kRandomBytes);
  constexpr std::size_t kVouchAt = kKeyBytes + kRandomBytes;
  constexpr std::size_t kVouchBytes = 2 * kKeyBytes + kMacBytes;
  std::array<unsigned char, 2 * kKeyBytes> vouched;
  if (crypto_box_open_easy(vouched.data(), bytes_of(text.substr(kVouchAt)), kVouchBytes,
                           nonce_of("VOUCH---", random).data(), bytes_of(key), transient_secret_.data()) != 0) {
    return false;
  }
  if (text_of(vouched) != std::string(text_of(viewer_transient_)).append(text_of(own_public_))) return false;
  received_ = protocol::big_endian_at<std::uint64_t>(counter.data());
  std::array<char, bus::kKeyLength + 1> z85{};
  viewer_key_ = zmq_z85_encode(z85.data(), bytes_of(key), kKeyBytes);
  properties_ = text.substr(kVouchAt + kVouchBytes);
  return true;
}

std::string CurveSession::ready(std::string_view properties) {
  const std::string counter = counter_text(++sent_);
  return "\5READY" + counter + box(properties, nonce_of("CurveZMQREADY---", counter), shared_);
}

// MESSAGE = name, a counter, a box of a byte with flags and of the text.
std::optional<CurveSession::Frame> CurveSession::open(std::string_view message) {
  constexpr auto kName = "\7MESSAGE"sv;
  if (message.size() < kMessageBytes || !message.starts_with(kName)) return std::nullopt;
  message.remove_prefix(kName.size());
  const std::string_view counter = message.substr(0, kCounterBytes);
  const auto count = protocol::big_endian_at<std::uint64_t>(counter.data());
  if (count <= received_) return std::nullopt;
  const Nonce nonce = nonce_of("CurveZMQMESSAGEC", counter);
  if (!open_box(message.substr(kCounterBytes), nonce, shared_, opened_)) return std::nullopt;
  received_ = count;
  const auto flags = static_cast<unsigned char>(opened_[0]);
  return Frame{(flags & 1U) != 0, (flags & 2U) != 0, std::string_view(opened_).substr(1)};
}

std::string CurveSession::seal(const Frame& frame) {
  const std::string counter = counter_text(++sent_);
  std::string text(1, static_cast<char>((frame.more ? 1 : 0) | (frame.command ? 2 : 0)));
  text += frame.text;
  return "\7MESSAGE" + counter + box(text, nonce_of("CurveZMQMESSAGES", counter), shared_);
}

}  // namespace herd::node::zmtp
