// A server in simulation.
#include <evio/simulation.hpp>

int main() {
  evio::Simulation sim(1);
  sim.serve({.opened = [] { return evio::Action::close; }}, "tcp://:5000");
  evio::sim::Peer& peer = sim.connect("tcp://:5000");
  sim.run();
  return peer.ended() ? 0 : 1;
}
