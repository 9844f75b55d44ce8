// Shared by all loads: the command line, sockets, and the clock of the measured time.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

namespace load {

struct Options {
  std::string what;  // closed, open, churn, broadcast, sends, posts, bulk, idle, udp-echo, udp-bulk
  int port = 0;
  int server = 0;             // process to measure
  unsigned connections = 50;  // for UDP: sockets
  unsigned pipeline =
      1;  // requests sent together, the next when all are answered; for UDP: datagrams on their way
  std::size_t size = 64;  // bytes of a message
  double seconds = 0.4;   // measured
  double warm_up = 0.1;   // before that
  double rate = 10000;    // open: messages a second
  bool uring = true;      // closed, broadcast, sends: by io_uring, which costs less than epoll
  bool syscalls = false;  // count the server's system calls (needs permission to trace; slows it)
  bool wait_for_end = false;  // churn: the server closes
  bool spoken = false;        // idle: each connection has echoed a message
  bool websocket =
      false;  // closed, broadcast: the connections are WebSockets, a message is a frame
  std::string
      request;  // closed: in place of a message of `size` bytes; the answers all have one length
  std::string set_up;       // closed: a request sent once before
  std::string allocations;  // the file that allocations.cpp counts into
};

Options parse(int argc, char** argv);
[[noreturn]] void die(const char* what);

double now();      // seconds
double own_cpu();  // seconds

// A connection to the server from one of many local addresses, so that ports do not run out. It
// ends with a reset, which leaves no TIME_WAIT.
int connect_tcp(const Options& options, unsigned index);
// The connections of the options, upgraded if they are to be WebSockets.
std::vector<int> connect_all(const Options& options);
int connect_udp(const Options& options);
void set_blocking(int fd, bool blocking);
void send_all(int fd, std::string_view bytes);
// Reads `n` bytes; ends the program with a message when they do not come within 5 s.
std::string receive_exactly(int fd, std::size_t n);
// Reads until the bytes end with this text.
std::string receive_until(int fd, std::string_view end);
// A message as the client sends it, and as the server sends it.
std::string to_server(std::string_view message, const Options& options);
std::string from_server(std::string_view message, const Options& options);
// Asks a server in mode sink or posts for its count.
std::uint64_t ask_count(int fd, bool udp = false);

// The resources that the server has used so far.
struct Usage {
  double cpu = 0;                 // seconds
  std::uint64_t syscalls = 0;     // if they are counted
  std::uint64_t allocations = 0;  // if they are counted
};

class ServerMeter {
 public:
  explicit ServerMeter(const Options& options);
  ServerMeter(const ServerMeter&) = delete;
  ServerMeter& operator=(const ServerMeter&) = delete;
  ~ServerMeter();
  Usage usage() const;
  bool counts_syscalls() const { return !counters_.empty(); }
  bool counts_allocations() const { return allocations_ != nullptr; }
  std::size_t resident_bytes() const;

 private:
  int server_;
  clockid_t clock_{};
  std::vector<int> counters_;  // one per thread
  const std::uint64_t* allocations_ = nullptr;
};

// The measured time. A load calls tick() between polls until it returns false.
class Window {
 public:
  explicit Window(const Options& options);
  // `messages` is the number so far; `busy` says whether the last poll had any event. The generator
  // spins when it is idle, so that the server never pays for waking it.
  bool tick(double messages, bool busy);
  double time() const { return time_; }
  bool measuring() const { return measuring_; }

  // For loads that start and end the measured time themselves.
  void begin(double messages);
  void end(double messages);

  // The results as a line of JSON; `more` is inserted unchanged, such as `"p50":12`.
  void print(std::string_view more = {}) const;

 private:
  ServerMeter server_;
  double time_ = now();
  double begin_at_, seconds_;
  bool measuring_ = false;
  double started_ = 0, elapsed_ = 0, idle_ = 0, own_ = 0;
  double messages_ = 0;
  Usage used_;
};

// The loads: each runs until its measured time is over and prints.
void closed(const Options& options);
void open(const Options& options);
void churn(const Options& options);
void broadcast(const Options& options);
void sends(const Options& options);
void posts(const Options& options);
void bulk(const Options& options);
void idle(const Options& options);
void udp_echo(const Options& options);
void udp_bulk(const Options& options);

}  // namespace load
