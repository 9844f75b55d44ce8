// Measures time, messages, and the resources that server and generator use meanwhile.
#include <dirent.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "load.hpp"

namespace load {

namespace {

double read_clock(clockid_t clock) {
  timespec t{};
  if (::clock_gettime(clock, &t) < 0) die("clock_gettime");
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

std::vector<int> threads_of(int process) {
  std::vector<int> all;
  const std::string path = "/proc/" + std::to_string(process) + "/task";
  DIR* directory = ::opendir(path.c_str());
  if (!directory) return all;
  while (const dirent* entry = ::readdir(directory))
    if (const int id = std::atoi(entry->d_name)) all.push_back(id);
  ::closedir(directory);
  return all;
}

std::uint64_t tracepoint(const char* name) {
  for (const char* root : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
    std::uint64_t id = 0;
    if (std::ifstream(std::string(root) + "/events/" + name + "/id") >> id) return id;
  }
  return 0;
}

int count_syscalls(int thread) {
  perf_event_attr wanted{};
  wanted.size = sizeof wanted;
  wanted.type = PERF_TYPE_TRACEPOINT;
  wanted.inherit = 1;  // counts future threads, too
  wanted.config = tracepoint("raw_syscalls/sys_enter");
  if (!wanted.config) return -1;
  return static_cast<int>(
      ::syscall(SYS_perf_event_open, &wanted, thread, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

}  // namespace

double now() { return read_clock(CLOCK_MONOTONIC); }
double own_cpu() { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

ServerMeter::ServerMeter(const Options& options) : server_(options.server) {
  if (server_ <= 0 || ::clock_getcpuclockid(server_, &clock_) != 0) {
    std::fprintf(stderr, "load: --server must be the server's process\n");
    std::exit(2);
  }
  if (options.syscalls)
    for (const int thread : threads_of(server_))
      if (const int fd = count_syscalls(thread); fd >= 0) counters_.push_back(fd);
  if (options.allocations.empty()) return;
  const int fd = ::open(options.allocations.c_str(), O_RDONLY | O_CLOEXEC);
  void* memory =
      fd < 0 ? MAP_FAILED : ::mmap(nullptr, sizeof *allocations_, PROT_READ, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) die(options.allocations.c_str());
  ::close(fd);
  allocations_ = static_cast<const std::uint64_t*>(memory);
}

ServerMeter::~ServerMeter() {
  for (const int fd : counters_) ::close(fd);
}

Usage ServerMeter::usage() const {
  Usage usage{.cpu = read_clock(clock_)};
  for (const int fd : counters_) {
    std::uint64_t count = 0;
    if (::read(fd, &count, sizeof count) == sizeof count) usage.syscalls += count;
  }
  if (allocations_) usage.allocations = __atomic_load_n(allocations_, __ATOMIC_RELAXED);
  return usage;
}

std::size_t ServerMeter::resident_bytes() const {
  std::size_t total = 0;
  std::size_t resident = 0;
  std::ifstream("/proc/" + std::to_string(server_) + "/statm") >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

Window::Window(const Options& options)
    : server_(options), begin_at_(time_ + options.warm_up), seconds_(options.seconds) {}

void Window::begin(double messages) {
  measuring_ = true;
  messages_ = messages;
  idle_ = 0;
  own_ = own_cpu();
  used_ = server_.usage();
  started_ = time_ = now();
}

void Window::end(double messages) {
  elapsed_ = now() - started_;
  const Usage usage = server_.usage();
  used_ = {.cpu = usage.cpu - used_.cpu,
           .syscalls = usage.syscalls - used_.syscalls,
           .allocations = usage.allocations - used_.allocations};
  own_ = own_cpu() - own_;
  messages_ = messages - messages_;
}

bool Window::tick(double messages, bool busy) {
  const double time = now();
  if (!busy) idle_ += time - time_;
  time_ = time;
  if (!measuring_) {
    if (time >= begin_at_) begin(messages);
    return true;
  }
  if (time < started_ + seconds_) return true;
  end(messages);
  return false;
}

void Window::print(std::string_view more) const {
  std::printf(
      "{\"messages\":%.6g,\"seconds\":%.6f,\"server_cpu\":%.6f,\"load_cpu\":%.6f,\"load_idle\":%."
      "6f",
      messages_, elapsed_, used_.cpu, own_, idle_);
  if (server_.counts_syscalls())
    std::printf(",\"syscalls\":%llu", static_cast<unsigned long long>(used_.syscalls));
  if (server_.counts_allocations())
    std::printf(",\"allocations\":%llu", static_cast<unsigned long long>(used_.allocations));
  if (!more.empty()) std::printf(",%.*s", static_cast<int>(more.size()), more.data());
  std::printf("}\n");
}

}  // namespace load
