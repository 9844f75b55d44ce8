#include "backend/posix/datagram_sender.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "backend/posix/datagram_receiver.hpp"
#include "bound.hpp"

namespace evio::test {

using namespace detail;
namespace {

class DatagramSenderTest : public testing::Test {
 protected:
  bool add(std::string_view bytes) {
    return sender_.add(from_port_, {.from = from_.address, .to = to_.address, .bytes = bytes});
  }
  std::vector<std::string> received() {
    std::vector<std::string> all;
    while (const unsigned messages = receiver_.receive(to_port_)) {
      for (unsigned i = 0; i < messages; ++i) {
        receiver_.deliver(to_port_, i, [&](const Datagram& datagram) {
          all.emplace_back(datagram.bytes);
          return true;
        });
      }
    }
    return all;
  }
  // The kernel then does not segment a message, as on a path with a small MTU.
  void forbid_cutting() {
    const int on = 1;
    ASSERT_EQ(::setsockopt(from_port_.fd, SOL_SOCKET, SO_NO_CHECK, &on, sizeof on), 0);
  }

  Bound from_{"udp://127.0.0.1:0"}, to_{"udp://127.0.0.1:0"};
  DatagramPort from_port_{from_.socket.fd()}, to_port_{to_.socket.fd()};
  DatagramSender sender_;
  DatagramReceiver receiver_;
};

TEST_F(DatagramSenderTest, NothingIsSentBeforeTheFlush) {
  EXPECT_TRUE(add("one"));
  EXPECT_TRUE(received().empty());
  sender_.flush();
  EXPECT_EQ(received(), std::vector<std::string>{"one"});
  EXPECT_TRUE(sender_.empty());
}

TEST_F(DatagramSenderTest, DatagramsAreSentOneByOneWithoutSegmentation) {
  forbid_cutting();
  const std::vector<std::string> all{"first", "other", "third", "4."};
  for (int round = 0; round < 2; ++round) {
    for (const std::string& bytes : all) EXPECT_TRUE(add(bytes));
    sender_.flush();
    EXPECT_EQ(received(), all);
  }
  EXPECT_EQ(sender_.take_tally().sent, 2 * all.size());
}

TEST_F(DatagramSenderTest, CountsSentAndDroppedDatagrams) {
  to_.socket = Socket();
  EXPECT_TRUE(add("refused, but accepted by the kernel"));
  sender_.flush();
  const DatagramTally tally = sender_.take_tally();
  EXPECT_EQ(tally.sent, 1U);
  EXPECT_EQ(tally.bytes, 35U);
  EXPECT_EQ(tally.dropped, 0U);
  EXPECT_EQ(sender_.take_tally().sent, 0U) << "reported once";
  to_.address = Address::parse("udp://127.0.0.1:0");  // a datagram to port 0 cannot be sent
  EXPECT_TRUE(add("lost"));
  sender_.flush();
  EXPECT_EQ(sender_.take_tally().dropped, 1U);
}

TEST_F(DatagramSenderTest, AFullBatchMakesRoom) {
  const std::string bytes(1000, 'x');
  std::size_t count = 0;
  for (; count < 1000; ++count) {
    ASSERT_TRUE(add(bytes));
    if (count % 50 == 49) {
      for (const std::string& one : received()) ASSERT_EQ(one, bytes);
    }
  }
  sender_.flush();
  const DatagramTally tally = sender_.take_tally();
  EXPECT_EQ(tally.sent + tally.dropped, count);
}

}  // namespace
}  // namespace evio::test
