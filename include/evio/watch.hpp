// A descriptor of yours in an event loop.
#pragma once

#include <cstdint>
#include <evio/export.hpp>
#include <memory>
#include <utility>

namespace evio { inline namespace v0 { namespace detail {
class Watches;
}}}  // namespace evio::v0::detail

namespace evio { inline namespace v0 {

/// What a descriptor is watched for, or is ready for.
enum class Interest : std::uint8_t { read = 1, write = 2, both = 3 };

/// Names what Loop::watch began. A copyable name: its destruction ends nothing. To be used on the
/// loop's thread, or before run(); harmless once it was cancelled or the loop has ended, also after
/// the server is gone. May be used inside the watch's own callable.
class EVIO_API Watch {
 public:
  Watch() = default;  ///< names nothing

  /// Watches for this from now on.
  void set(Interest interest);
  /// The callable will not run again; it is destroyed, at the latest when it returns. To be called
  /// before the descriptor is closed.
  void cancel() noexcept;

 private:
  friend class detail::Watches;
  Watch(std::weak_ptr<detail::Watches> watches, std::uint32_t slot,
        std::uint32_t generation) noexcept
      : watches_(std::move(watches)), slot_(slot), generation_(generation) {}

  std::weak_ptr<detail::Watches> watches_;
  std::uint32_t slot_ = 0;
  std::uint32_t generation_ = 0;
};

/// Owns a watch: cancels it when it is destroyed or assigned to.
class ScopedWatch {
 public:
  ScopedWatch() = default;  ///< owns nothing
  /// Takes the watch over: `watch_ = loop.watch(...)`.
  ScopedWatch(Watch watch) noexcept
      : watch_(std::move(watch)) {}  // NOLINT(google-explicit-constructor)
  /// Leaves the other empty.
  ScopedWatch(ScopedWatch&& other) noexcept : watch_(std::exchange(other.watch_, Watch())) {}
  /// Cancels the watch that it owned before.
  ScopedWatch& operator=(ScopedWatch&& other) noexcept {
    if (this != &other) {
      watch_.cancel();
      watch_ = std::exchange(other.watch_, Watch());
    }
    return *this;
  }
  ~ScopedWatch() { watch_.cancel(); }

  /// Watch::set.
  void set(Interest interest) { watch_.set(interest); }
  /// Watch::cancel.
  void cancel() noexcept { watch_.cancel(); }

 private:
  Watch watch_;
};

}}  // namespace evio::v0
