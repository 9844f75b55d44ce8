// Public. A descriptor of yours in an event loop.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

namespace evio::inline v1 {

class Watches;

/// What a descriptor is watched for, or is ready for.
enum class Interest : std::uint8_t { read = 1, write = 2, both = 3 };

/// Names what Loop::watch began. A copyable name: its destruction ends nothing. To be used on the loop's thread, or
/// before run(); harmless once it was cancelled or the loop has ended, also after the server is gone. May be used
/// inside the watch's own callable.
class Watch {
 public:
  Watch() = default;  ///< names nothing

  /// Watches for this from now on.
  void set(Interest interest);
  /// The callable will not run again; it is destroyed, at the latest when it returns. To be called before the
  /// descriptor is closed.
  void cancel() noexcept;

 private:
  friend class Watches;
  Watch(std::weak_ptr<Watches> watches, std::uint32_t slot, std::uint32_t generation) noexcept
      : watches_(std::move(watches)), slot_(slot), generation_(generation) {}

  std::weak_ptr<Watches> watches_;
  std::uint32_t slot_ = 0;
  std::uint32_t generation_ = 0;
};

}  // namespace evio::inline v1
