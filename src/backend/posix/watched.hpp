// The user's descriptors that one driver watches.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/driver.hpp"

namespace evio { inline namespace v0 { namespace detail {

class Watched {
 public:
  struct One {
    int fd = -1;  // -1: not watched
    Interest interest = Interest::read;
    std::uint32_t generation = 0;  // distinguishes it from earlier ones with the same id

    bool wants(Interest what) const noexcept {
      return (static_cast<unsigned>(interest) & static_cast<unsigned>(what)) != 0;
    }
  };

  One& add(WatchId name, NativeSocket descriptor, Interest interest) {
    const auto index = static_cast<std::size_t>(name);
    if (index >= all_.size()) all_.resize(index + 1);
    all_[index] = {static_cast<int>(descriptor.value), interest, all_[index].generation + 1};
    return all_[index];
  }
  One& operator[](WatchId name) noexcept { return all_[static_cast<std::size_t>(name)]; }
  bool alive(WatchId name, std::uint32_t generation) const noexcept {
    const One& one = all_[static_cast<std::size_t>(name)];
    return one.fd >= 0 && one.generation == generation;
  }

  // What to report: 1 for read, 2 for write, 0 for nothing. An error makes the descriptor ready for
  // everything that is wanted.
  static unsigned ready(const One& one, bool readable, bool writable, bool broken) noexcept {
    return ((readable || broken) && one.wants(Interest::read) ? 1U : 0U) |
           ((writable || broken) && one.wants(Interest::write) ? 2U : 0U);
  }

 private:
  std::vector<One> all_;  // by id
};

}}}  // namespace evio::v0::detail
