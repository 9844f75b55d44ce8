#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "unit/bound.hpp"

namespace evio {

using namespace detail;
namespace {

using test::Bound;
using test::lowest_free_descriptor;
using test::refusal;
using test::refused;
using testing::HasSubstr;
using Scheme = Address::Scheme;
namespace fs = std::filesystem;

sockaddr_un unix_sockaddr(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

std::optional<Socket> connect_to(const std::string& path) {
  sockaddr_un to = unix_sockaddr(path);
  Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  if (connect(socket.fd(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
    return std::nullopt;
  return socket;
}

// A socket bound by another program, listening or not.
Socket foreign_socket(const std::string& path, int type = SOCK_STREAM, int backlog = 1) {
  sockaddr_un at = unix_sockaddr(path);
  Socket socket(::socket(AF_UNIX, type, 0));
  EXPECT_EQ(bind(socket.fd(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0)
      << std::strerror(errno);
  if (type == SOCK_STREAM) {
    EXPECT_EQ(listen(socket.fd(), backlog), 0);
  }
  return socket;
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = fs::temp_directory_path() / "evio-test-XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() { fs::remove_all(path_); }

  std::string file(const std::string& name) const { return path_ / name; }
  std::string url(const std::string& name) const { return "unix://" + file(name); }
  std::size_t entries() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(path_), fs::directory_iterator()));
  }

 private:
  fs::path path_;
};

TEST(BindUnix, ListensAtThePath) {
  TemporaryDirectory directory;
  Bound bound(directory.url("a.sock"));
  EXPECT_EQ(bound.address, Address::parse(directory.url("a.sock")));
  EXPECT_EQ(local_address(bound.socket.fd(), Scheme::local), bound.address);
  EXPECT_TRUE(connect_to(directory.file("a.sock")));
  EXPECT_EQ(directory.entries(), 1u);
}

TEST(BindUnix, ReplacesAStaleSocket) {
  TemporaryDirectory directory;
  foreign_socket(directory.file("a.sock"));
  ASSERT_TRUE(fs::is_socket(directory.file("a.sock")));
  ASSERT_FALSE(connect_to(directory.file("a.sock")));
  Bound bound(directory.url("a.sock"));
  EXPECT_TRUE(connect_to(directory.file("a.sock")));
  EXPECT_EQ(directory.entries(), 1u);
}

TEST(BindUnix, RefusesALiveSocket) {
  TemporaryDirectory directory;
  Bound bound(directory.url("a.sock"));
  auto [code, what] = refusal(directory.url("a.sock"));
  EXPECT_EQ(code, std::errc::address_in_use);
  EXPECT_THAT(what, HasSubstr("another server serves it"));
  EXPECT_TRUE(connect_to(directory.file("a.sock")));
}

TEST(BindUnix, RefusesALiveSocketWithAFullBacklog) {
  TemporaryDirectory directory;
  Socket busy = foreign_socket(directory.file("a.sock"), SOCK_STREAM, 0);
  std::vector<Socket> waiting;
  while (auto next = connect_to(directory.file("a.sock"))) waiting.push_back(std::move(*next));
  ASSERT_EQ(errno, EAGAIN);
  EXPECT_EQ(refused(directory.url("a.sock")), std::errc::address_in_use);
  EXPECT_TRUE(fs::is_socket(directory.file("a.sock")));
}

TEST(BindUnix, RefusesALiveSocketOfAnotherType) {
  TemporaryDirectory directory;
  Socket datagrams = foreign_socket(directory.file("a.sock"), SOCK_DGRAM);
  EXPECT_EQ(refused(directory.url("a.sock")), std::errc::address_in_use);
  EXPECT_TRUE(fs::is_socket(directory.file("a.sock")));
}

TEST(BindUnix, NeverReplacesAFile) {
  TemporaryDirectory directory;
  std::ofstream(directory.file("notes")) << "mine";
  auto [code, what] = refusal(directory.url("notes"));
  EXPECT_EQ(code, std::errc::file_exists);
  EXPECT_THAT(what, HasSubstr("a file exists there"));
  std::string content;
  std::ifstream(directory.file("notes")) >> content;
  EXPECT_EQ(content, "mine");
  EXPECT_EQ(directory.entries(), 1u);
}

TEST(BindUnix, NeverReplacesADirectory) {
  TemporaryDirectory directory;
  fs::create_directory(directory.file("folder"));
  std::ofstream(directory.file("folder/notes")) << "mine";
  for (std::string name : {"folder", "folder/", "folder/."}) {
    auto [code, what] = refusal(directory.url(name));
    EXPECT_EQ(code, std::errc::file_exists) << name;
    EXPECT_THAT(what, HasSubstr("a directory exists there"));
  }
  EXPECT_TRUE(fs::exists(directory.file("folder/notes")));
  EXPECT_EQ(std::distance(fs::directory_iterator(directory.file("folder")), {}), 1);
}

TEST(BindUnix, NeverReplacesASymbolicLink) {
  TemporaryDirectory directory;
  std::ofstream(directory.file("notes")) << "mine";
  fs::create_symlink(directory.file("notes"), directory.file("to-file"));
  fs::create_symlink(directory.file("nowhere"), directory.file("dangling"));
  foreign_socket(directory.file("stale"));
  fs::create_symlink(directory.file("stale"), directory.file("to-stale"));
  for (std::string name : {"to-file", "dangling", "to-stale"}) {
    auto [code, what] = refusal(directory.url(name));
    EXPECT_EQ(code, std::errc::file_exists) << name;
    EXPECT_THAT(what, HasSubstr("a symbolic link exists there")) << name;
    EXPECT_TRUE(fs::is_symlink(directory.file(name))) << name;
  }
  EXPECT_FALSE(fs::exists(directory.file("nowhere")));
  EXPECT_TRUE(fs::is_socket(directory.file("stale")));
}

TEST(BindUnix, NeverReplacesAPipe) {
  TemporaryDirectory directory;
  ASSERT_EQ(mkfifo(directory.file("pipe").c_str(), 0600), 0);
  EXPECT_EQ(refused(directory.url("pipe")), std::errc::file_exists);
  EXPECT_TRUE(fs::is_fifo(directory.file("pipe")));
}

TEST(BindUnix, NamesTheDirectoryThatIsMissing) {
  TemporaryDirectory directory;
  auto [code, what] = refusal(directory.url("none/a.sock"));
  EXPECT_EQ(code, std::errc::no_such_file_or_directory);
  EXPECT_THAT(what, HasSubstr(directory.file("none/a.sock")));
  EXPECT_EQ(directory.entries(), 0u);
}

TEST(BindUnix, AcceptsAPathOf107Bytes) {
  TemporaryDirectory directory;
  std::string room = directory.file("");
  Bound bound(directory.url(std::string(107 - room.size(), 'a')));
  EXPECT_EQ(local_address(bound.socket.fd(), Scheme::local), bound.address);
  std::string long_path(108, 'a');
  EXPECT_THROW(bind_socket(Address::from_path(long_path), false, 1, {}), Error);
  EXPECT_THROW(bind_socket(Address::from_path(""), false, 1, {}), Error);
}

TEST(BindUnix, LeavesNothingOpenWhenItFails) {
  TemporaryDirectory directory;
  std::ofstream(directory.file("plain")) << "mine";
  Socket live = foreign_socket(directory.file("live"));
  int next = lowest_free_descriptor();
  EXPECT_TRUE(refused(directory.url("plain")));
  EXPECT_TRUE(refused(directory.url("live")));
  EXPECT_TRUE(refused(directory.url("none/a.sock")));
  EXPECT_EQ(lowest_free_descriptor(), next);
  EXPECT_EQ(directory.entries(), 2u);
}

TEST(BindUnix, BindsAbstractNames) {
  std::string url = "unix://@evio-test-" + std::to_string(getpid());
  Bound bound(url);
  EXPECT_EQ(bound.address.to_string(), url);
  EXPECT_EQ(local_address(bound.socket.fd(), Scheme::local), bound.address);
  EXPECT_EQ(refused(url), std::errc::address_in_use);
  EXPECT_FALSE(fs::exists(bound.address.host()));
  remove_socket_file(bound.address, bound.device, bound.inode);
}

TEST(BindUnix, SucceedsForOneOfManyThatStartAtOnce) {
  TemporaryDirectory directory;
  for (int round = 0; round < 50; ++round) {
    foreign_socket(directory.file("a.sock"));  // stale immediately
    constexpr int count = 4;
    std::atomic<int> ready = 0;
    std::optional<Bound> bound[count];
    std::vector<std::thread> servers;
    for (auto& each : bound) {
      servers.emplace_back([&] {
        for (++ready; ready < count;) std::this_thread::yield();
        try {
          each.emplace(directory.url("a.sock"));
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), std::errc::address_in_use) << error.what();
        }
      });
    }
    for (std::thread& server : servers) server.join();
    auto won = std::count_if(std::begin(bound), std::end(bound),
                             [](const auto& each) { return each.has_value(); });
    EXPECT_EQ(won, 1);
    EXPECT_TRUE(connect_to(directory.file("a.sock")));
    for (auto& each : bound) {
      if (each) remove_socket_file(each->address, each->device, each->inode);
    }
    EXPECT_EQ(directory.entries(), 0u);
  }
}

TEST(BindUnix, DoesNotWaitForAServerThatIsStarting) {
  TemporaryDirectory directory;
  Socket lock(open(directory.file("a.sock.evio-lock").c_str(), O_RDONLY | O_CREAT, 0600));
  ASSERT_EQ(flock(lock.fd(), LOCK_EX), 0);
  EXPECT_THAT(refusal(directory.url("a.sock")).what, HasSubstr("another server is starting there"));
  lock = Socket();  // its owner has ended: the remaining file locks nothing
  EXPECT_EQ(refusal(directory.url("a.sock")).what, "");
  EXPECT_EQ(directory.entries(), 0u);
}

TEST(RemoveSocketFile, RemovesItsOwn) {
  TemporaryDirectory directory;
  Bound bound(directory.url("a.sock"));
  remove_socket_file(bound.address, bound.device, bound.inode);
  EXPECT_EQ(directory.entries(), 0u);
  remove_socket_file(bound.address, bound.device, bound.inode);
}

TEST(RemoveSocketFile, LeavesFilesOfOthers) {
  TemporaryDirectory directory;
  Bound first(directory.url("a.sock"));
  fs::remove(directory.file("a.sock"));
  Bound second(directory.url("a.sock"));
  remove_socket_file(first.address, first.device, first.inode);
  EXPECT_TRUE(connect_to(directory.file("a.sock")));

  fs::remove(directory.file("a.sock"));
  std::ofstream(directory.file("a.sock")) << "mine";
  remove_socket_file(first.address, first.device, first.inode);
  EXPECT_TRUE(fs::is_regular_file(directory.file("a.sock")));
}

}  // namespace
}  // namespace evio
