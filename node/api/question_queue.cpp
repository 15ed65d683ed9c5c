#include "node/api/question_queue.hpp"

#include <asio/post.hpp>
#include <utility>

namespace herd::node::api {

QuestionQueue::QuestionQueue(std::shared_ptr<asio::io_context> http, LoopCalls loop)
    : http_(std::move(http)), loop_(std::move(loop)) {}

// The io_context is kept by what the loop gets, as the loop may answer while the server is destroyed.
bool QuestionQueue::ask(QuestionPtr question, Reader reader) {
  const std::size_t maps = std::holds_alternative<MapAsked>(question->asked) ? 1 : 0;
  if (under_way_ >= kMaxQuestions || maps_ + maps > kMaxMaps) return false;
  ++under_way_;
  maps_ += maps;
  loop_.answer(std::move(question),
               [http = http_, queue = weak_from_this(), maps, reader = std::move(reader)](Answer answer) {
                 asio::post(*http, [queue, maps, reader, answer = std::move(answer)]() mutable {
                   if (const auto self = queue.lock()) {
                     --self->under_way_;
                     self->maps_ -= maps;
                   }
                   reader(std::move(answer));
                 });
               });
  return true;
}

// The handlers that the loop posts run in their order, so the stream exists before the first lines come.
void QuestionQueue::watch(QuestionPtr question, StreamReader reader) {
  const ViewerKey key = std::exchange(next_viewer_, next_viewer_ + 2);
  const auto inbox = std::make_shared<EventStream::Inbox>();
  question->viewer = key;
  question->events = [http = http_, weak = std::weak_ptr(inbox)](std::string lines, bool is_last) {
    asio::post(*http, [weak, lines = std::move(lines), is_last] {
      if (const auto to = weak.lock()) to->put(lines, is_last);
    });
  };
  const auto tell = [loop = loop_.tell, key](ViewerNews news) { loop(key, news); };
  loop_.answer(std::move(question), [http = http_, inbox, tell, reader = std::move(reader)](Answer answer) {
    asio::post(*http, [inbox, tell, reader, answer = std::move(answer)] {
      const bool is_given = answer.kind == Answer::Kind::Given;
      reader(is_given ? std::make_unique<EventStream>(inbox, answer.text, tell) : nullptr, answer);
    });
  });
}

}  // namespace herd::node::api
