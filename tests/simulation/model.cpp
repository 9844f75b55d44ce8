#include "model.hpp"

#include <algorithm>
#include <utility>

namespace evio::test {

using namespace sim;

void Totals::add(const Simulation& sim) {
  add(Totals{.runs = 1, .stats = sim.stats(), .fingerprint = sim.fingerprint()});
}

void Totals::add(const Totals& other) {
  runs += other.runs;
  for (std::size_t i = 0; i < fault_count; ++i) stats.faults[i] += other.stats.faults[i];
  stats.iterations += other.stats.iterations;
  stats.events += other.stats.events;
  stats.connections += other.stats.connections;
  stats.to_servers += other.stats.to_servers;
  stats.from_servers += other.stats.from_servers;
  stats.datagrams += other.stats.datagrams;
  stats.time += other.stats.time;
  fingerprint = fingerprint * 31 + other.fingerprint;
}

Model::Inside::Inside(Model& model, const char* handler) : model_(model) {
  if (model.inside_) model.fail(std::string(handler) + " inside " + model.inside_);
  if (model.ended_) model.fail(std::string(handler) + " after the server has ended");
  if (model.dying_ && *model.dying_ != 0) model.fail("a context outlives its connection");
  model.dying_ = nullptr;
  model.inside_ = handler;
}

Model::Model(std::uint64_t seed) : setting(seed), chance_(seed ^ 0xc4a11ce) {}

bool Model::fail(const std::string& why) {
  if (why_.empty())
    why_ =
        why + " (at " + std::to_string(std::chrono::duration<double>(sim_->now()).count()) + " s)";
  return false;
}

Watched* Model::find(Conn& c) {
  const auto found = by_place_.find(place(c.remote()));
  if (found != by_place_.end()) return found->second;
  fail("a connection that nobody made");
  return nullptr;
}

// ---- The server

Events Model::events() {
  Events events{
      .loops = setting.loops,
      .balance = setting.balance,
      .limits = setting.limits,
      .options = setting.options,
      .serving =
          [this](Server& server) {
            const Inside inside(*this, "serving");
            if (std::exchange(serving_, true)) fail("serving twice");
            if (server.addresses().size() != 5 || server.addresses()[0].port() != 5000)
              fail("other addresses");
          },
      .loop_started =
          [this](Loop& loop) {
            const Inside inside(*this, "loop_started");
            if (!serving_) fail("a loop starts before serving");
            if (std::exchange(loop_state_[static_cast<std::size_t>(loop.index())], 1) != 0)
              fail("a loop starts twice");
          },
      .opened =
          [this](Conn& c) {
            check_loops_start(c.loop());
            if (setting.with_tick && !ticked_) fail("accepting before the first tick");
            Watched* const watched = find(c);
            check_accepted(c);
            ++open_;
            const std::size_t most = setting.limits.connections_max;
            if (most > 0 && setting.faults.late_accept == 0 && !setting.reuseport &&
                open_ > 2 * most)
              fail("too many connections");
            return watched ? watched->opened(c) : Action::close;
          },
      .data = [this](Conn& c, Input& in) -> Action {
        if (c.address_index() == 2) {
          const auto found =
              std::find_if(datagram_peers_.begin(), datagram_peers_.end(),
                           [&](const auto& one) { return one.second->address() == c.remote(); });
          if (found != datagram_peers_.end()) return found->second->data(c, in);
          fail("a datagram from nobody");
          return Action::none;
        }
        Watched* const watched = find(c);
        return watched ? watched->data(c, in) : Action::close;
      },
      .drained = [this](Conn& c) { return find(c)->drained(c); },
      .closed =
          [this](Conn& c, std::error_code error) {
            if (Watched* const watched = find(c)) watched->closed(c, error);
            note_gone(c);
            --open_;
          },
      .loop_stopped =
          [this](Loop& loop) {
            const Inside inside(*this, "loop_stopped");
            if (std::exchange(loop_state_[static_cast<std::size_t>(loop.index())], 2) != 1)
              fail("a loop stops twice");
            for (const auto& [number, watched] : peers_)
              if (watched->is_open() && watched->loop() == loop.index())
                fail("a loop stops before its last closed");
            for (const auto& [number, outgoing] : outgoing_)
              if (outgoing->is_open() && outgoing->loop() == loop.index())
                fail("a loop stops before its last closed");
          },
  };
  if (setting.with_ended)
    events.ended = [this](Conn& c, Input& in) { return find(c)->ended(c, in); };
  if (setting.with_detached)
    events.detached = [this](Conn& c, Socket socket) {
      find(c)->detached(c, std::move(socket));
      note_gone(c);
      --open_;
    };
  if (setting.with_failed)
    events.failed = [this](Conn* c, const std::exception_ptr&) {
      const Inside inside(*this, "failed");
      ++failures_;
      if (c) find(*c)->failed(*c);
    };
  if (setting.with_pre_write)
    events.pre_write = [this](Loop& loop) {
      const Inside inside(*this, "pre_write");
      for (const auto& [number, watched] : peers_)
        if (watched->is_open() && watched->loop() == loop.index()) watched->committed();
    };
  if (setting.with_tick)
    events.tick = [this, due = Duration::zero()](Loop& loop) mutable {
      const Inside inside(*this, "tick");
      if (loop.index() != 0) fail("a tick on another loop");
      if (loop.now().time_since_epoch() < due) fail("a tick came early");
      ticked_ = true;
      timers(loop).arm(*this, loop);
      const Duration delay = std::chrono::milliseconds(chance_.upto(500));
      due = sim_->now() + delay;
      return Tick{.delay = delay, .action = Action::none};
    };
  return events;
}

// A service with a codec.
Events Model::framed_events() {
  return {
      .limits = setting.limits,
      .options = setting.options,
      .codec = setting.framing.codec,
      .opened =
          [this](Conn& c) {
            check_accepted(c);
            return framed_by_place_.at(place(c.remote()))->opened(c);
          },
      .data = [this](Conn& c,
                     Input& in) { return framed_by_place_.at(place(c.remote()))->data(c, in); },
      .closed =
          [this](Conn& c, std::error_code error) {
            framed_by_place_.at(place(c.remote()))->closed(c, error);
            note_gone(c);
          },
  };
}

// The server to which the first one connects.
Events Model::far_events() {
  return {.limits = {.linger_timeout = setting.limits.linger_timeout},
          .data = [](Conn& c, Input& in) { c.write(in.take()); }};
}

// The checks of each accepted connection, whatever its service.
void Model::check_accepted(Conn& c) {
  ++opened_on_[static_cast<std::size_t>(c.loop().index())];
  if (!ids_.insert(c.id()).second) fail("an id is used again");
  const Limits& limits = setting.limits;
  const Duration now = sim_->now();
  if (drain_asked_ && setting.punctual() && now > *drain_asked_ + std::chrono::seconds(1))
    fail("opened, though the server drains");
  std::deque<Duration>& accepted = accepted_at_[c.address_index()];
  accepted.push_back(now);
  while (accepted.front() <= now - std::chrono::seconds(1)) accepted.pop_front();
  const std::size_t rate =
      limits.accepts_per_second;  // the limit may be used at the end of one second and again at the
                                  // beginning of the next
  if (rate > 0 && setting.punctual() && !setting.reuseport && accepted.size() > 2 * rate)
    fail("too many are accepted in a second");
  std::uint64_t& of_host =
      open_by_host_[std::to_string(c.address_index()) + ' ' + c.remote().host()];
  if (++of_host > limits.connections_per_peer_max && limits.connections_per_peer_max > 0 &&
      !c.remote().is_unix())
    fail("too many connections of one peer");
}

void Model::note_gone(Conn& c) {
  --open_by_host_[std::to_string(c.address_index()) + ' ' + c.remote().host()];
}

void Model::check_loops_start(Loop& loop) {
  if (loop_state_[static_cast<std::size_t>(loop.index())] != 1)
    fail("a connection on a loop that does not run");
}

// ---- The world

std::string Model::run(const std::vector<Step>& steps) {
  const auto loops = static_cast<std::size_t>(setting.loops);
  timers_.resize(loops);
  loop_state_.resize(loops);
  posted_.resize(loops);
  ran_.resize(loops);
  opened_on_.resize(loops);
  owned_ = std::make_unique<Simulation>(setting.seed, setting.faults);
  sim_ = owned_.get();
  if (record_trace) sim_->record_trace();
  const char* main_address =
      setting.reuseport ? "tcp://127.0.0.1:5000?reuseport=true" : "tcp://:5000";
  Events second = events();
  second.serving = {};
  second.tick = {};
  second.pre_write = {};
  second.failed = {};
  second.loop_started = {};
  second.loop_stopped = {};
  second.loops = Events().loops;
  second.balance = LoadBalance::round_robin;
  server_ =
      &sim_->serve(events(), main_address, "unix:///run/sim.sock", "udp://:5002",
                   on("tcp4://:5001", std::move(second)), on("tcp4://:5003", framed_events()));
  far_ = &sim_->serve(far_events(), "tcp://127.0.0.1:6000", "unix:///run/far.sock",
                      "udp://127.0.0.1:6001");
  for (const Step& step : steps) {
    play(step);
    if (failed()) break;
  }
  if (!failed()) stop();
  if (!failed()) check_totals();
  totals.add(*sim_);
  for (auto& [number, watched] : peers_) watched->peer.when_changed({});
  for (auto& [number, framed] : framed_) framed->peer.when_changed({});
  trace = sim_->trace();
  const std::string why = why_;
  owned_.reset();
  return why.empty() ? why_ : why;  // the consequences of a failure are not checked
}

Watched* Model::of(std::uint32_t number) {
  const auto found = peers_.find(number);
  return found == peers_.end() ? nullptr : found->second.get();
}

void Model::connect(const Step& step) {
  const std::string number = std::to_string(step.peer);
  if (step.kind == Kind::connect_framed) return connect_framed(step.peer);
  if (step.kind == Kind::connect_outgoing) {
    outgoing_[step.peer] = std::make_unique<OutgoingConnection>(*this, step.peer);
    return outgoing_[step.peer]->begin();
  }
  if (step.kind == Kind::connect_udp) {
    Peer& peer = sim_->connect("udp://:5002");
    auto& made = datagram_peers_[step.peer];
    made = std::make_unique<DatagramPeer>(*this, peer, step.peer);
    peer.when_changed([one = made.get()](Peer&) { one->check(); });
    return;
  }
  Peer& peer = [&]() -> Peer& {
    if (step.kind == Kind::connect_local)
      return sim_->connect("unix:///run/sim.sock", "unix://@peer" + number);
    if (step.peer % 3 == 2) return sim_->connect("tcp://:5001");
    if (step.peer % 2 == 0) return sim_->connect("tcp://:5000");
    return sim_->connect(
        "tcp://:5000",
        "tcp://10.9.9.9:" + std::to_string(3000 + step.peer));  // the peers share a host
  }();
  peers_[step.peer] = std::make_unique<Watched>(*this, peer, step.peer);
  by_place_[place(peer.address())] = peers_[step.peer].get();
}

void Model::connect_framed(std::uint32_t number) {
  Peer& peer = sim_->connect("tcp://:5003");
  framed_[number] = std::make_unique<Framed>(*this, peer, number);
  framed_by_place_[place(peer.address())] = framed_[number].get();
}

bool Model::play_datagram(const Step& step) {
  const auto found = datagram_peers_.find(step.peer);
  if (found == datagram_peers_.end()) return false;
  if (step.kind == Kind::send) found->second->send(step.number);
  return true;
}

bool Model::play_framed(const Step& step) {
  const auto found = framed_.find(step.peer);
  if (found == framed_.end()) return false;
  Framed& one = *found->second;
  if (step.kind == Kind::send) one.send(step.number);
  if (step.kind == Kind::end) one.peer.shutdown_write();
  if (step.kind == Kind::stop_reading) one.peer.stop_reading();
  if (step.kind == Kind::start_reading) one.peer.start_reading();
  if (step.kind == Kind::wake) one.wake();
  if (step.kind == Kind::handle_send) one.handle_send(step.number);
  if (step.kind == Kind::reset) {
    one.peer_broke();
    one.peer.reset();
  }
  return true;
}

bool Model::play_outgoing(const Step& step) {
  const auto found = outgoing_.find(step.peer);
  if (found == outgoing_.end()) return false;
  OutgoingConnection& one = *found->second;
  if (step.kind == Kind::send || step.kind == Kind::handle_send) one.send(step.number);
  if (step.kind == Kind::end) one.shut_write();
  if (step.kind == Kind::wake) one.wake();
  if (step.kind == Kind::handle_close) one.close();
  if (step.kind == Kind::reset) one.abort();
  return true;
}

void Model::play(const Step& step) {
  if (step.kind <= Kind::connect_outgoing) return connect(step);
  if (step.kind == Kind::wait) return sim_->run_for(std::chrono::microseconds(step.number));
  if (step.kind == Kind::loop_post) return loop_post(step);
  if (step.kind == Kind::for_each)
    return server_->for_each([this](Conn& c) {
      const Inside inside(*this, "for_each");
      const auto found = by_place_.find(place(c.remote()));
      if (found != by_place_.end()) found->second->runs(c, "for_each");
    });
  if (play_datagram(step) || play_framed(step) || play_outgoing(step)) return;
  Watched* const watched = of(step.peer);
  if (!watched) return;
  switch (step.kind) {
    case Kind::send:
      return watched->send(step.number);
    case Kind::end:
      return watched->peer.shutdown_write();
    case Kind::close:
      watched->peer_closed();
      return watched->peer.close();
    case Kind::reset:
      watched->peer_reset();
      return watched->peer.reset();
    case Kind::stop_reading:
      return watched->peer.stop_reading();
    case Kind::start_reading:
      return watched->peer.start_reading();
    case Kind::wake:
      return watched->wake();
    case Kind::handle_send:
      return watched->handle_send(step.number);
    case Kind::handle_post:
      return watched->handle_post(step.number);
    case Kind::handle_close:
      return watched->handle_close();
    default:
      return;
  }
}

// Posts of one thread run once each, in order.
void Model::loop_post(const Step& step) {
  const auto index = step.number % static_cast<std::uint32_t>(setting.loops);
  const std::uint64_t mine = posted_[index];
  const bool taken =
      server_->loop(static_cast<int>(index)).post([this, index, mine, asked = sim_->now()] {
        const Inside inside(*this, "post");
        if (setting.punctual() && sim_->now() > asked + std::chrono::milliseconds(20))
          fail("a post ran late");
        if (ran_[index] != mine) fail("posts out of order");
        ++ran_[index];
        Loop& loop = server_->loop(static_cast<int>(index));
        timers(loop).arm(*this, loop);
      });
  posted_[index] += taken;
  if (!taken && !stopping_) fail("a post was refused");
}

// Ends all connections.
void Model::finale() {
  for (auto& [number, watched] : peers_)
    if (setting.flawless || chance_(0.5)) watched->finale();
  for (auto& [number, framed] : framed_)
    if (setting.flawless || chance_(0.5)) framed->finale();
  for (auto& [number, outgoing] : outgoing_)
    if (setting.flawless || chance_(0.5)) outgoing->finale();
}

void Model::stop() {
  finale();
  sim_->run_for(setting.flawless ? std::chrono::seconds(20)
                                 : std::chrono::milliseconds(chance_.upto(5000)));
  if (setting.flawless) {  // connections that opened late have a handle only now
    finale();
    sim_->run_for(std::chrono::seconds(20));
  }
  for (auto& [number, peer] : datagram_peers_) peer->check_at_end();
  const Duration asked = sim_->now();
  const bool drains = setting.drain && !stopping_;
  stopping_ = true;
  if (drains) {
    drain_asked_ = asked;
    server_->drain(*setting.drain);
    sim_->run_for(std::chrono::seconds(1));
    if (setting.punctual()) sim_->connect("tcp://:5000");  // not recorded: it must not be accepted
  } else {
    server_->shutdown();
  }
  const auto stopped = [this] {
    return std::all_of(loop_state_.begin(), loop_state_.end(),
                       [](int state) { return state == 2; });
  };
  for (int i = 0; i < 250 && !stopped(); ++i) sim_->run_for(std::chrono::milliseconds(100));
  if (!stopped()) fail("the server does not stop");
  const Duration most = setting.limits.drain_timeout +
                        (drains ? *setting.drain : Duration::zero()) + std::chrono::seconds(3);
  const bool may_be_stopped = setting.faults.process_stop > 0 || setting.faults.slow_handler > 0;
  if (setting.faults.clock_jump == 0 && !may_be_stopped && sim_->now() - asked > most)
    fail("the shutdown took too long");
  ended_ = true;
  far_->shutdown();
  sim_->run_for(std::chrono::seconds(10));
}

void Model::check_totals() {
  for (std::size_t i = 0; i < ran_.size(); ++i)
    if (ran_[i] != posted_[i]) fail("a post did not run");
  for (auto& [number, watched] : peers_) watched->check_at_end();
  for (auto& [number, framed] : framed_) framed->check_at_end();
  for (auto& [number, outgoing] : outgoing_) outgoing->check_at_end();
  check_counts();
  check_balance();
  for (auto& [number, watched] : peers_) watched->peer.reset();
  for (auto& [number, framed] : framed_) framed->peer.reset();
  sim_->run_for(std::chrono::seconds(70));
}

void Model::check_counts() {
  const Stats stats = server_->stats(), far = far_->stats();
  const auto heard_of = [](const auto& one) { return one.second->heard_of(); };
  const auto made =
      static_cast<std::uint64_t>(std::count_if(outgoing_.begin(), outgoing_.end(), heard_of)) +
      adopted_;
  if (stats.open != 0) fail("connections are open at the end");
  if (stats.memory != 0) fail("memory is held at the end");
  if (stats.accepted + made != stats.closed + stats.refused)
    fail("accepted and made is not closed and refused");
  if (stats.received + far.received != sim_->stats().to_servers) fail("received is counted wrong");
  if (stats.sent + far.sent > sim_->stats().from_servers) fail("sent is counted wrong");
}

void Model::check_balance() {
  if (setting.balance != LoadBalance::round_robin || setting.reuseport ||
      server_->stats().refused > 0)
    return;
  for (const auto& [number, outgoing] : outgoing_) {
    if (!outgoing->by_server()) continue;
    if (!outgoing->heard_of()) return;  // it was counted, but on an unknown loop
    ++opened_on_[static_cast<std::size_t>(outgoing->loop())];
  }
  const auto [least, most] = std::minmax_element(opened_on_.begin(), opened_on_.end());
  if (*most - *least > 1) fail("round robin is not exact");
}

}  // namespace evio::test
