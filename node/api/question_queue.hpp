// The way of a question from the HTTP thread to the loop, and of its answer back. Neither thread waits for the other,
// and no lock is taken on the path of a client's command: both ways are asio::post. At most kMaxQuestions are under
// way, of them kMaxMaps maps; further ones are refused, and their clients get 503. HTTP thread only, but for Done,
// which the loop calls.
#pragma once

#include <asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "node/api/event_stream.hpp"
#include "node/api/question.hpp"

namespace herd::node::api {

// Questions under way, of all HTTP clients together, without those for a watch, which have short answers. The longest
// answers are 0.4 MB: 1,000 lines with ids of 255 bytes.
inline constexpr std::size_t kMaxQuestions = 64;
// Of these, maps: their answers are up to 1.6 MB.
inline constexpr std::size_t kMaxMaps = 8;

struct Answer {
  enum class Kind {
    Given,
    Unknown,      // the client is not known
    Refused,      // a cursor of another query
    Unavailable,  // a limit of the node
  };
  Kind kind = Kind::Given;
  std::string text{};         // of Given: as the line protocol has it; of a map, its bytes
  std::string_view reason{};  // of the others; a literal
};

// Takes the answer. Called on the loop thread, at most once; does not block.
using Done = std::function<void(Answer)>;

// What the HTTP thread has the loop do soon. Called on the HTTP thread; must not block.
struct LoopCalls {
  std::function<void(QuestionPtr, Done)> answer;
  std::function<void(ViewerKey, ViewerNews)> tell;  // Viewers::hear()
};

class QuestionQueue : public std::enable_shared_from_this<QuestionQueue> {
 public:
  // Create it with std::make_shared. `http` is run by the HTTP thread.
  QuestionQueue(std::shared_ptr<asio::io_context> http, LoopCalls loop);

  // Receives the answer on the HTTP thread.
  using Reader = std::function<void(Answer)>;
  // Returns false, and drops the question, if there are too many.
  [[nodiscard]] bool ask(QuestionPtr question, Reader reader);

  // Asks for a watch; `reader` gets its stream, or the refusal of the question.
  using StreamReader = std::function<void(std::unique_ptr<EventStream>, const Answer& refusal)>;
  void watch(QuestionPtr question, StreamReader reader);

  [[nodiscard]] std::size_t under_way() const { return under_way_; }

 private:
  std::shared_ptr<asio::io_context> http_;
  LoopCalls loop_;
  std::size_t under_way_ = 0;
  std::size_t maps_ = 0;  // of those
  ViewerKey next_viewer_ = 1;
};

}  // namespace herd::node::api
