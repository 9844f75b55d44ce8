// A peer of a service with a codec: each message is passed whole, once and in order, and so are the
// replies.
#pragma once

#include <cstdint>
#include <evio/evio.hpp>
#include <evio/simulation.hpp>
#include <string>
#include <vector>

#include "backend/simulated/chance.hpp"

namespace evio::test {

using namespace sim;

using namespace detail;

class Model;

/// A world's codec, and the sizes of its messages.
struct Framing {
  Codec codec;
  std::size_t least, most;  // bytes of a message
};
Framing a_framing(Chance& chance);

class Framed {
 public:
  Framed(Model& model, Peer& peer, std::uint32_t number);
  Framed(const Framed&) = delete;
  Framed& operator=(const Framed&) = delete;

  Peer& peer;

  // The server's side.
  Action opened(Conn& c);
  Action data(Conn& c, Input& in);
  void closed(Conn& c, std::error_code error);

  // The peer, between the loops' iterations.
  void send(std::size_t size);
  void wake();
  void handle_send(std::size_t size);
  void peer_broke() noexcept { peer_broke_ = true; }
  void finale();

  void check_peer();
  void check_at_end();

 private:
  enum class State { none, open, gone };

  std::string message(std::size_t size);
  void answer(Conn& c, const std::string& message);
  void fail(const std::string& why);

  Model& model_;
  const std::uint32_t number_;
  Chance chance_;
  const Framing& framing_;
  State state_ = State::none;
  Handle handle_;
  std::vector<std::string> sent_;
  std::size_t shown_ = 0;   // how many messages were passed to `data`
  bool too_large_ = false;  // a message exceeds the limit
  std::string expected_;    // what the peer must receive
  bool paused_ = false;
  bool peer_broke_ = false;
  int wakes_ = 0;
};

}  // namespace evio::test
