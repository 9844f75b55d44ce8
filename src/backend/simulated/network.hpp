// The simulated network: connections with bounded buffers, listeners, and datagrams.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <evio/address.hpp>
#include <evio/options.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backend/driver.hpp"
#include "backend/simulated/byte_queue.hpp"
#include "backend/simulated/world.hpp"

namespace evio { inline namespace v0 { namespace detail {

enum class SocketId : std::uint32_t {};       // one side of a connection
enum class NetListenerId : std::uint32_t {};  // a listening socket
enum class PortId : std::uint32_t {};         // a datagram socket

// The value of a NativeSocket before a driver takes it: a mark for its kind, and the id. It must
// fit into an intptr_t of 32 bits.
constexpr std::intptr_t listener_mark = 1 << 29;
constexpr std::intptr_t port_mark = 1 << 30;
template <class Id>
constexpr Id id_of(NativeSocket socket) noexcept {
  return static_cast<Id>(static_cast<std::uint32_t>(socket.value) & (listener_mark - 1));
}

// The owner of a socket. It is notified when there may be something to do for the socket.
class SocketHolder {
 public:
  virtual void stirred(std::uint32_t name) = 0;
  virtual void stirred_listener(std::uint32_t) {}
  virtual void stirred_port(std::uint32_t) {}

 protected:
  ~SocketHolder() = default;
};

// Every socket has a holder: a driver, a simulated peer, or a bridge. Bytes move by events of the
// world, with random latencies.
class Network final : private Timed {
 public:
  struct Packet {
    Address from, to;
    std::string bytes;
  };

  explicit Network(World& world);
  ~Network();

  // ---- Listening. Throws Error if the address is taken.
  // Port 0 is replaced by a free port.
  NetListenerId listen(const Address& asked, bool reuseport, int backlog, const Options& options);
  const Address& address(NetListenerId id) const noexcept { return listeners_[index(id)].address; }
  void hold(NetListenerId id, SocketHolder& holder, std::uint32_t name);
  bool anybody_waits(NetListenerId id) const noexcept {
    return !listeners_[index(id)].queue.empty();
  }
  SocketId accept(NetListenerId id);
  // Connections that wait to be accepted are reset.
  void close(NetListenerId id);
  // Removes the name of a unix socket: new connections cannot reach it any more.
  void unlink(const Address& path) noexcept;

  // ---- Connecting.

  // The address at which a name or a wildcard is reached: 127.0.0.1 or ::1.
  static Address reachable(const Address& address);
  // Returns one side of a new connection; the other side waits at the listener. Nothing if there is
  // no listener, or if its backlog is full (then `busy` is set).
  std::optional<SocketId> connect(const Address& from, const Address& to, bool& busy);

  // ---- A connection's side.
  void hold(SocketId id, SocketHolder& holder, std::uint32_t name);
  const Address& local(SocketId id) const noexcept;
  const Address& remote(SocketId id) const noexcept { return local(other(id)); }
  // The number of bytes that send() would accept.
  std::size_t room(SocketId id) const noexcept;
  std::size_t send(SocketId id, std::string_view bytes);
  std::size_t send(SocketId id, std::span<const Chunk> chunks, std::size_t most);
  // Ends the sending direction after the bytes that were sent.
  void end(SocketId id);
  // Bytes that have arrived. consume() removes them, and makes room for further ones.
  std::string_view unread(SocketId id) const noexcept { return side(id).unread.view(); }
  void consume(SocketId id, std::size_t count);
  // Whether the other side's end has arrived, after the unread bytes.
  bool ended(SocketId id) const noexcept { return side(id).end_arrived; }
  // The errno with which the connection has broken; 0 if it has not.
  int error(SocketId id) const noexcept { return side(id).error; }
  bool is_drained(SocketId id) const noexcept;
  void set_buffers(SocketId id, const Options& options);
  void close(SocketId id, CloseMode mode);
  // The holder gives the side up to the next holder. `unread` are bytes that it had consumed but
  // not used; `sent` are bytes to be sent, regardless of the room.
  void give_back(SocketId id, std::string_view unread, std::string_view sent);
  // Makes a side of a connection that is broken already.
  SocketId broken();
  // The number of sides that have a holder or wait to be accepted.
  std::size_t open_sides() const noexcept { return open_sides_; }

