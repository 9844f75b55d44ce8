// unix://path replaces a stale socket file, but no live socket, no other file and no directory.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <vector>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class UnixSocketFiles : public Behaviour {};
EVIO_ON_EVERY_BACKEND(UnixSocketFiles);

namespace fs = std::filesystem;

// A socket of another program at `path`.
class ForeignSocket {
 public:
  ForeignSocket(const std::string& path, int type)
      : fd_(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    address_.sun_family = AF_UNIX;
    std::strncpy(address_.sun_path, path.c_str(), sizeof address_.sun_path - 1);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address_), sizeof address_), 0)
        << std::strerror(errno);
  }
  ForeignSocket(const ForeignSocket&) = delete;
  ~ForeignSocket() {
    for (const int fd : waiting_) ::close(fd);
    ::close(fd_);
  }

  void listen(int backlog) const { EXPECT_EQ(::listen(fd_, backlog), 0); }
  // Connects until the backlog is full.
  void fill() {
    do {
      waiting_.push_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    } while (::connect(waiting_.back(), reinterpret_cast<const sockaddr*>(&address_),
                       sizeof address_) == 0);
    EXPECT_EQ(errno, EAGAIN);
  }

 private:
  int fd_;
  sockaddr_un address_{};
  std::vector<int> waiting_;
};

std::error_code error_of(const std::function<void()>& bind) {
  try {
    bind();
  } catch (const Error& error) {
    return error.code();
  }
  return {};
}

TEST_P(UnixSocketFiles, AreRemovedAtTheEnd) {
  TemporaryDirectory directory;
  const std::string path = directory / "socket";
  {
    EventLog log;
    TestServer server = serve({.opened =
                                   [&](Conn& c) {
                                     EXPECT_TRUE(c.local().is_unix());
                                     EXPECT_EQ(c.local().host(), path);
                                     EXPECT_EQ(c.remote().host(), "");
                                     EXPECT_EQ(c.remote().port(), 0);
                                     log.add("opened");
                                   },
                               .data = [](Conn& c, Input& in) { c.write(in.take()); }},
                              "unix://" + path);
    EXPECT_EQ(server.address().host(), path);
    Client client = server.connect();
    EXPECT_EQ(echo_through(client, "hello"), "hello");
    const std::string bytes = pattern(2 * mib);
    Background sends([&] { client.send(bytes); });
    EXPECT_TRUE(same_bytes(client.receive(bytes.size()), bytes));
  }
  EXPECT_FALSE(fs::exists(fs::symlink_status(path)));
}

TEST_P(UnixSocketFiles, ARelativePathStartsAtTheWorkingDirectory) {
  TemporaryDirectory directory;
  in_child_process([&] {
    ASSERT_EQ(::chdir(directory.path().c_str()), 0);
    TestServer server = serve(echo(), "unix://relative.sock");
    EXPECT_TRUE(fs::is_socket(directory / "relative.sock"));
    Client client = Client::local(directory / "relative.sock");
    EXPECT_EQ(echo_through(client, "hello"), "hello");
  });
}

TEST_P(UnixSocketFiles, AStaleSocketFileIsReplaced) {
  TemporaryDirectory directory;
  const std::string path = directory / "socket";
  {
    const ForeignSocket dies(path, SOCK_STREAM);
    dies.listen(1);
  }
  ASSERT_TRUE(fs::is_socket(path));
  TestServer server = serve(echo(), "unix://" + path);
  Client client = server.connect();
  EXPECT_EQ(echo_through(client, "hello"), "hello");
}

TEST_P(UnixSocketFiles, ALiveSocketFileIsInUseAndContinuesToServe) {
  TemporaryDirectory directory;
  const std::string path = directory / "socket";
  TestServer server = serve(echo(), "unix://" + path);
  Client before = server.connect();
  EXPECT_EQ(echo_through(before, "x"), "x");
  EXPECT_EQ(error_of([&] { Server(as_set_up({}), "unix://" + path); }), std::errc::address_in_use);
  EXPECT_EQ(echo_through(before, "x"), "x");
  Client after = server.connect();
  EXPECT_EQ(echo_through(after, "x"), "x");
}

TEST_P(UnixSocketFiles, ALiveSocketFileWithAFullBacklogIsInUse) {
  TemporaryDirectory directory;
  const std::string path = directory / "socket";
  ForeignSocket busy(path, SOCK_STREAM);
  busy.listen(0);
  busy.fill();
  EXPECT_EQ(error_of([&] { Server(as_set_up({}), "unix://" + path); }), std::errc::address_in_use);
  EXPECT_TRUE(fs::is_socket(path));
}

