// Watch and ScopedWatch: references to a descriptor of yours that an event loop watches.
#pragma once

#include <cstdint>
#include <evio/export.hpp>
#include <memory>
#include <utility>

namespace evio { inline namespace v0 { namespace detail {
class Watches;
}}}  // namespace evio::v0::detail

namespace evio { inline namespace v0 {

/// What a descriptor is watched for, or is ready for: reading, writing, or both.
enum class Interest : std::uint8_t { read = 1, write = 2, both = 3 };

/// A reference to what Loop::watch began; its destruction cancels nothing (ScopedWatch's does).
/// Copyable: copies refer to the same watch.
///
/// Thread: the loop's, or before run() the one that prepares the server. Once the watch was
/// cancelled, or the loop or the server has ended, every call does nothing. The watch's own
/// callable may call it.
class EVIO_API Watch {
 public:
  Watch() = default;  ///< refers to nothing

  /// Watches for `interest` from now on, instead of what it was before.
  void set(Interest interest);
  /// Ends the watch: its callable does not run again, and is destroyed now, or if it is running,
  /// when it returns. Call it before you close the descriptor.
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

/// Owns a watch: cancels it when it is destroyed or assigned to. Declare it after the object that
/// owns the descriptor, so that the watch ends before the descriptor is closed. Movable, not
/// copyable. Belongs to the loop's thread, as Watch does.
class ScopedWatch {
 public:
  ScopedWatch() = default;  ///< owns nothing
  /// Takes `watch` over: `watch_ = loop.watch(...)`.
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

  /// Calls Watch::set.
  void set(Interest interest) { watch_.set(interest); }
  /// Calls Watch::cancel.
  void cancel() noexcept { watch_.cancel(); }

 private:
  Watch watch_;
};

}}  // namespace evio::v0
