// A connection of a random world: what its handlers do, and the rules that are checked meanwhile.
#pragma once

#include <evio/evio.hpp>
#include <evio/simulation.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backend/simulated/chance.hpp"

namespace evio::test {

using namespace sim;

using namespace detail;

class Model;

class Watched {
 public:
  Watched(Model& model, Peer& peer, std::uint32_t number);
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  Peer& peer;
  const std::uint32_t number;

  // The server's side.
  Action opened(Conn& c);
  Action data(Conn& c, Input& in);
  Action drained(Conn& c);
  Action ended(Conn& c, Input& in);
  void closed(Conn& c, std::error_code error);
  void detached(Conn& c, Socket socket);
  void failed(Conn& c);
  /// A post or a timer of the connection runs: true if it may.
  bool runs(Conn& c, const char* what);
  /// Its loop is about to send output.
  void committed() noexcept { allowed_ = expected_.size(); }

  // The peer, between the loops' iterations.
  void send(std::size_t size);
  void wake();
  void handle_send(std::size_t size);
  void handle_post(std::size_t size);
  void handle_close();
  void peer_reset() noexcept { peer_broke_ = true; }
  void peer_closed() noexcept { peer_broke_ = true; }
  void someone_writes(Conn& c);
  /// Ends the connection: reads, ends, closes.
  void finale();

  void check_peer();
  void check_at_end();
  bool is_open() const noexcept { return state_ == State::open || state_ == State::ended; }
  bool was_opened() const noexcept { return state_ != State::none; }
  bool gone() const noexcept { return state_ == State::gone; }
  int loop() const noexcept { return loop_; }

 private:
  enum class State { none, open, ended, gone };
  enum class Role { echo, producer, sink, sender, detacher, aborter, thrower, closer };

  struct Alive {  // its context: destroyed right after `closed`
    Watched* of;
    ~Alive() { --of->contexts_; }
  };

  bool fail(const std::string& why);
  std::string name() const;
  void enter(Conn& c, bool readable, const char* handler);
  bool write(Conn& c, std::string_view bytes);
  std::string answer(std::size_t size);
  void take(Input& in, std::size_t size);
  void check_input(const Input& in);
  Action produce(Conn& c);
  Action echo(Conn& c, Input& in);
  void maybe_throw();
  void arm_timer(Conn& c);
  void read_detached();
  void adopt_again(Loop& loop, Socket socket);
  void adopted_data(Conn& c, Input& in);
  void adopted_closed(std::error_code error);
  Action by_chance(Conn& c, Action action);
  bool was_heard(Duration until) const;

  Model& model_;
  Chance chance_;
  const Role role_;
  State state_ = State::none;
  int loop_ = 0;
  std::uint64_t id_ = 0;
  Handle handle_;
  int contexts_ = 0;
  std::string expected_;     // all that was written for the peer
  std::size_t allowed_ = 0;  // of it, what may have been sent (group commit)
  std::size_t sent_ = 0;     // bytes sent by the peer
  std::vector<std::pair<Duration, std::size_t>> sends_;  // of those: when, and where each send ends
  std::size_t taken_ = 0;                                // of those, how many the handlers consumed
  std::size_t offered_ = 0;                              // the end of what was passed to `data`
  std::size_t left_ = 0;  // unconsumed when the last handler returned
  std::size_t to_produce_ = 0;
  bool congested_ = false;
  bool paused_ = false;
  int wakes_ = 0;  // requested and perhaps not yet seen
  bool wake_due_ = false;
  bool aborted_ = false;
  bool closing_ = false;  // closing from our side, in any way
  bool threw_ = false;
  bool handle_closed_ = false;
  bool by_handle_ = false;  // bytes were sent through the handle: their congestion is not reported
  bool peer_broke_ = false;
  bool overflowed_ = false;
  bool saw_end_ = false;
  bool throws_ = false;
  std::size_t arrived_ = 0;    // sends with a completion that are known to have reached the loop
  std::size_t completed_ = 0;  // of those, how many callbacks have run
  bool adopted_ = false;       // opened again after it was detached
  Duration opened_at_{};
  Duration closed_at_{};  // when close was requested
  Duration active_at_{};  // when the last traffic is known to have happened
  std::error_code error_;
  std::shared_ptr<Socket> socket_;
  std::size_t socket_taken_ = 0;
};

/// The byte i that peer n sends.
inline char byte_of(std::uint32_t number, std::size_t i) noexcept {
  return static_cast<char>(number * 131 + i * 7 + (i >> 8) * 3);
}

}  // namespace evio::test
