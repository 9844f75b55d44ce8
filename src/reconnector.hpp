// The implementation of Reconnecting: makes another connection when one has ended.
#pragma once

#include <evio/binding.hpp>
#include <evio/reconnect.hpp>
#include <evio/timer.hpp>
#include <memory>

namespace evio { inline namespace v0 { namespace detail {

class Connection;
class LoopCore;

// Shared by its connection, its timer and the user's Reconnecting. The loop's thread only.
class Reconnector : public std::enable_shared_from_this<Reconnector> {
 public:
  Reconnector(LoopCore& loop, const Binding& to, const Backoff& backoff);

  // Makes a connection now.
  void start();
  // From now on no further connection is made. An existing one is not closed.
  void stop() noexcept;
  Connection* connection() const noexcept { return connection_; }

  // Called by its connection.
  void opened() noexcept;
  void gone();

 private:
  Duration jittered(Duration delay) const;

  LoopCore& loop_;
  const Binding to_;
  const Backoff backoff_;
  Duration delay_;  // the next one, without jitter
  // When the connection will have been open for Backoff::reset_after.
  Duration steady_at_ = Duration::max();
  Connection* connection_ = nullptr;
  Timer timer_;
  bool stopped_ = false;
};

}}}  // namespace evio::v0::detail