  // ---- Datagrams. Throws Error if the address is taken.
  PortId bind_port(const Address& asked, bool reuseport);
  const Address& address(PortId id) const noexcept { return ports_[index(id)].address; }
  void hold(PortId id, SocketHolder& holder, std::uint32_t name);
  // From now on the port receives datagrams of that peer only, and refused() reports whether no
  // socket receives at the peer's address.
  void connect(PortId id, const Address& peer) { ports_[index(id)].peer = peer; }
  bool refused(PortId id) const noexcept { return ports_[index(id)].refused; }
  bool take_refused(PortId id) noexcept { return std::exchange(ports_[index(id)].refused, false); }
  void send(const Packet& mail);
  std::deque<Packet>& mails(PortId id) noexcept { return ports_[index(id)].mails; }
  void close(PortId id);

 private:
  struct Side {
    ByteQueue unsent;  // accepted from the holder, not at the other side yet
    ByteQueue unread;  // arrived from the other side
    SocketHolder* holder = nullptr;
    std::uint32_t name = 0;
    std::uint32_t unsent_max = 64 << 10;
    std::uint32_t unread_max = 64 << 10;
    int error = 0;
    bool end_asked = false;    // the end follows `unsent`
    bool end_arrived = false;  // the other side's end follows `unread`
    bool closed = false;       // it has no holder any more
    bool moving = false;       // an event will call move()
  };
  struct Link {
    std::array<Side, 2> sides;
    std::array<Address, 2> addresses;  // of the sides
    std::uint32_t generation = 0;
    bool broken = false;
  };
  struct ListenerState {
    Address address;
    bool open = true;
    bool linked = true;  // the name of a unix socket still refers to it
    bool reuseport = false;
    std::size_t backlog = 0;
    Options options{};
    std::deque<SocketId> queue{};
    SocketHolder* holder = nullptr;
    std::uint32_t name = 0;
  };
  struct Port {
    Address address;
    bool open = true;
    bool reuseport = false;
    bool refused = false;
    std::optional<Address> peer{};
    std::deque<Packet> mails{};
    SocketHolder* holder = nullptr;
    std::uint32_t name = 0;
  };
  enum class What : std::uint8_t { move, reset, mail };

  template <class Id>
  static std::size_t index(Id id) noexcept {
    return static_cast<std::size_t>(id);
  }
  static SocketId other(SocketId id) noexcept { return static_cast<SocketId>(index(id) ^ 1); }
  Link& link(SocketId id) noexcept { return links_[index(id) / 2]; }
  const Link& link(SocketId id) const noexcept { return links_[index(id) / 2]; }
  Side& side(SocketId id) noexcept { return link(id).sides[index(id) % 2]; }
  const Side& side(SocketId id) const noexcept { return link(id).sides[index(id) % 2]; }

  void due(std::uint64_t what) override;
  void schedule(What what, SocketId id, Duration delay);
  Duration latency();
  // Returns the first of the two sides.
  SocketId make_link();
  std::optional<NetListenerId> find_listener(const Address& to);
  std::optional<PortId> find_port(const Address& to, const Address& from);
  Address with_free_port(const Address& address);
  void stir(SocketId id);
  void start_moving(SocketId id);
  void move(SocketId id);
  void break_both(SocketId id);
  void break_side(SocketId id, int error);
  void free_if_done(SocketId id);
  void deliver(Packet mail);
  void bounce(const Packet& mail);

  World& world_;
  const std::uint32_t member_;
  std::deque<Link> links_;
  std::vector<std::uint32_t> free_links_;
  std::size_t open_sides_ = 0;
  std::vector<ListenerState> listeners_;
  std::vector<Port> ports_;
  std::unordered_map<Address, PortId> ports_by_address_;  // ports without a wildcard
  std::vector<PortId> wildcard_ports_;
  std::vector<Packet> mail_under_way_;
  std::vector<std::uint32_t> free_mail_;
  std::uint16_t next_port_ = 49152;
};

}}}  // namespace evio::v0::detail
