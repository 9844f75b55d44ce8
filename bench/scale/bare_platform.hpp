// A kernel that costs nothing, so that measurements show the library alone.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backend/platform.hpp"

namespace bench {

using namespace evio;
using namespace evio::detail;

// What the kernel does next: makes the up calls of one poll.
using Script = std::function<void(Sink&)>;

class BareDriver final : public Driver {
 public:
  BareDriver(Sink& sink, const Script& script) : sink_(sink), script_(script) {}

  void accept_from(ListenerId, NativeSocket) override { accepting_ = true; }
  void set_accepting(ListenerId, bool) override {}
  void close_listener(ListenerId) override {}
  void bind_datagram(UdpSocketId, NativeSocket) override {}
  bool send_to(UdpSocketId, const Datagram&) override { return true; }
  void close_datagram(UdpSocketId) override {}
  std::error_code set_options(UdpSocketId, const Options&) override { return {}; }
  Address local_address(UdpSocketId) override { return {}; }
  NativeSocket native(UdpSocketId) override { return {}; }
  void connect(ConnectId, const Address&, const Options&) override {}
  void cancel(ConnectId) override {}
  std::error_code watch(WatchId, NativeSocket, Interest) override { return {}; }
  void unwatch(WatchId) override {}
  NativeSocket pollable() override { return {}; }
  void open(StreamId, NativeSocket) override {}
  std::size_t send_now(StreamId, std::span<const Chunk> chunks) override {
    std::size_t size = 0;
    for (const Chunk& chunk : chunks) size += chunk.size;
    return size;
  }
  std::size_t send(StreamId stream, std::span<const Chunk> chunks) override {
    return send_now(stream, chunks);
  }
  void set_receiving(StreamId, bool) override {}
  void shutdown_send(StreamId) override {}
  bool is_drained(StreamId) override { return true; }
  void detach(StreamId) override {}
  void close(StreamId stream, CloseMode) override { closing_.push_back(stream); }
  std::error_code set_options(StreamId, const Options&) override { return {}; }
  Address local_address(StreamId) override { return {}; }
  NativeSocket native(StreamId) override { return {}; }
  Duration now() override { return std::chrono::steady_clock::now().time_since_epoch(); }
  PollResult poll(Duration) override {
    sink_.on_woken();
    for (const StreamId stream : std::exchange(closing_, {})) sink_.on_closed(stream, {});
    if (accepting_) script_(sink_);  // before that the loop has no listener
    return {.any = true};
  }

 private:
  Sink& sink_;
  const Script& script_;
  std::vector<StreamId> closing_;
  bool accepting_ = false;
};

class BarePlatform final : public Platform {
 public:
  explicit BarePlatform(const Script& script) : script_(script) {}

  Bound bind(const Address& address, bool, int, const Options&) override { return {{1}, address}; }
  Bound inherit(Socket, int, const Options&) override { return {}; }
  Socket duplicate(NativeSocket) override { return {}; }
  NativeSocket take_over(Socket&&) override { return {}; }
  void retire(const Bound&) noexcept override {}
  void discard(NativeSocket) noexcept override {}
  std::unique_ptr<Waker> make_waker() override { return std::make_unique<Nobody>(); }
  std::unique_ptr<Driver> make_driver(Sink& sink, Waker&) override {
    return std::make_unique<BareDriver>(sink, script_);
  }
  void run(std::span<Runner* const> runners, const std::function<void()>&) override {
    while (runners.front()->run_once()) {
    }
  }
  ResolveHandle resolve(const Address&, std::function<void(Resolved)>) override { return nullptr; }
  void report(std::string_view) noexcept override {}
  Duration now() override { return std::chrono::steady_clock::now().time_since_epoch(); }
  std::uint64_t random() override { return 4; }
  int hardware_threads() override { return 1; }
  std::shared_ptr<void> catch_signals(Stoppable&) override { return nullptr; }

 private:
  struct Nobody final : Waker {
    void wake() noexcept override {}
  };
  const Script& script_;
};

}  // namespace bench
