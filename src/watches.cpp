// Watches: registration of the user's descriptors with the driver.
#include "watches.hpp"

#include <evio/error.hpp>
#include <string>
#include <utility>

namespace evio { inline namespace v0 {

using namespace detail;

Watch Watches::add(NativeSocket descriptor, Interest interest, Callable fn) {
  if (!fn)
    throw Error(std::make_error_code(std::errc::invalid_argument),
                "descriptor " + std::to_string(descriptor.value),
                "a watch needs a function to call");
  const std::uint32_t slot =
      entries_.make(Entry{descriptor, interest, std::move(fn), ++generations_});
  try {
    if (driver_) watch(slot);
  } catch (...) {
    entries_.destroy(slot);
    throw;
  }
  return {weak_from_this(), slot, generations_};
}

void Watches::watch(std::uint32_t slot) {
  const Entry& entry = entries_[slot];
  if (const std::error_code error =
          driver_->watch(static_cast<WatchId>(slot), entry.descriptor, entry.interest))
    throw Error(error, "descriptor " + std::to_string(entry.descriptor.value),
                error == std::errc::file_exists
                    ? "it is watched already: set that watch, or watch a duplicate of it"
                    : "it cannot be watched");
}

bool Watches::alive(std::uint32_t slot, std::uint32_t generation) const noexcept {
  return entries_.alive(slot) && entries_[slot].generation == generation &&
         !entries_[slot].cancelled;
}

// The driver has no call that changes a watch, so it is replaced.
void Watches::set(std::uint32_t slot, std::uint32_t generation, Interest interest) {
  if (!alive(slot, generation)) return;
  entries_[slot].interest = interest;
  if (!driver_) return;
  driver_->unwatch(static_cast<WatchId>(slot));
  watch(slot);
}

// A function that cancels its own watch is still running, so its entry is destroyed later, by
// run().
void Watches::cancel(std::uint32_t slot, std::uint32_t generation) noexcept {
  if (!alive(slot, generation)) return;
  if (driver_) driver_->unwatch(static_cast<WatchId>(slot));
  if (slot == running_)
    entries_[slot].cancelled = true;
  else
    entries_.destroy(slot);
}

// Failures are reported one by one; the other descriptors are watched all the same.
void Watches::start(Driver& driver, const Callback<void(std::exception_ptr)>& failed) {
  driver_ = &driver;
  for (std::uint32_t slot = entries_.next(0); slot != entries_.none;
       slot = entries_.next(slot + 1)) {
    try {
      watch(slot);
    } catch (...) {
      entries_.destroy(slot);
      failed(std::current_exception());
    }
  }
}

void Watches::stop() noexcept {
  driver_ = nullptr;
  for (std::uint32_t slot = entries_.next(0); slot != entries_.none; slot = entries_.next(slot + 1))
    entries_.destroy(slot);
}

void Watches::run(WatchId name, Interest ready) {
  struct Running {
    Running(Watches& in, std::uint32_t slot) : watches(in) { watches.running_ = slot; }
    ~Running() {
      const std::uint32_t slot = std::exchange(watches.running_, Slab<Entry>::none);
      if (watches.entries_[slot].cancelled) watches.entries_.destroy(slot);
    }
    Watches& watches;
  };
  const Running running(*this, static_cast<std::uint32_t>(name));
  entries_[running_].fn(ready);
}

void Watch::set(Interest interest) {
  if (const auto watches = watches_.lock()) watches->set(slot_, generation_, interest);
}

void Watch::cancel() noexcept {
  if (const auto watches = watches_.lock()) watches->cancel(slot_, generation_);
}

}}  // namespace evio::v0
