// A random world: a server whose handlers check the rules, its peers, and actions from outside the
// loops.
#pragma once

#include <deque>
#include <evio/evio.hpp>
#include <evio/simulation.hpp>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "datagram_peer.hpp"
#include "framed.hpp"
#include "outgoing.hpp"
#include "setting.hpp"
#include "timers.hpp"
#include "watched.hpp"

namespace evio::test {

/// An address without its scheme.
inline std::string place(const Address& address) {
  return address.host() + ' ' + std::to_string(address.port());
}

/// Totals of many runs.
struct Totals {
  std::uint64_t runs = 0;
  SimulationStats stats{};
  std::uint64_t fingerprint = 0;

  void add(const Simulation& sim);
  void add(const Totals& other);
};

class Model {
 public:
  explicit Model(std::uint64_t seed);
  Model(const Model&) = delete;

  /// Executes the steps; returns the first violated rule, or "".
  std::string run(const std::vector<Step>& steps);

  const Setting setting;
  Totals totals;
  bool record_trace = false;
  std::string trace;

  // For the parts of the model.
  Simulation& sim() noexcept { return *sim_; }
  Chance& chance() noexcept { return chance_; }
  bool fail(const std::string& why);
  bool failed() const noexcept { return !why_.empty(); }
  bool flawless() const noexcept { return setting.flawless; }
  bool stopping() const noexcept { return stopping_; }
  void note_adopted() noexcept { ++adopted_; }
  Watched* find(Conn& c);
  /// A connection has closed: its context must be destroyed before the next handler.
  void context_dies(const int& contexts) noexcept { dying_ = &contexts; }
  TimerChecks& timers(Loop& loop) { return timers_[static_cast<std::size_t>(loop.index())]; }
  Server& server() noexcept { return *server_; }

  /// Posts to a loop, by its number; the posts must run, and in order.
  void loop_post(const Step& step);

  /// An object of each handler call; fails if handlers are nested.
  class Inside {
   public:
    Inside(Model& model, const char* handler);
    ~Inside() { model_.inside_ = nullptr; }

   private:
    Model& model_;
  };

 private:
  Events events();
  Events framed_events();
  Events far_events();
  void connect_framed(std::uint32_t number);
  bool play_datagram(const Step& step);
  bool play_framed(const Step& step);
  bool play_outgoing(const Step& step);
  void finale();
  void check_counts();
  void check_balance();
  void play(const Step& step);
  void connect(const Step& step);
  Watched* of(std::uint32_t number);
  void check_loops_start(Loop& loop);
  void check_accepted(Conn& c);
  void note_gone(Conn& c);
  void stop();
  void check_totals();

  std::string why_;
  Chance chance_;
  std::map<std::uint32_t, std::unique_ptr<Watched>> peers_;
  std::map<std::uint32_t, std::unique_ptr<DatagramPeer>> datagram_peers_;
  std::map<std::uint32_t, std::unique_ptr<Framed>> framed_;
  std::map<std::uint32_t, std::unique_ptr<OutgoingConnection>> outgoing_;
  std::unordered_map<std::string, Watched*> by_place_;
  std::unordered_map<std::string, Framed*> framed_by_place_;
  std::vector<TimerChecks> timers_;
  std::vector<int> loop_state_;  // 0 not started, 1 runs, 2 stopped
  std::vector<std::uint64_t> posted_, ran_;
  std::vector<std::uint64_t> opened_on_;
  const char* inside_ = nullptr;
  const int* dying_ = nullptr;
  bool serving_ = false;
  bool ticked_ = false;
  bool stopping_ = false;
  bool ended_ = false;
  std::uint64_t open_ = 0;
  std::map<std::string, std::uint64_t> open_by_host_;
  std::set<std::uint64_t> ids_;
  std::map<int, std::deque<Duration>> accepted_at_;  // by address, within the last second
  std::optional<Duration> drain_asked_;
  std::uint64_t adopted_ = 0;
  std::uint64_t failures_ = 0;
  Simulation* sim_ = nullptr;
  Server* server_ = nullptr;
  Server* far_ = nullptr;
  std::unique_ptr<Simulation> owned_;  // last, because its handlers refer to the members above
};

}  // namespace evio::test
