// The result of a write says whether the bytes were kept and whether more may follow.
#include "support/behaviour.hpp"

namespace evio::test { namespace {

class WriteResults : public Behaviour {};
EVIO_ON_EVERY_BACKEND(WriteResults);

TEST_P(WriteResults, SayAcceptedCongestedOrDropped) {
  EventLog log;
  Events events;
  events.limits = {.output_high = 4 * mib, .output_low = 1 * mib, .output_max = 64 * mib};
  events.opened = [&](Conn& c) {
    const WriteResult first = c.write("few bytes");
    EXPECT_TRUE(first);
    EXPECT_FALSE(first.congested() || first.dropped());
    const WriteResult second = c.write(std::string(32 * mib, 'x'));
    EXPECT_FALSE(second);
    EXPECT_TRUE(second.congested());
    EXPECT_FALSE(second.dropped()) << "the bytes are kept";
  };
  events.drained = [&](Conn& c) {
    EXPECT_TRUE(c.write("the last bytes"));
    c.close();
    const WriteResult late = c.write("too late");
    EXPECT_FALSE(late);
    EXPECT_TRUE(late.dropped());
    EXPECT_FALSE(late.congested());
    log.add("drained");
  };
  TestServer server = serve(std::move(events));
  Client client = server.connect();
  const std::string received = client.receive_rest().bytes;
  EXPECT_EQ(received.size(), 9 + 32 * mib + 14);
  EXPECT_TRUE(log.wait_for("drained"));
}

TEST_P(WriteResults, ADatagramThatIsTooLargeIsDropped) {
  TestServer server = serve({.data =
                                 [](Conn& c, Input& in) {
                                   in.take();
                                   EXPECT_TRUE(c.write(std::string(100 * kib, 'x')).dropped());
                                   EXPECT_TRUE(c.write("small"));
                                 }},
                            "udp://127.0.0.1:0");
  UdpClient client = UdpClient::udp4();
  client.send_to(server.port(), "hello");
  EXPECT_EQ(client.receive().bytes, "small");
}

}}  // namespace evio::test
