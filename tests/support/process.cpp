#include "process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "waiting.hpp"

namespace evio::test {
namespace {

std::set<int> numbers_in(const char* directory) {
  std::set<int> numbers;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    numbers.insert(std::stoi(entry.path().filename().string()));
  return numbers;
}

std::uint64_t status_field(const std::string& file, std::string_view name) {
  std::ifstream status(file);
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name)) return std::stoull(line.substr(name.size() + 1));
  return 0;  // the thread has ended
}

// The clock of a thread's processor time, as the kernel numbers them (pthread_getcpuclockid wants a
// pthread_t).
clockid_t processor_clock(pid_t thread) {
  return static_cast<clockid_t>((~static_cast<unsigned>(thread) << 3) | 6);
}

}  // namespace

std::set<int> open_descriptors() {
  std::set<int> open = numbers_in("/proc/self/fd");
  std::erase_if(open, [](int fd) {
    return ::fcntl(fd, F_GETFD) < 0;
  });  // without the descriptor that read the directory
  return open;
}

std::set<pid_t> thread_ids() { return numbers_in("/proc/self/task"); }

std::size_t resident_bytes() { return status_field("/proc/self/status", "RssAnon:") * 1024; }

Usage usage(const std::set<pid_t>& threads) {
  Usage sum;
  for (const pid_t thread : threads) {
    timespec used{};
    if (clock_gettime(processor_clock(thread), &used) == 0)
      sum.cpu += std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
    sum.waits += status_field("/proc/self/task/" + std::to_string(thread) + "/status",
                              "voluntary_ctxt_switches:");
  }
  return sum;
}

void in_child_process(const std::function<void()>& body) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    try {
      body();
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
    std::fflush(nullptr);
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  const bool ended = eventually([&] { return ::waitpid(child, &status, WNOHANG) == child; }) ||
                     eventually([&] { return ::waitpid(child, &status, WNOHANG) == child; });
  if (!ended) {
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
  }
  EXPECT_TRUE(ended) << "the child process hangs";
  if (ended && WIFSIGNALED(status)) {
    ADD_FAILURE() << "the child process died of signal " << WTERMSIG(status);
  } else {
    EXPECT_EQ(WEXITSTATUS(status), 0) << "the child process failed: see above";
  }
}

bool limit_descriptors(std::size_t count) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = count;
  return count <= limit.rlim_max && ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "evio-test-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp " + name);
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace evio::test
