// Runs work on another thread; an exception fails the test instead of ending the program.
#pragma once

#include <gtest/gtest.h>

#include <exception>
#include <thread>
#include <utility>

namespace evio::test {

/// Runs `work` from construction; destruction waits for it.
class Background {
 public:
  template <class Work>
  explicit Background(Work work)
      : thread_([work = std::move(work)]() mutable {
          try {
            work();
          } catch (const std::exception& error) {
            ADD_FAILURE() << "in the background: " << error.what();
          }
        }) {}
  Background(Background&&) = default;
  ~Background() { join(); }

  void join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::thread thread_;
};

}  // namespace evio::test
