// Private. Mail that runs a function on a loop.
#pragma once

#include <evio/handler.hpp>
#include <utility>

#include "loop.hpp"
#include "mailbox.hpp"

namespace evio::inline v1 {

struct Post final : Mail {
  explicit Post(Handler<void()> from) : fn(std::move(from)) {}
  void deliver(LoopCore& loop) override { loop.guard(fn); }

  Handler<void()> fn;
};

}  // namespace evio::inline v1
