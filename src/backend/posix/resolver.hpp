// Private. Looks names up on threads of its own, since the C library blocks.
#pragma once

#include <functional>
#include <memory>

#include "backend/platform.hpp"

namespace evio::inline v1 {

// Threads come with the first name, a few at most, and go when nothing is to be looked up for a while.
class Resolver {
 public:
  Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  // No `done` is called any more. A look-up that hangs cannot be ended: its thread touches nothing of ours and goes
  // when the C library gives up.
  ~Resolver();

  void resolve(const Address& name, std::function<void(Resolved)> done);

 private:
  struct State;
  static void work(const std::shared_ptr<State>& state);

  const std::shared_ptr<State> state_;
};

}  // namespace evio::inline v1
