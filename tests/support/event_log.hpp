// Records events in order; any thread may add to it.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "waiting.hpp"

namespace evio::test {

class EventLog {
 public:
  void add(std::string event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
    added_.notify_all();
  }
  std::vector<std::string> events() const {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  std::size_t count(std::string_view event) const {
    const std::lock_guard lock(mutex_);
    return count_locked(event);
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return events_.size();
  }
  /// Waits until `event` was added at least `times` times; false if the hang guard passed first.
  [[nodiscard]] bool wait_for(std::string_view event, std::size_t times = 1) const {
    std::unique_lock lock(mutex_);
    return added_.wait_for(lock, hang_guard, [&] { return count_locked(event) >= times; });
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    events_.clear();
  }

 private:
  std::size_t count_locked(std::string_view event) const {
    return static_cast<std::size_t>(std::count(events_.begin(), events_.end(), event));
  }

  mutable std::mutex mutex_;
  mutable std::condition_variable added_;
  std::vector<std::string> events_;
};

}  // namespace evio::test
