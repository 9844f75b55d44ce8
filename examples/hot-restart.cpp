// Restarts without refusing a connection: on SIGHUP it starts its own program again, which inherits
// the listening socket, and then drains its connections. The successor can be restarted in the same
// way.
#include <spawn.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <evio/evio.hpp>
#include <string>

extern char** environ;

// A descriptor number that no socket of the successor uses at that time.
static constexpr int inherited = 100;

static bool run_successor(char* program, const evio::Socket& listener) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, listener.fd(), inherited);
  std::string url = "fd://" + std::to_string(inherited);
  char* arguments[] = {program, url.data(), nullptr};
  pid_t successor = 0;
  const int error =
      posix_spawn(&successor, "/proc/self/exe", &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  return error == 0;
}

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  sigset_t hangup;
  sigemptyset(&hangup);
  sigaddset(&hangup, SIGHUP);
  sigprocmask(SIG_BLOCK, &hangup, nullptr);
  const evio::Socket signals(signalfd(-1, &hangup, SFD_NONBLOCK | SFD_CLOEXEC));

  evio::Server server({.handle_signals = true,
                       .serving =
                           [](evio::Server& s) {
                             std::printf("process %d on %s\n", getpid(),
                                         s.addresses()[0].to_string().c_str());
                           },
                       .data =
                           [](evio::Conn& conn, evio::Input& in) {
                             in.take();
                             conn.write("process " + std::to_string(getpid()) + "\n");
                           }},
                      argc > 1 ? argv[1] : "tcp://:5000");

  server.loop(0).watch(signals.fd(), evio::Interest::read, [&](evio::Interest) {
    signalfd_siginfo info;
    if (read(signals.fd(), &info, sizeof info) < 0) return;
    if (run_successor(argv[0], server.listener(0)))
      server.drain(std::chrono::seconds(30));
    else
      std::puts("the successor did not start: going on");
  });
  server.run();
}
