// What all loads share: the command line, sockets, and the clock that frames what is measured.
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
  std::size_t size = 64;      // bytes of a message
  double seconds = 0.4;       // measured
  double warm_up = 0.1;       // before that
  double rate = 10000;        // open: messages a second
  bool uring = true;          // closed, broadcast, sends: by io_uring, which is lighter than epoll
  bool syscalls = false;      // count the server's (needs the right to trace; slows it)
  bool wait_for_end = false;  // churn: the server closes
  bool spoken = false;        // idle: each connection has echoed a message before
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

// A connection to the server, from one of many local addresses, so that there are ports enough. It
// ends with a reset: nothing of it stays behind.
int connect_tcp(const Options& options, unsigned index);
// As many as the options say, upgraded if they are to be WebSockets.
std::vector<int> connect_all(const Options& options);
int connect_udp(const Options& options);
void set_blocking(int fd, bool blocking);
void send_all(int fd, std::string_view bytes);
// Reads `n` bytes; ends the program with a message when they do not come within 5 s.
std::string receive_exactly(int fd, std::size_t n);
// The same, until what was read ends so.
std::string receive_until(int fd, std::string_view end);
// A message as it goes to the server, and as the server sends it.
std::string to_server(std::string_view message, const Options& options);
std::string from_server(std::string_view message, const Options& options);
// Asks a server in mode sink or posts for its count.
std::uint64_t ask_count(int fd, bool udp = false);

// What the server has used so far.
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
  std::vector<int> counters_;  // one a thread
  const std::uint64_t* allocations_ = nullptr;
};

// Frames the measured time. A load calls tick() between polls until it says false.
class Window {
 public:
  explicit Window(const Options& options);
  // `messages` so far; `busy`: whether the last poll had anything. The rest of the time the
  // generator idles: it spins, so that the server never pays for waking it.
  bool tick(double messages, bool busy);
  double time() const { return time_; }
  bool measuring() const { return measuring_; }

  // For loads that frame the time themselves.
  void begin(double messages);
  void end(double messages);

  // The results as a line of JSON; `more` goes in as it is, such as `"p50":12`.
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

// The loads: each runs until its window is over and prints.
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
