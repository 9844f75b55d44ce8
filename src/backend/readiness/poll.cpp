// The selector for poll(2).
#include <poll.h>

#include <cerrno>
#include <cstddef>
#include <new>
#include <unordered_map>
#include <vector>

#include "backend/posix/clock.hpp"
#include "backend/readiness/selector.hpp"

namespace evio { inline namespace v0 { namespace detail {

namespace {

// Portable, but the cost of each wait is proportional to the number of descriptors.
class Poll final : public Selector {
 public:
  std::error_code add(int fd, Wanted wanted, std::uint64_t key) override try {
    if (entries_.size() == entries_.capacity()) {
      const std::size_t room = 2 * entries_.size() + 16;
      ready_.reserve(room);
      keys_.reserve(room);
      entries_.reserve(room);
    }
    places_[fd] = entries_.size();
    entries_.push_back({.fd = fd, .events = events(wanted), .revents = 0});
    keys_.push_back(key);
    return {};
  } catch (const std::bad_alloc&) {
    return {ENOMEM, std::generic_category()};
  }

  std::error_code modify(int fd, Wanted wanted, std::uint64_t key) override {
    const std::size_t place = places_.at(fd);
    entries_[place].events = events(wanted);
    keys_[place] = key;
    return {};
  }

  // Moves the last entry to the place of the removed one, so that the array has no gaps.
  void remove(int fd) override {
    const auto found = places_.find(fd);
    if (found == places_.end()) return;
    const std::size_t place = found->second;
    places_.erase(found);
    if (place + 1 != entries_.size()) {
      entries_[place] = entries_.back();
      keys_[place] = keys_.back();
      places_[entries_[place].fd] = place;
    }
    entries_.pop_back();
    keys_.pop_back();
  }

  void forget(int fd, bool) override { remove(fd); }

  bool watch_wakes(int fd, std::uint64_t key) override {
    add(fd, {.read = true}, key);
    return true;
  }

  int fd() const noexcept override { return -1; }

  std::span<const Ready> wait(Duration timeout) override {
    ready_.clear();
    int left = ::poll(entries_.data(), entries_.size(), milliseconds(timeout));
    complete_ = left >= 0;
    for (std::size_t i = 0; left > 0 && i < entries_.size(); ++i) {
      const int events = entries_[i].revents;
      if (events == 0) continue;
      --left;
      ready_.push_back({.key = keys_[i],
                        .readable = (events & POLLIN) != 0,
                        .writable = (events & POLLOUT) != 0,
                        .hung_up = (events & (POLLHUP | POLLERR | POLLNVAL)) != 0});
    }
    return ready_;
  }

  bool complete() const noexcept override { return complete_; }

 private:
  static short events(Wanted wanted) noexcept {
    return static_cast<short>((wanted.read ? POLLIN : 0) | (wanted.write ? POLLOUT : 0));
  }

  std::vector<pollfd> entries_;
  std::vector<std::uint64_t> keys_;              // the key of each entry
  std::unordered_map<int, std::size_t> places_;  // the index of each descriptor in entries_
  std::vector<Ready> ready_;
  bool complete_ = true;
};

}  // namespace

std::unique_ptr<Selector> make_poll() { return std::make_unique<Poll>(); }

}}}  // namespace evio::v0::detail
