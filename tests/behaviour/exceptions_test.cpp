// An exception of a connection's handler is reported on stderr while `failed` is unset, at most one
// line a second; the state of stderr does not affect the server.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <new>
#include <stdexcept>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class Exceptions : public Behaviour {};
EVIO_ON_EVERY_BACKEND(Exceptions);

// Replaces stderr by another descriptor.
class InsteadOfStderr {
 public:
  explicit InsteadOfStderr(int fd) : real_(::dup(STDERR_FILENO)) { ::dup2(fd, STDERR_FILENO); }
  InsteadOfStderr(const InsteadOfStderr&) = delete;
  ~InsteadOfStderr() {
    ::dup2(real_, STDERR_FILENO);
    ::close(real_);
  }

 private:
  const int real_;
};

class Written {
 public:
  Written() : fd_(::memfd_create("stderr", MFD_CLOEXEC)), instead_(fd_) {}
  Written(const Written&) = delete;
  ~Written() { ::close(fd_); }
  std::string text() const {
    std::string text(1 << 20, '\0');
    text.resize(
        static_cast<std::size_t>(std::max<ssize_t>(::pread(fd_, text.data(), text.size(), 0), 0)));
    return text;
  }

 private:
  const int fd_;
  const InsteadOfStderr instead_;
};

// An echo server that throws at input which begins with "!".
Events failing() {
  return {.data = [](Conn& c, Input& in) {
    if (in.view().starts_with("!!")) throw std::bad_alloc();
    if (in.view().starts_with("!")) throw std::runtime_error("bad: " + std::string(in.view()));
    c.write(in.take());
  }};
}

void make_one_fail(const TestServer& server, std::string_view bytes = "!") {
  Client client = server.connect();
  client.send(bytes);
  EXPECT_EQ(client.receive_rest().bytes, "");
}

TEST_P(Exceptions, AreReportedByAtMostOneLinePerSecond) {
  in_child_process([&] {
    const Written written;
    TestServer server = serve(failing());
    Client bystander = server.connect();
    const auto begun = std::chrono::steady_clock::now();
    std::uint64_t thrown = 0;
    do {
      make_one_fail(server, "!a\nforged: line");
      ++thrown;
    } while (written.text().find("more since the last such line)") == std::string::npos &&
             std::chrono::steady_clock::now() - begun < hang_guard);
    const std::string text = written.text();
    EXPECT_NE(text.find("evio: an exception left a handler of connection "), text.npos) << text;
    EXPECT_NE(text.find(" from tcp://127.0.0.1:"), text.npos) << text;
    EXPECT_NE(text.find(": bad: !a\\x0aforged: line"), text.npos) << text;
    EXPECT_NE(text.find("(and "), text.npos) << text;
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    EXPECT_LE(lines, static_cast<std::size_t>((std::chrono::steady_clock::now() - begun) / 1s) + 2)
        << text;
    EXPECT_EQ(echo_through(bystander, "after"), "after");
    EXPECT_EQ(server->stats().closed_as(CloseReason::handler_failed), thrown);
    EXPECT_EQ(server->stats().exceptions, thrown);
    EXPECT_EQ(message_of(server.stop()), "");
  });
}

TEST_P(Exceptions, AFailedAllocationClosesOnlyItsConnection) {
  TestServer server = serve(failing());
  Client bystander = server.connect();
  make_one_fail(server, "!!");
  EXPECT_EQ(echo_through(bystander, "after"), "after");
}

TEST_P(Exceptions, AreNotReportedOnStderrIfFailedIsSet) {
  in_child_process([&] {
    const Written written;
    Events events = failing();
    events.failed = [] {};
    TestServer server = serve(std::move(events));
    make_one_fail(server);
    server.stop();
    EXPECT_EQ(written.text(), "");
  });
}

// Otherwise a peer that can make a handler throw could end the server or block it for ever.
TEST_P(Exceptions, AreHarmlessWhenStderrIsFullOrNotRead) {
  for (const bool read : {true, false})
    in_child_process([&] {
      int ends[2] = {};
      ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
      while (::write(ends[1], pattern(64 * kib).data(), read ? 64 * kib : 0) > 0) {
      }
      ASSERT_EQ(::fcntl(ends[1], F_SETFL, 0), 0);
      if (!read) ::close(ends[0]);
      const InsteadOfStderr instead(ends[1]);
      TestServer server = serve(failing());
      Client bystander = server.connect();
      make_one_fail(server);
      EXPECT_EQ(echo_through(bystander, "after"), "after");
    });
}

}  // namespace
}  // namespace evio::test
