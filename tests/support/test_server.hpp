// Runs an evio::Server on its own thread.
#pragma once

#include <evio/evio.hpp>
#include <exception>
#include <set>
#include <thread>

#include "client.hpp"
#include "process.hpp"
#include "waiting.hpp"

namespace evio::test {

/// Runs a server from construction, which returns once its loops run (or it has ended), to
/// destruction. A server that does not stop within the hang guard aborts the test program; an
/// exception from run() that the test did not fetch fails it.
class TestServer {
 public:
  template <class... Addresses>
  explicit TestServer(Events events, Addresses&&... addresses)
      : server_(std::move(events), std::forward<Addresses>(addresses)...) {
    start();
  }
  TestServer(const TestServer&) = delete;
  ~TestServer();

  Server& operator*() noexcept { return server_; }
  Server* operator->() noexcept { return &server_; }

  const Address& address(std::size_t index = 0) const { return server_.addresses().at(index); }
  std::uint16_t port(std::size_t index = 0) const { return address(index).port(); }
  /// Connects a client to the address over loopback.
  Client connect(Buffers buffers = {}, std::size_t index = 0) const {
    return Client::to(address(index), buffers);
  }

  /// Whether run() has returned.
  bool ended() const { return ended_.is_open(); }
  /// Waits until run() returns by itself; returns its exception or null.
  std::exception_ptr wait();
  /// Shuts down and waits; returns run()'s exception or null.
  std::exception_ptr stop();

  /// The server's threads, and what they have used so far. Other threads must not have been started
  /// since.
  std::set<pid_t> threads() const;
  Usage usage() const { return test::usage(threads()); }

  /// Runs fn on a loop's thread and waits for it.
  void on_loop(int index, Callback<void()> fn);

 private:
  void start();
  void join();

  Server server_;
  Gate ended_;
  std::exception_ptr error_;
  bool error_seen_ = false;
  std::set<pid_t> threads_before_;
  std::thread thread_;
};

/// The message of an exception; "" if there is none.
std::string message_of(const std::exception_ptr& error);

}  // namespace evio::test
