// The user's descriptors in one loop.
#pragma once

#include <evio/callback.hpp>
#include <evio/watch.hpp>
#include <exception>
#include <memory>

#include "backend/driver.hpp"
#include "slab.hpp"

namespace evio { inline namespace v0 { namespace detail {

class Watches : public std::enable_shared_from_this<Watches> {
 public:
  using Callable = Callback<void(Interest)>;

  // Throws Error if the descriptor cannot be watched.
  Watch add(NativeSocket descriptor, Interest interest, Callable fn);
  void set(std::uint32_t slot, std::uint32_t generation, Interest interest);
  void cancel(std::uint32_t slot, std::uint32_t generation) noexcept;

  // The loop runs: what was added before is watched from now on. What cannot be is forgotten, and
  // `failed` gets its Error.
  void start(Driver& driver, const Callback<void(std::exception_ptr)>& failed);
  // The driver dies: nothing runs any more.
  void stop() noexcept;
  // Its descriptor is ready for that.
  void run(WatchId name, Interest ready);

 private:
  struct Entry {
    NativeSocket descriptor;
    Interest interest;
    Callable fn;
    std::uint32_t generation;
    bool cancelled = false;  // while it runs
  };

  bool alive(std::uint32_t slot, std::uint32_t generation) const noexcept;
  void watch(std::uint32_t slot);

  Slab<Entry> entries_;
  Driver* driver_ = nullptr;  // while the loop runs
  std::uint32_t running_ = Slab<Entry>::none;
  std::uint32_t generations_ = 0;
};

}}}  // namespace evio::v0::detail
