// A UDP peer of a random world: every datagram that the server receives from it was sent by it, and
// every reply is for it.
#pragma once

#include <evio/evio.hpp>
#include <evio/simulation.hpp>
#include <set>
#include <string>

namespace evio::test {

using namespace sim;

class Model;

class DatagramPeer {
 public:
  DatagramPeer(Model& model, Peer& peer, std::uint32_t number)
      : peer_(peer), model_(model), number_(number) {}

  void send(std::size_t size);
  Action data(Conn& c, Input& in);
  void check();
  void check_at_end();
  const Address& address() const noexcept { return peer_.address(); }

 private:
  std::string text(std::size_t serial, std::size_t size) const;

  Peer& peer_;
  Model& model_;
  const std::uint32_t number_;
  std::size_t sent_ = 0;
  std::size_t seen_ = 0;
  std::size_t answered_ = 0;
  std::size_t refused_ = 0;
  std::size_t last_serial_ = 0;
  std::set<std::string> asked_, answers_;
  std::size_t checked_ = 0;
};

}  // namespace evio::test
