// Name resolution on separate threads, since getaddrinfo(3) blocks.
#pragma once

#include <functional>
#include <memory>

#include "backend/platform.hpp"

namespace evio { inline namespace v0 { namespace detail {

// Threads are created when needed, and end after they were idle for a while. There may be many,
// because a resolution that hangs occupies its thread and must not delay others.
class Resolver {
 public:
  using LookUp = std::function<Resolved(const Address& name)>;

  // `look_up` may block. Several threads call it at once, and may still do so after this object was
  // destroyed.
  explicit Resolver(LookUp look_up);
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  // From then on no `done` is called. A getaddrinfo(3) that hangs cannot be cancelled: its thread
  // uses only the shared state, and ends when the C library returns.
  ~Resolver();

  ResolveHandle resolve(const Address& name, std::function<void(Resolved)> done);

 private:
  struct State;
  static void work(const std::shared_ptr<State>& state);

  const std::shared_ptr<State> state_;
};

}}}  // namespace evio::v0::detail
