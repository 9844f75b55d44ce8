// The server's side of the soak test: see script.hpp.
#pragma once

#include <atomic>
#include <evio/evio.hpp>
#include <mutex>
#include <thread>
#include <vector>

#include "script.hpp"

namespace evio::test::soak {

class Service {
 public:
  Service();
  Service(const Service&) = delete;
  ~Service();

  /// The events of the service, valid while this object exists.
  Events events();
  std::uint64_t opened() const noexcept { return opened_; }
  std::uint64_t closed() const noexcept { return closed_; }
  /// Whether no thread sends through a handle any more.
  bool idle();

 private:
  static constexpr std::size_t pushers = 2;

  struct Session {
    bool begun = false;
    Header header{};
  };
  struct Push {
    Handle to;
    std::string_view left;
  };

  Action data(Conn& conn, Input& in);
  Action ended(Conn& conn);
  void push_some(Random& random);

  std::atomic<std::uint64_t> opened_{0}, closed_{0};
  std::mutex mutex_;
  std::vector<Push> pushes_;
  std::size_t in_hand_ = 0;
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> threads_;
};

}  // namespace evio::test::soak
