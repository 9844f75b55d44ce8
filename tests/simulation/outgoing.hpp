// An outgoing connection, to an echo server in the same world or to an address without a listener.
#pragma once

#include <cstdint>
#include <evio/evio.hpp>
#include <set>
#include <string>

#include "backend/simulated/chance.hpp"

namespace evio::test {

using namespace detail;

class Model;

class OutgoingConnection {
 public:
  OutgoingConnection(Model& model, std::uint32_t number);
  OutgoingConnection(const OutgoingConnection&) = delete;
  OutgoingConnection& operator=(const OutgoingConnection&) = delete;

  /// Calls Server::connect, or Loop::connect on one of its loops.
  void begin();
  void send(std::size_t size);
  void wake();
  void shut_write();
  void close();
  void abort();
  /// Ends the connection.
  void finale();

  void check_at_end();
  bool by_server() const noexcept { return by_server_; }
  /// Whether a handler of the connection has run.
  bool heard_of() const noexcept { return state_ != State::connecting; }
  int loop() const noexcept { return loop_; }
  bool is_open() const noexcept { return state_ == State::open; }

 private:
  enum class State { connecting, open, gone };
  enum class Place { tcp, tcp_by_name, local, udp, nobody, nowhere };

  Binding binding();
  void use(const Handle& handle);
  void begin_on_loop();
  void opened(Conn& c);
  void data(Conn& c, Input& in);
  void closed(Conn& c, std::error_code error);
  void send_counted(const std::string& bytes);
  void fail(const std::string& why);
  bool is_late(Duration time) const;
  bool reachable() const noexcept { return place_ <= Place::udp; }

  Model& model_;
  const std::uint32_t number_;
  Chance chance_;
  const Place place_;
  const bool by_server_;
  const Duration connect_timeout_;
  State state_ = State::connecting;
  bool made_ = false;
  int loop_ = -1;
  std::uint64_t id_ = 0;
  Duration begun_{};
  Handle handle_;
  std::string sent_;               // all bytes sent, in order
  std::size_t shown_ = 0;          // bytes of the echo that were passed to `data`
  std::size_t taken_ = 0;          // bytes of the echo that were consumed
  std::set<std::string> asked_{};  // datagrams sent
  std::size_t arrived_ = 0;        // sends that are known to have reached the loop
  std::size_t completed_ = 0;      // of those, how many callbacks have run
  std::size_t lost_ = 0;           // of those, the first that was lost; all later ones are, too
  int wakes_ = 0;
  bool write_shut_ = false;
  bool ended_by_us_ = false;
};

}  // namespace evio::test
