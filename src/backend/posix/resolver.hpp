// Looks names up on threads of its own, since the C library blocks.
#pragma once

#include <functional>
#include <memory>

#include "backend/platform.hpp"

namespace evio { inline namespace v0 { namespace detail {

// Threads come with the first name, and go when nothing is to be looked up for a while. A look-up
// that hangs keeps its thread, so there may be many: names that hang shall not hold up others.
class Resolver {
 public:
  using LookUp = std::function<Resolved(const Address& name)>;

  // `look_up` blocks; it is called by several threads at once, and may be so still when this is
  // gone.
  explicit Resolver(LookUp look_up);
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  // No `done` is called any more. A look-up that hangs cannot be ended: its thread touches nothing
  // of ours and goes when the C library gives up.
  ~Resolver();

  ResolveHandle resolve(const Address& name, std::function<void(Resolved)> done);

 private:
  struct State;
  static void work(const std::shared_ptr<State>& state);

  const std::shared_ptr<State> state_;
};

}}}  // namespace evio::v0::detail
