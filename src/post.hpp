// A task that runs a function on a loop.
#pragma once

#include <evio/callback.hpp>
#include <utility>

#include "loop.hpp"
#include "task_queue.hpp"

namespace evio { inline namespace v0 { namespace detail {

struct Post final : Task {
  explicit Post(Callback<void()> from) : fn(std::move(from)) {}
  void run_on(LoopCore& loop) override { loop.invoke(fn); }

  Callback<void()> fn;
};

}}}  // namespace evio::v0::detail