TEST_P(UnixSocketFiles, ADatagramSocketIsNotReplaced) {
  TemporaryDirectory directory;
  const std::string path = directory / "socket";
  const ForeignSocket other(path, SOCK_DGRAM);
  EXPECT_TRUE(error_of([&] { Server(as_set_up({}), "unix://" + path); }));
  EXPECT_TRUE(fs::is_socket(path));
}

TEST_P(UnixSocketFiles, OtherKindsOfFilesAreNotReplaced) {
  TemporaryDirectory directory;
  const std::string file = directory / "file", tree = directory / "tree", pipe = directory / "pipe",
                    link = directory / "link", dangling = directory / "dangling";
  std::ofstream(file) << "precious";
  fs::create_directory(tree);
  std::ofstream(tree + "/leaf") << "precious";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  fs::create_symlink(file, link);
  fs::create_symlink(directory / "nowhere", dangling);
  for (const std::string& path : {file, tree, pipe, link, dangling}) {
    EXPECT_TRUE(error_of([&] { Server(as_set_up({}), "unix://" + path); })) << path;
    EXPECT_TRUE(fs::exists(fs::symlink_status(path))) << path;
  }
  std::string content;
  std::ifstream(file) >> content;
  EXPECT_EQ(content, "precious");
  EXPECT_TRUE(fs::exists(tree + "/leaf"));
  EXPECT_TRUE(fs::is_symlink(link) && fs::is_symlink(dangling));
}

TEST_P(UnixSocketFiles, AFileInPlaceOfTheLockIsNotReplaced) {
  TemporaryDirectory directory;
  const std::string lock = directory / "socket.evio-lock";
  const auto bind = [&] { Server(as_set_up({}), "unix://" + directory / "socket"); };
  std::ofstream(lock) << "mine";
  EXPECT_EQ(error_of(bind), std::errc::file_exists);
  EXPECT_EQ(fs::file_size(lock), 4U);
  fs::remove(lock);
  ASSERT_EQ(::mkfifo(lock.c_str(), 0600), 0);
  EXPECT_EQ(error_of(bind), std::errc::file_exists);
  EXPECT_TRUE(fs::is_fifo(lock));
}

TEST_P(UnixSocketFiles, AFileThatReplacedItIsNotRemovedAtTheEnd) {
  TemporaryDirectory directory;
  const std::string path = directory / "socket";
  {
    TestServer server = serve({}, "unix://" + path);
    fs::remove(path);
    std::ofstream(path) << "precious";
  }
  EXPECT_TRUE(fs::is_regular_file(path));
  fs::remove(path);
  TestServer first = serve(echo(), "unix://" + path);
  fs::remove(path);
  TestServer successor = serve(echo(), "unix://" + path);
  first.stop();
  Client client = Client::local(path);
  EXPECT_EQ(echo_through(client, "hello"), "hello");
}

TEST_P(UnixSocketFiles, NoneRemainsWhenAnotherAddressFails) {
  TemporaryDirectory directory;
  const std::string path = directory / "socket";
  const auto descriptors = open_descriptors();
  EXPECT_THROW(Server(as_set_up({}), "unix://" + path, "unix://" + directory.path()), Error);
  EXPECT_FALSE(fs::exists(fs::symlink_status(path)));
  EXPECT_EQ(open_descriptors(), descriptors);
}

TEST_P(UnixSocketFiles, APathThatIsTooLongOrWithoutItsDirectoryIsAnError) {
  TemporaryDirectory directory;
  EXPECT_TRUE(
      error_of([&] { Server(as_set_up({}), "unix://" + directory / std::string(200, 'x')); }));
  EXPECT_TRUE(error_of([&] { Server(as_set_up({}), "unix://" + directory / "none/socket"); }));
}

// The mode holds whatever the umask is: it decides which users may connect.
TEST_P(UnixSocketFiles, HaveTheRequestedMode) {
  const TemporaryDirectory directory;
  for (const unsigned mode : {0600U, 0666U, 0777U}) {
    const std::string path = directory / "socket";
    TestServer server =
        serve({.options = {.file_mode = mode}, .opened = [](Conn& c) { c.write("!"); }},
              "unix://" + path);
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, mode);
    EXPECT_EQ(Client::local(path).receive(1), "!");
  }
}

}  // namespace
}  // namespace evio::test
