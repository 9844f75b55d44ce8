// Random calls on streams whose ids are reused: no stream receives bytes of another.
#include <random>

#include "rig.hpp"

namespace evio::test {

using namespace detail;
namespace {

constexpr std::uint32_t names = 6;

// A stream, its peer, and the bytes that each has sent.
struct Both {
  bool begun = false;
  Peer peer;
  std::string from_peer, from_us;
  std::size_t peer_sent = 0;
  bool peer_done = false;
  bool shut = false;
};

class Walk {
 public:
  Walk(const DriverKind& kind, unsigned seed) : rig_(kind), random_(seed) {
    rig_.script = [this](const Up& up) {
      if (up.kind != Up::closed && up.kind != Up::detached && upto(3) == 0) call(StreamId{up.name});
    };
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      const StreamId stream{upto(names)};
      if (!both(stream).begun) begin(stream);
      if (rig_[stream].gone()) finish(stream);
      move_peer(both(stream));
      call(stream);
      rig_.poll(upto(4) == 0 ? Duration(1ms) : Duration::zero());
      if (testing::Test::HasFailure()) return;
    }
    end();
  }

 private:
  std::uint32_t upto(std::uint32_t below) {
    return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(random_);
  }
  Both& both(StreamId stream) { return streams_[static_cast<std::uint32_t>(stream)]; }

  void begin(StreamId stream) {
    Pair pair = upto(4) == 0 ? unix_pair() : tcp_pair(upto(2) ? 4096 : 0);
    Both fresh;
    fresh.begun = true;
    fresh.peer = std::move(pair.peer);
    fresh.from_peer = pattern(upto(200'000), ++patterns_);
    both(stream) = std::move(fresh);
    rig_.open(stream, pair.ours);
  }

  void move_peer(Both& both) {
    if (both.peer_done) return;
    const std::size_t part =
        std::min<std::size_t>(both.from_peer.size() - both.peer_sent, upto(50'000) + 1);
    both.peer_sent += both.peer.send(std::string_view(both.from_peer).substr(both.peer_sent, part));
    both.peer.read(upto(50'000));
    check_sent(both);
    if (both.peer_sent < both.from_peer.size() || upto(20) != 0) return;
    both.peer_done = true;
    if (upto(4) == 0)
      both.peer.reset();
    else
      both.peer.shutdown_write();
  }

  // Makes a random call that is allowed now.
  void call(StreamId stream) {
    if (!rig_.is_open(stream)) return;
    Both& to = both(stream);
    switch (upto(12)) {
      case 0:
        return rig_.close(stream, upto(2) ? CloseMode::orderly : CloseMode::abort);
      case 1:
        if (!rig_.sending(stream)) rig_.detach(stream);
        return;
      case 2:
        if (rig_.sending(stream) || to.shut) return;
        to.shut = true;
        return rig_->shutdown_send(stream);
      case 3:
      case 4:
      case 5:
      case 6: {
        if (to.shut) return;
        const std::string bytes = pattern(upto(60'000) + 1, ++patterns_);
        to.from_us += bytes;
        return rig_.send(stream, bytes, upto(20'000) + 1);
      }
      case 7:
        return set_receiving(stream, false);
      case 8:
        EXPECT_GE(rig_->native(stream).value, 0);
        return;
      default:
        return set_receiving(stream, true);
    }
  }
  void set_receiving(StreamId stream, bool receiving) {
    if (!rig_[stream].ended) rig_->set_receiving(stream, receiving);
  }

  static void check_sent(const Both& both) {
    EXPECT_TRUE(is_prefix(both.peer.received(), both.from_us));
  }
  void check_received(StreamId stream) {
    const Both& from = both(stream);
    const std::string_view sent = std::string_view(from.from_peer).substr(0, from.peer_sent);
    EXPECT_TRUE(is_prefix(rig_[stream].received, sent));
    EXPECT_TRUE(!rig_[stream].ended || same_bytes(rig_[stream].received, sent));
  }

  // The stream has gone: all bytes that arrived must be correct, and also those in a detached
  // socket.
  void finish(StreamId stream) {
    Both& of = both(stream);
    if (of.peer.fd() >= 0) of.peer.read();
    check_sent(of);
    check_received(stream);
    if (rig_[stream].detached && !rig_[stream].ended && of.peer.fd() >= 0) {
      Peer rest(rig_[stream].detached->release());
      const std::string_view sent = std::string_view(of.from_peer).substr(0, of.peer_sent);
      EXPECT_TRUE(eventually([&] {
        rest.read();
        return rig_[stream].received.size() + rest.received().size() >= sent.size();
      }));
      EXPECT_TRUE(same_bytes(rig_[stream].received + rest.received(), sent));
    }
    begin(stream);
  }

  void end() {
    rig_.script = nullptr;
    for (std::uint32_t i = 0; i < names; ++i)
      if (rig_.is_open(StreamId{i})) rig_.close(StreamId{i});
    for (std::uint32_t i = 0; i < names; ++i)
      if (both(StreamId{i}).begun) rig_.poll_until([&] { return rig_[StreamId{i}].gone(); });
  }

  Rig rig_;
  std::mt19937 random_;
  Both streams_[names];
  unsigned patterns_ = 0;
};

class RandomWalk : public DriverContract {};
EVIO_ON_EVERY_DRIVER(RandomWalk);

TEST_P(RandomWalk, KeepsStreamsApart) {
  for (unsigned seed = 1; seed <= 6 && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Walk(GetParam(), seed).run(sanitized ? 200 : 700);
  }
}

}  // namespace
}  // namespace evio::test
