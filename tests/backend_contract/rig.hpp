// A driver with a sink that records its up calls, runs a script in them, and checks the rules of
// the contract.
#pragma once

#include <gtest/gtest.h>

#include <evio/socket.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "backend/platform.hpp"
#include "sockets.hpp"
#include "support/bytes.hpp"
#include "support/process.hpp"
#include "support/waiting.hpp"

namespace evio::test {

using namespace detail;

/// A driver that the contract is tested with.
struct DriverKind {
  const char* name;
  std::unique_ptr<Platform> (*make_platform)();

  friend void PrintTo(const DriverKind& kind, std::ostream* to) { *to << kind.name; }
};

/// Every driver that this machine supports, and the asynchronous double.
const std::vector<DriverKind>& drivers();

/// An up call, and the stream, listener, connect or watch that it reports.
struct Up {
  enum Kind {
    accepted,
    accept_stopped,
    connected,
    connect_failed,
    received,
    end,
    sent,
    datagram,
    detached,
    closed,
    ready
  };
  Kind kind;
  std::uint32_t name;

  bool is(Kind of_kind, StreamId stream) const {
    return kind == of_kind && name == static_cast<std::uint32_t>(stream);
  }
};

/// Checks at all times that up calls come from inside poll, that the first of each poll is
/// on_woken, that none comes inside another call or for an id that is not in use, that only the end
/// is reported after close, and that counts add up.
class Rig final : private Sink {
 public:
  explicit Rig(const DriverKind& kind);
  Rig(const Rig&) = delete;
  ~Rig();

  Driver* operator->() noexcept { return driver_.get(); }
  Platform& platform() noexcept { return *platform_; }
  Waker& waker() noexcept { return *waker_; }
  void destroy_driver() { driver_.reset(); }

  /// Runs in each up call, after it was recorded.
  std::function<void(const Up&)> script;

  // Down calls that the rig records.
  void open(StreamId stream, NativeSocket socket);
  void close(StreamId stream, CloseMode mode = CloseMode::orderly);
  void detach(StreamId stream);
  /// Sends as the middle does: after what was sent before, from memory that stays in place until
  /// the send is reported and is then overwritten.
  void send(StreamId stream, std::string_view bytes, std::size_t chunk_size = 4096);
  std::size_t unsent(StreamId stream) { return outputs_[stream].bytes.size(); }
  bool sending(StreamId stream) { return outputs_[stream].in_flight > 0; }
  /// Whether the stream is open, and neither closing nor being detached.
  bool is_open(StreamId stream);
  /// Binds the address and accepts under this id; returns the true address.
  Address listen(ListenerId listener, const char* url = "tcp://127.0.0.1:0");
  Address bind(UdpSocketId socket, const char* url = "udp://127.0.0.1:0");

  /// Returns what the driver's poll returns.
  bool poll(Duration timeout) { return poll_at(driver_->now() + timeout); }
  bool poll_at(Duration deadline);
  /// Polls until `done`, and calls `between` after every poll; false, and the test fails, if the
  /// hang guard passed first.
  bool poll_until(const std::function<bool()>& done,
                  const std::function<void()>& between = nullptr);
  /// Polls until nothing more is reported.
  void poll_until_idle();
  /// What idle_for() used: it polls for that long while there is nothing to do.
  struct Cost {
    int polls = 0;
    Duration processor{};
  };
  Cost idle_for(Duration time);

  // The recorded up calls.
  struct StreamLog {
    std::string received;
    bool ended = false;
    std::optional<std::error_code> closed;
    std::optional<Socket> detached;
    std::size_t sent = 0;

    bool gone() const { return closed || detached; }
  };
  StreamLog& operator[](StreamId stream) { return logs_[stream]; }
  struct AcceptedSocket {
    ListenerId listener;
    Socket socket;
    Address peer;
  };
  std::vector<AcceptedSocket> accepted;
  std::vector<std::error_code> accept_stops;
  std::map<WatchId, std::vector<Interest>> readiness;
  std::map<ConnectId, Socket> connected;
  std::map<ConnectId, std::error_code> connect_failures;
  struct ReceivedDatagram {
    UdpSocketId socket;
    Address from, to;
    std::string bytes;
  };
  std::vector<ReceivedDatagram> datagrams;
  DatagramTally datagrams_sent;
  std::map<UdpSocketId, std::error_code> datagrams_refused;
  int up_calls = 0;

 private:
  struct Output {
    std::string bytes;                // not sent yet
    std::vector<std::string> pieces;  // the bytes of the send in flight
    std::vector<Chunk> chunks;
    std::size_t chunk_size = 0;
    std::size_t in_flight = 0;
  };

  void on_woken() override;
  void on_accepted(ListenerId listener, NativeSocket socket, const Address& peer) override;
  void on_accept_stopped(ListenerId listener, std::error_code error) override;
  void on_connected(ConnectId connect_id, NativeSocket socket) override;
  void on_connect_failed(ConnectId connect_id, std::error_code error) override;
  void on_received(StreamId stream, std::string_view bytes) override;
  void on_end_of_stream(StreamId stream) override;
  void on_sent(StreamId stream, std::size_t count) override;
  void on_datagram(UdpSocketId socket, const Datagram& datagram) override;
  void on_datagram_refused(UdpSocketId socket, std::error_code error) override;
  void on_datagrams_sent(const DatagramTally& tally) override;
  void on_ready(WatchId name, Interest ready) override;
  void on_detached(StreamId stream, NativeSocket socket) override;
  void on_closed(StreamId stream, std::error_code error) override;

  void check_up_call();
  void check_stream(StreamId stream);
  void run_script(Up::Kind kind, std::uint32_t name);
  void pump(StreamId stream);
  void taken(Output& output, std::size_t count);

  const std::unique_ptr<Platform> platform_;
  std::unique_ptr<Waker> waker_;
  std::unique_ptr<Driver> driver_;
  std::map<StreamId, StreamLog> logs_;
  std::map<StreamId, Output> outputs_;
  std::set<StreamId> alive_, closing_, detaching_;
  bool polling_ = false;
  bool woken_ = false;
  bool in_up_call_ = false;
};

/// Fails if this process has other descriptors open at the end of the scope than at its beginning.
class DescriptorCheck {
 public:
  DescriptorCheck() : before_(open_descriptors()) {}
  DescriptorCheck(const DescriptorCheck&) = delete;
  ~DescriptorCheck() { EXPECT_EQ(open_descriptors(), before_); }

 private:
  const std::set<int> before_;
};

/// The fixture of the contract's cases. The driver is destroyed at the end of a case with
/// everything that is open, and must close it.
class DriverContract : public testing::TestWithParam<DriverKind> {
 private:
  DescriptorCheck descriptors_;

 protected:
  Rig rig{GetParam()};
  const StreamId a{0}, b{1}, c{2};
};

}  // namespace evio::test

#define EVIO_ON_EVERY_DRIVER(suite)               \
  INSTANTIATE_TEST_SUITE_P(                       \
      Every, suite, testing::ValuesIn(drivers()), \
      [](const testing::TestParamInfo<DriverKind>& info) { return std::string(info.param.name); })
