// The chat server of docs/testing.md, tested as a user would: in simulation, under faults, without
// a port or a thread.
#include <gtest/gtest.h>

// example begins
#include <chrono>
#include <evio/evio.hpp>
#include <evio/simulation.hpp>
#include <evio/simulation_search.hpp>
#include <map>
#include <string>
#include <vector>

using namespace std::chrono_literals;

// Your server: the first line of a guest is its name, every further one is sent to all guests.
struct Chat {
  struct Guest {
    std::string name;
    evio::Handle handle;
  };
  std::map<std::uint64_t, Guest> guests;

  void say(const std::string& line) {
    for (auto& [id, guest] : guests)
      if (!guest.name.empty()) guest.handle.send(line);
  }

  evio::Events events() {
    return {
        .opened = [this](evio::Conn& c) { guests[c.id()] = {.name = "", .handle = c.handle()}; },
        .data =
            [this](evio::Conn& c, evio::Input& in) {
              for (std::size_t end = 0; (end = in.view().find('\n')) != std::string_view::npos;) {
                const std::string line(in.take(end + 1));
                Guest& guest = guests[c.id()];
                if (guest.name.empty())
                  guest.name = line.substr(0, end);
                else
                  say(guest.name + ": " + line);
              }
            },
        .closed = [this](evio::Conn& c, std::error_code) { guests.erase(c.id()); },
    };
  }
};

TEST(ChatServer, SendsEachLineToEveryGuest) {
  Chat chat;
  evio::Simulation sim(1);
  sim.serve(chat.events(), "tcp://:5000");
  auto& ann = sim.connect("tcp://:5000");
  auto& bob = sim.connect("tcp://:5000");
  ann.send("ann\n");
  bob.send("bob\n");
  sim.run_for(1s);
  ann.send("hel");  // a line in two parts
  sim.run_for(1s);
  ann.send("lo\n");
  sim.run_for(1s);
  EXPECT_EQ(ann.received(), "ann: hello\n");
  EXPECT_EQ(bob.received(), "ann: hello\n");
}

// Under every fault all guests receive the same lines in the same order, or have left.
struct Line {
  std::size_t guest;
  int number;

  friend std::ostream& operator<<(std::ostream& out, const Line& line) {
    return out << "guest " << line.guest << " says " << line.number;
  }
};

std::vector<Line> talk(std::uint64_t seed) {
  std::vector<Line> lines;
  for (int i = 0; i < 20; ++i)
    lines.push_back({.guest = (seed + static_cast<std::uint64_t>(i) * 7) % 5, .number = i});
  return lines;
}

std::string listen(std::uint64_t seed, const std::vector<Line>& lines) {
  Chat chat;
  evio::Simulation sim(seed, evio::sim::Faults::swarm(seed));
  sim.serve(chat.events(), "tcp://:5000");
  std::vector<evio::sim::Peer*> peers;
  for (int i = 0; i < 5; ++i) {
    peers.push_back(&sim.connect("tcp://:5000"));
    peers.back()->send("guest" + std::to_string(i) + "\n");
  }
  sim.run_for(3h);  // all have connected or failed to, even if the clock jumps
  for (const Line& line : lines) {
    peers[line.guest]->send("line " + std::to_string(line.number) + "\n");
    sim.run_for(1ms);
  }
  sim.run_for(3h);
  std::string longest;
  for (evio::sim::Peer* peer : peers)
    if (peer->received().size() > longest.size()) longest = peer->received();
  for (evio::sim::Peer* peer : peers) {
    if (longest.compare(0, peer->received().size(), peer->received()) != 0)
      return "two guests received different lines";
    if (!peer->done() && peer->received() != longest) return "a connected guest missed a line";
  }
  return chat.guests.size() <= peers.size() ? "" : "guests are left over";
}

TEST(ChatServer, AllGuestsReceiveTheSameLinesUnderFaults) {
  const auto failure = evio::sim::search({.seeds = 200}, talk, listen);
  EXPECT_FALSE(failure) << *failure;
}
// example ends
