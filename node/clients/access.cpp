#include "node/clients/access.hpp"

namespace herd::node {

Access::Answer Access::authenticate(std::string_view text, const protocol::Now& now) {
  if (!is_locked()) return Answer::NotNow;
  if (!all_.guesses_.allow(network_, now.steady)) {
    ++all_.counters_.auth_unchecked;
    return Answer::Unchecked;
  }
  token_ = all_.table_->find(text, now.wall);
  version_ = all_.version_;
  if (token_ != nullptr) {
    ++all_.counters_.auth_accepted;
    return Answer::Right;
  }
  ++all_.counters_.auth_refused;
  all_.guesses_.add(network_, now.steady);
  return Answer::Wrong;
}

std::shared_ptr<const Token> Access::update(protocol::Nanoseconds wall) {
  if (token_ == nullptr || !all_.is_on()) return nullptr;
  if (version_ == all_.version_ && wall < token_->expires) return nullptr;
  auto former = std::exchange(token_, all_.table_->renewed(*token_));
  version_ = all_.version_;
  if (token_ != nullptr && token_->expires <= wall) token_ = nullptr;
  return token_ == nullptr ? former : nullptr;
}

}  // namespace herd::node
