// Passes a connection's Handle from a handler to the test.
#pragma once

#include <evio/conn.hpp>
#include <evio/handle.hpp>
#include <mutex>
#include <stdexcept>

#include "waiting.hpp"

namespace evio::test {

class HandleSlot {
 public:
  /// To be called in `opened` or `data`.
  void put(Conn& c) {
    const std::lock_guard lock(mutex_);
    handle_ = c.handle();
    filled_.open();
  }
  /// Waits until put() was called.
  Handle get() const {
    if (!filled_.wait()) throw std::runtime_error("no connection was opened");
    const std::lock_guard lock(mutex_);
    return handle_;
  }
  const Handle operator*() const { return get(); }

 private:
  mutable std::mutex mutex_;
  Gate filled_;
  Handle handle_;
};

/// Waits until everything that was queued for the connection's loop has run, and its consequences
/// too.
inline void wait_for_pending(const Handle& handle) {
  for (int i = 0; i < 10; ++i) {
    Gate ran;
    if (!handle.post([&](Conn&) { ran.open(); })) return;
    if (!ran.wait()) throw std::runtime_error("a post did not run");
  }
}

}  // namespace evio::test
