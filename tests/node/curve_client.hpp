// The client's side of CURVE (rfc.zeromq.org/spec/26), for tests. It returns the bodies of commands.
#pragma once

#include <sodium.h>
#include <zmq.h>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "bus/keys/key_pair.hpp"
#include "protocol/byte_order.hpp"

namespace herd::node::zmtp {

inline const std::string kSubscriberProperties{"\xbSocket-Type\0\0\0\3SUB", 19};

class CurveClient {
 public:
  // `own` may be a stranger's: the public key of one pair and the secret key of another. `server`: the public key of
  // the node.
  CurveClient(bus::KeyPair own, const std::string& server) : own_(std::move(own)) {
    if (sodium_init() < 0) throw std::runtime_error("libsodium cannot start");
    zmq_z85_decode(public_.data(), own_.public_key.c_str());
    zmq_z85_decode(secret_.data(), own_.secret_key.c_str());
    zmq_z85_decode(server_.data(), server.c_str());
    crypto_box_keypair(transient_public_.data(), transient_secret_.data());
  }

  std::string hello() {
    const std::string counter = next_counter();
    std::string command("\5HELLO\1\0", 8);
    command.append(72, '\0').append(text(transient_public_)).append(counter);
    return command + box(std::string(64, '\0'), "CurveZMQHELLO---" + counter, server_, transient_secret_);
  }

  std::string initiate(const std::string& welcome, const std::string& properties = kSubscriberProperties) {
    const std::string opened = open_box(welcome.substr(24), "WELCOME-" + welcome.substr(8, 16), server_);
    for (std::size_t i = 0; i < server_transient_.size() && i < opened.size(); ++i) {
      server_transient_[i] = static_cast<unsigned char>(opened[i]);
    }
    const std::string random(16, 'r');
    const std::string vouch =
        box(text(transient_public_) + text(server_), "VOUCH---" + random, server_transient_, secret_);
    const std::string counter = next_counter();
    return "\x8INITIATE" + opened.substr(32) + counter +
           box(text(public_) + random + vouch + properties, "CurveZMQINITIATE" + counter, server_transient_,
               transient_secret_);
  }

  std::string message(const std::string& frame, bool is_command = false) {
    const std::string counter = next_counter();
    const std::string flags(1, is_command ? '\2' : '\0');
    return "\7MESSAGE" + counter +
           box(flags + frame, "CurveZMQMESSAGEC" + counter, server_transient_, transient_secret_);
  }

  // The content of READY or MESSAGE; of a MESSAGE with its flags. Empty if it is not of the server.
  std::string open(const std::string& command) const {
    const bool is_ready = command.starts_with("\5READY");
    const std::size_t name = is_ready ? 6 : 8;
    return open_box(command.substr(name + 8),
                    (is_ready ? "CurveZMQREADY---" : "CurveZMQMESSAGES") + command.substr(name, 8), server_transient_);
  }

 private:
  using Key = std::array<unsigned char, 32>;

  static std::string text(const Key& key) { return {reinterpret_cast<const char*>(key.data()), key.size()}; }
  static const unsigned char* bytes(const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  }

  std::string next_counter() {
    std::string counter(8, '\0');
    protocol::put_big_endian(counter.data(), ++sent_);
    return counter;
  }

  static std::string box(const std::string& plain, const std::string& nonce, const Key& to, const Key& from) {
    std::string sealed(plain.size() + 16, '\0');
    if (crypto_box_easy(reinterpret_cast<unsigned char*>(sealed.data()), bytes(plain), plain.size(), bytes(nonce),
                        to.data(), from.data()) != 0) {
      throw std::runtime_error("the key is none");
    }
    return sealed;
  }

  [[nodiscard]] std::string open_box(const std::string& sealed, const std::string& nonce, const Key& from) const {
    std::string plain(sealed.size() < 16 ? 0 : sealed.size() - 16, '\0');
    if (sealed.size() < 16 ||
        crypto_box_open_easy(reinterpret_cast<unsigned char*>(plain.data()), bytes(sealed), sealed.size(), bytes(nonce),
                             from.data(), transient_secret_.data()) != 0) {
      return {};
    }
    return plain;
  }

  bus::KeyPair own_;
  Key public_{};
  Key secret_{};
  Key server_{};
  Key transient_public_{};
  Key transient_secret_{};
  Key server_transient_{};
  std::uint64_t sent_ = 0;
};

}  // namespace herd::node::zmtp
