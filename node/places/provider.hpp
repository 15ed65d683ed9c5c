// A provider: something that can be asked which places are near, and answers at once or in its own time (an index in
// memory, a service behind HTTP). The worker's thread makes it, calls it and destroys it; nobody else touches it.
// It never blocks and never throws: what goes wrong is a finding with a failure's status.
#pragma once

#include <zmq.h>

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

// Names one lookup within a worker; tickets do not, since askers count for themselves.
using LookupId = std::uint64_t;

// An older answer, and how old it is, for a person.
struct Stale {
  Status status = Status::Ok;
  std::string document;
  std::string age;
};

struct LookupResult {
  LookupId lookup = 0;
  Status status = Status::UnknownError;
  std::string document;             // of an answer: complete
  std::string trouble = {};         // of a failure: what went wrong and what to do, for a person; never empty
  std::optional<Stale> stale = {};  // of a failure: better than none
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

  // As the configuration calls it; a literal.
  [[nodiscard]] virtual std::string_view name() const = 0;

  // Begins a lookup (is_askable holds). Who knows without a look at the clock may return the finding; else poll() has
  // it. It is wanted no longer than until `deadline` on the steady clock: then forget() is called.
  [[nodiscard]] virtual std::optional<LookupResult> ask(LookupId lookup, const Query& query,
                                                        protocol::Nanoseconds deadline) = 0;

  // Gives up a lookup under way; it must not be found any more. Unknown ones are ignored, and by default all are.
  virtual void forget(LookupId /*lookup*/) {}

  // The next finished lookup of those that ask() did not end. Does what is ready to be done without waiting; called
  // until it returns nothing. By default there are none.
  [[nodiscard]] virtual std::optional<LookupResult> poll(protocol::Now /*now*/) { return std::nullopt; }

  // What it has done so far; until the next call that is not const.
  [[nodiscard]] virtual const Figures& figures() const = 0;

  // Adds the descriptors whose readiness poll() should be called for, with the events awaited. None by default.
  virtual void add_descriptors(std::vector<zmq_pollitem_t>& /*items*/) const {}

  // When poll() must be called even if nothing is ready (a transfer's own timeout), on the steady clock. Never by
  // default.
  [[nodiscard]] virtual std::optional<protocol::Nanoseconds> next_deadline() const { return std::nullopt; }
};

using Providers = std::vector<std::unique_ptr<Provider>>;

}  // namespace herd::node::places
