// One client's session without a socket, for tests: the test sends the client's bytes and takes the output.
#pragma once

#include <string>
#include <string_view>

#include "node/clients/session.hpp"
#include "tests/node/one_node.hpp"

namespace herd::node {

inline constexpr std::string_view kHttpAnswer = "HTTP/1.1 400 Bad Request\r\n\r\nwrong port\n";

struct OneSession {
  OneNode node;
  ClientWarnings warnings;
  Asking asking{node.replica.store(), node.clock};
  CommandFigures figures;
  Commands commands{{node.replica, node.config, node.counters, figures.counts, warnings, node.clock, asking}};
  BufferPool buffers;
  ReplyMemory memory;
  Authenticator authenticator{node.counters};
  Session::Parts parts{commands, node.config, node.counters, warnings, node.clock,
                       buffers,  memory,      authenticator, figures,  kHttpAnswer};
  Session session{parts, "127.0.0.1:1", {}};

  void send(const std::string& bytes) { send(session, bytes); }
  static void send(Session& session, const std::string& bytes) {
    std::string chunk = bytes;
    session.receive(chunk);
    chunk.assign(chunk.size(), '#');  // as the front end overwrites its read buffer
  }

  std::string take_output() { return take_output(session); }
  static std::string take_output(Session& session) {
    std::string all;
    while (!session.output().empty()) {
      const std::string output(session.output());
      session.sent(output.size());
      all += output;
    }
    return all;
  }
};

inline std::string repeated(const std::string& text, std::size_t times) {
  std::string all;
  for (; times > 0; --times) {
    all += text;
  }
  return all;
}

}  // namespace herd::node
