// The descriptors of the user's that one loop watches.
#pragma once

#include <evio/callback.hpp>
#include <evio/watch.hpp>
#include <exception>
#include <memory>

#include "backend/driver.hpp"
#include "slab.hpp"

namespace evio { inline namespace v0 { namespace detail {

// The implementation of Watch. Owned by a shared_ptr, so that a Watch may outlive it.
class Watches : public std::enable_shared_from_this<Watches> {
 public:
  using Callable = Callback<void(Interest)>;

  // Throws Error if the descriptor cannot be watched.
  Watch add(NativeSocket descriptor, Interest interest, Callable fn);
  void set(std::uint32_t slot, std::uint32_t generation, Interest interest);
  void cancel(std::uint32_t slot, std::uint32_t generation) noexcept;

  // The loop has started: watches the descriptors that were added before. `failed` is called with
  // the Error of each that cannot be watched, which is then removed.
  void start(Driver& driver, const Callback<void(std::exception_ptr)>& failed);
  // Removes all watches, before the driver is destroyed.
  void stop() noexcept;
  // Calls the function of the watch: its descriptor is ready for `ready`.
  void run(WatchId name, Interest ready);

 private:
  struct Entry {
    NativeSocket descriptor;
    Interest interest;
    Callable fn;
    std::uint32_t generation;
    bool cancelled = false;  // cancelled by its own function; removed when that returns
  };

  bool alive(std::uint32_t slot, std::uint32_t generation) const noexcept;
  void watch(std::uint32_t slot);

  Slab<Entry> entries_;
  Driver* driver_ = nullptr;  // set while the loop runs
  std::uint32_t running_ = Slab<Entry>::none;
  std::uint32_t generations_ = 0;
};

}}}  // namespace evio::v0::detail
