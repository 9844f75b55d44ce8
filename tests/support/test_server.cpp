#include "test_server.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace evio::test {

void TestServer::start() {
  threads_before_ = thread_ids();
  const auto running = std::make_shared<std::atomic<int>>(0);
  for (int i = 0; i < server_.loops(); ++i) server_.loop(i).post([running] { ++*running; });
  thread_ = std::thread([this] {
    try {
      server_.run();
    } catch (...) {
      error_ = std::current_exception();
    }
    ended_.open();
  });
  EXPECT_TRUE(eventually([&] { return *running == server_.loops() || ended(); }))
      << "the server does not start";
}

TestServer::~TestServer() {
  server_.shutdown();
  join();
  if (error_ && !error_seen_) ADD_FAILURE() << "the server threw: " << message_of(error_);
}

std::exception_ptr TestServer::stop() {
  server_.shutdown();
  return wait();
}

std::exception_ptr TestServer::wait() {
  join();
  error_seen_ = true;
  return error_;
}

void TestServer::join() {
  if (!thread_.joinable()) return;
  if (!ended_.wait()) {
    // The thread cannot be stopped, and the objects that its handlers refer to are about to be
    // destroyed.
    std::fputs("the server does not stop\n", stderr);
    std::abort();
  }
  thread_.join();
}

std::set<pid_t> TestServer::threads() const {
  std::set<pid_t> threads = thread_ids();
  for (const pid_t before : threads_before_) threads.erase(before);
  return threads;
}

void TestServer::on_loop(int index, Callback<void()> fn) {
  const auto done = std::make_shared<Gate>();
  server_.loop(index).post([done, fn = std::move(fn)] {
    fn();
    done->open();
  });
  if (!done->wait()) throw std::runtime_error("a post did not run");
}

std::string message_of(const std::exception_ptr& error) {
  if (!error) return "";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& known) {
    return known.what();
  } catch (...) {
    return "something that is no std::exception";
  }
}

}  // namespace evio::test
