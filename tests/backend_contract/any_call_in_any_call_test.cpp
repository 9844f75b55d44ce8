// Any down call may be made in any up call: after each the driver must check again what it was
// about to do.
#include "rig.hpp"
#include "support/client.hpp"

namespace evio::test {

using namespace detail;
namespace {

constexpr StreamId spare{7};
constexpr ListenerId listener{0}, other_listener{1};
constexpr UdpSocketId port{0}, other_port{1};

// Two streams with traffic, one that closes and one that is detached, a listener and a datagram
// socket with pending work: a batch contains every kind of event.
class Scene {
 public:
  explicit Scene(const DriverKind& kind) : rig(kind) {
    for (std::uint32_t i = 0; i < 4; ++i) {
      Pair pair = tcp_pair(4096);
      peers_.push_back(std::move(pair.peer));
      rig.open(StreamId{i}, pair.ours);
      rig->set_receiving(StreamId{i}, true);
      peers_[i].send(sent_by_peers);
      peers_[i].shutdown_write();
    }
    for (const std::uint32_t i : {0u, 1u}) rig.send(StreamId{i}, sent_by_us);
    rig.close(StreamId{2});
    rig.detach(StreamId{3});
    const Address address = rig.listen(listener);
    for (int i = 0; i < 3; ++i) peers_.push_back(connect_to(address));
    udp_port_ = rig.bind(port).port();
    for (int i = 0; i < 3; ++i) udp_.send_to(udp_port_, "datagram");
  }

  StreamId other(StreamId than) const { return than == StreamId{0} ? StreamId{1} : StreamId{0}; }

  // Polls until `done`; the peers read meanwhile.
  bool poll_until(const std::function<bool()>& done) {
    return rig.poll_until(done, [this] {
      for (std::size_t i = 0; i < 4; ++i) peers_[i].read();
    });
  }

  // Waits for all consequences, and closes what is left.
  void finish() {
    rig.script = nullptr;
    for (int i = 0; i < 20; ++i) rig.poll(Duration::zero());
    for (const StreamId stream : {StreamId{0}, StreamId{1}, StreamId{2}, StreamId{3}, spare})
      if (rig.is_open(stream)) rig.close(stream);
    poll_until([&] {
      for (std::uint32_t i = 0; i < 4; ++i)
        if (!rig[StreamId{i}].gone()) return false;
      return true;
    });
    for (std::uint32_t i = 0; i < 4; ++i) {
      EXPECT_TRUE(is_prefix(rig[StreamId{i}].received, sent_by_peers));
      EXPECT_TRUE(!rig[StreamId{i}].ended || rig[StreamId{i}].received == sent_by_peers);
    }
  }
  void expect_ours_arrive_in_order(const std::string& extra) {
    for (std::size_t i = 0; i < 2; ++i)
      EXPECT_TRUE(is_prefix(peers_[i].received(), sent_by_us + extra));
  }

  Rig rig;
  const std::string sent_by_us = pattern(200 * kib, 1);
  const std::string sent_by_peers = pattern(3000, 2);

 private:
  std::vector<Peer> peers_;
  UdpClient udp_ = UdpClient::udp4();
  std::uint16_t udp_port_ = 0;
};

const std::string extra = "extra";

struct DownCall {
  const char* name;
  bool of_stream;  // made only if the stream is open
  void (*make)(Rig& rig, StreamId stream);
};

const DownCall down_calls[] = {
    {"close", true, [](Rig& rig, StreamId stream) { rig.close(stream); }},
    {"abort", true, [](Rig& rig, StreamId stream) { rig.close(stream, CloseMode::abort); }},
    {"detach", true,
     [](Rig& rig, StreamId stream) {
       if (!rig.sending(stream)) rig.detach(stream);
     }},
    {"stop receiving", true, [](Rig& rig, StreamId stream) { rig->set_receiving(stream, false); }},
    {"go on receiving", true,
     [](Rig& rig, StreamId stream) {
       if (rig[stream].ended) return;
       rig->set_receiving(stream, false);
       rig->set_receiving(stream, true);
     }},
    {"send", true, [](Rig& rig, StreamId stream) { rig.send(stream, extra); }},
    {"send now", true,
     [](Rig& rig, StreamId stream) {
       const Chunk chunk{extra.data(), extra.size()};
       if (!rig.sending(stream)) rig->send_now(stream, {&chunk, 1});
     }},
    {"shut", true,
     [](Rig& rig, StreamId stream) {
       if (!rig.sending(stream)) rig->shutdown_send(stream);
     }},
    {"ask", true,
     [](Rig& rig, StreamId stream) {
       rig->is_drained(stream);
       EXPECT_GE(rig->native(stream).value, 0);
       EXPECT_NE(rig->local_address(stream).port(), 0);
       EXPECT_FALSE(rig->set_options(stream, {.no_delay = true}));
     }},
    {"open", false, [](Rig& rig, StreamId) { rig.open(spare, unix_pair().ours); }},
    {"stop accepting", false, [](Rig& rig, StreamId) { rig->set_accepting(listener, false); }},
    {"close listener", false, [](Rig& rig, StreamId) { rig->close_listener(listener); }},
    {"listen", false, [](Rig& rig, StreamId) { rig.listen(other_listener); }},
    {"send datagram", false,
     [](Rig& rig, StreamId) {
       const Address from = Address::parse("udp://127.0.0.1:0"),
                     to = Address::parse("udp://127.0.0.1:9");
       rig->send_to(port, {.from = from, .to = to, .bytes = extra});
     }},
    {"close datagrams", false, [](Rig& rig, StreamId) { rig->close_datagram(port); }},
    {"bind datagrams", false, [](Rig& rig, StreamId) { rig.bind(other_port); }},
};

class AnyCallIn : public DriverContract {
 protected:
  void in(Up::Kind kind, bool of_stream = true) {
    for (const DownCall& call : down_calls)
      for (const bool itself : {true, false})
        if (call.of_stream || itself) make(call, kind, of_stream && itself);
  }

 private:
  void make(const DownCall& call, Up::Kind kind, bool itself) {
    SCOPED_TRACE(call.name + std::string(itself ? " itself" : " another"));
    Scene scene(GetParam());
    bool made = false;
    scene.rig.script = [&](const Up& up) {
      if (made || up.kind != kind) return;
      made = true;
      const StreamId stream = itself ? StreamId{up.name} : scene.other(StreamId{up.name});
      if (!call.of_stream || scene.rig.is_open(stream)) call.make(scene.rig, stream);
    };
    ASSERT_TRUE(scene.poll_until([&] { return made; }));
    scene.finish();
    scene.expect_ours_arrive_in_order(extra);
  }
};
EVIO_ON_EVERY_DRIVER(AnyCallIn);

TEST_P(AnyCallIn, OnReceived) { in(Up::received); }
TEST_P(AnyCallIn, OnEndOfStream) { in(Up::end); }
TEST_P(AnyCallIn, OnSent) { in(Up::sent); }
TEST_P(AnyCallIn, OnClosed) { in(Up::closed); }
TEST_P(AnyCallIn, OnDetached) { in(Up::detached); }
TEST_P(AnyCallIn, OnAccepted) { in(Up::accepted, false); }
TEST_P(AnyCallIn, OnDatagram) { in(Up::datagram, false); }

}  // namespace
}  // namespace evio::test
