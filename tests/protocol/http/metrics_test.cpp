// The HTTP server of the metrics: which connections persist, and how they end when the server
// drains.
#include <gtest/gtest.h>

#include <evio/evio.hpp>
#include <evio/metrics.hpp>
#include <string>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class MetricsDrain : public Behaviour {};
EVIO_ON_EVERY_BACKEND_WITH_LOOPS(MetricsDrain, 1);

TEST_P(MetricsDrain, IdleConnectionsCloseAndTheLastReplySaysClose) {
  TestServer server = serve(echo(), "tcp://127.0.0.1:0", evio::metrics("tcp://127.0.0.1:0"));
  Client idle = server.connect({}, 1), partial = server.connect({}, 1);
  idle.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_FALSE(idle.receive_some().empty());
  partial.send("GET /stats.json HTTP/1.1\r\n");
  EXPECT_TRUE(eventually([&] { return server->stats().input_held > 0; }));
  Client mixed = server.connect({}, 1);
  mixed.send("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n");
  EXPECT_NE(mixed.receive_rest().bytes.find("\r\nConnection: close\r\n"), std::string::npos);
  Client other = server.connect({}, 1);
  other.send("\x80");  // not the beginning of a request
  EXPECT_TRUE(other.receive_rest().bytes.starts_with("HTTP/1.1 400 "));
  server->drain(1h);
  idle.receive_rest();
  partial.send("Host: x\r\n\r\n");
  EXPECT_NE(partial.receive_rest().bytes.find("\r\nConnection: close\r\n"), std::string::npos);
  EXPECT_EQ(server.wait(), nullptr);
}

}  // namespace
}  // namespace evio::test
