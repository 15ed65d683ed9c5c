// The interface of a places provider. A provider answers lookups of the places near a position, at once (an index in
// memory) or later (a web service). The worker's thread creates, calls and destroys it; no other thread uses it. A
// provider never blocks and never throws: a failure is a LookupResult with the status of a failure.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/places/document.hpp"
#include "node/places/figures.hpp"
#include "node/places/query.hpp"
#include "protocol/clock.hpp"

namespace herd::node::places {

// Identifies a lookup within one worker. A ticket does not: each client of the worker numbers its own tickets.
using LookupId = std::uint64_t;

// An expired answer from the cache of a provider.
struct Stale {
  Status status = Status::Ok;
  std::string document;
  std::string age;  // a sentence for a person
};

struct LookupResult {
  LookupId lookup = 0;
  Status status = Status::UnknownError;
  std::string document;             // of an answer: complete JSON
  std::string trouble = {};         // of a failure: what is wrong and what to do, for a person; never empty
  std::optional<Stale> stale = {};  // of a failure: an expired answer, which is better than none
};

[[nodiscard]] inline LookupResult failed(LookupId lookup, Status status, std::string trouble) {
  return {lookup, status, {}, std::move(trouble)};
}

class Provider {
 public:
  Provider() = default;
  Provider(const Provider&) = delete;
  Provider& operator=(const Provider&) = delete;
  virtual ~Provider() = default;

  // The provider's name in the configuration; a literal.
  [[nodiscard]] virtual std::string_view name() const = 0;

  // Begins a lookup. Returns the result if it is available at once; otherwise poll() returns it later. Precondition:
  // is_askable(query). `deadline` is steady time: the caller does not wait longer, and calls forget() then.
  [[nodiscard]] virtual std::optional<LookupResult> ask(LookupId lookup, const Query& query,
                                                        protocol::Nanoseconds deadline, const protocol::Now& now) = 0;

  // Cancels a lookup: poll() must not return it any more. An unknown id is ignored. The default does nothing.
  virtual void forget(LookupId /*lookup*/) {}

  // Returns the next finished lookup of those that ask() did not answer. The caller repeats it until it returns
  // nullopt, which is what the default returns.
  [[nodiscard]] virtual std::optional<LookupResult> poll() { return std::nullopt; }

  // The provider's counters and state. The reference is valid until the next non-const call.
  [[nodiscard]] virtual const Figures& figures() const = 0;
};

using Providers = std::vector<std::unique_ptr<Provider>>;

}  // namespace herd::node::places
