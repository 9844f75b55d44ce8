// A simulated peer: the other side of a connection, or a datagram socket.
#pragma once

#include <evio/simulation.hpp>
#include <optional>
#include <string>
#include <vector>

#include "backend/simulated/byte_queue.hpp"
#include "backend/simulated/network.hpp"
#include "backend/simulated/world.hpp"

namespace evio { inline namespace v0 { namespace detail {

using namespace sim;

// The private part of sim::Peer. Data that was written waits in the outbox until the connection is
// made and has room.
class PeerCore final : private SocketHolder, private Timed {
 public:
  PeerCore(World& world, Network& network, const Address& to, const std::optional<Address>& from,
           std::uint32_t number);
  PeerCore(const PeerCore&) = delete;
  PeerCore& operator=(const PeerCore&) = delete;
  ~PeerCore();

  Peer peer;

  void send(std::string_view bytes);
  void shutdown_write();
  void close();
  void reset();
  void set_reading(bool reading);
  void stay_open() noexcept { stays_open_ = true; }
  void when_changed(Callback<void(Peer&)> fn) { when_changed_ = std::move(fn); }
  void forget_received();

  const std::string& received() const noexcept { return received_; }
  const std::vector<std::string>& datagrams() const noexcept { return datagrams_; }
  bool connected() const noexcept { return connected_; }
  bool ended() const noexcept { return ended_; }
  bool done() const noexcept { return connected_ ? !socket_.has_value() : error_ != 0 || gave_up_; }
  bool can_send() const noexcept {
    return port_ || !(end_asked_ || error_ || closing_ || gave_up_ || done());
  }
  int error() const noexcept { return error_; }
  std::size_t unsent() const noexcept;
  const Address& address() const noexcept { return address_; }

 private:
  void due(std::uint64_t what) override;
  void stirred(std::uint32_t) override;
  void stirred_port(std::uint32_t) override;
  void try_connecting();
  void advance();
  void flush();
  bool receive();
  void leave(CloseMode mode);
  void tell();

  World& world_;
  Network& network_;
  const std::uint32_t member_;
  const std::uint32_t number_;
  const Address to_;
  Address address_;
  std::optional<SocketId> socket_;
  std::optional<PortId> port_;
  ByteQueue outbox_;
  std::string received_;
  std::vector<std::string> datagrams_;
  Callback<void(Peer&)> when_changed_;
  int error_ = 0;
  int attempts_ = 0;
  bool connected_ = false;
  bool gave_up_ = false;
  bool reading_ = true;
  bool end_asked_ = false;  // the end follows the outbox
  bool end_sent_ = false;
  bool closing_ = false;  // it closes once the outbox is empty
  bool ended_ = false;
  bool stays_open_ = false;
};

}}}  // namespace evio::v0::detail
