// The load generator: runs one load against one server and prints the results. It does not know
// which server it is.
#include "load.hpp"

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <utility>

namespace load {

Options parse(int argc, char** argv) {
  Options o;
  std::map<std::string_view, std::function<void(const char*)>> values{
      {"--port", [&](const char* v) { o.port = std::atoi(v); }},
      {"--server", [&](const char* v) { o.server = std::atoi(v); }},
      {"--connections",
       [&](const char* v) { o.connections = static_cast<unsigned>(std::atoi(v)); }},
      {"--pipeline", [&](const char* v) { o.pipeline = static_cast<unsigned>(std::atoi(v)); }},
      {"--size", [&](const char* v) { o.size = static_cast<std::size_t>(std::atoll(v)); }},
      {"--seconds", [&](const char* v) { o.seconds = std::atof(v); }},
      {"--warm-up", [&](const char* v) { o.warm_up = std::atof(v); }},
      {"--rate", [&](const char* v) { o.rate = std::atof(v); }},
      {"--engine", [&](const char* v) { o.uring = std::string_view(v) != "epoll"; }},
      {"--request", [&](const char* v) { o.request = v; }},
      {"--set-up", [&](const char* v) { o.set_up = v; }},
      {"--allocations", [&](const char* v) { o.allocations = v; }},
  };
  const std::map<std::string_view, bool*> flags{{"--syscalls", &o.syscalls},
                                                {"--wait-for-end", &o.wait_for_end},
                                                {"--spoken", &o.spoken},
                                                {"--websocket", &o.websocket}};
  if (argc > 1) o.what = argv[1];
  for (int i = 2; i < argc; ++i) {
    if (const auto flag = flags.find(argv[i]); flag != flags.end()) {
      *flag->second = true;
    } else if (const auto value = values.find(argv[i]); value != values.end() && i + 1 < argc) {
      value->second(argv[++i]);
    } else {
      std::fprintf(stderr, "load: unknown option %s\n", argv[i]);
      std::exit(2);
    }
  }
  return o;
}

void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

}  // namespace load

int main(int argc, char** argv) {
  const std::map<std::string_view, void (*)(const load::Options&)> loads{
      {"closed", load::closed},       {"open", load::open},   {"churn", load::churn},
      {"broadcast", load::broadcast}, {"sends", load::sends}, {"posts", load::posts},
      {"bulk", load::bulk},           {"idle", load::idle},   {"udp-echo", load::udp_echo},
      {"udp-bulk", load::udp_bulk}};
  const load::Options options = load::parse(argc, argv);
  const auto found = loads.find(options.what);
  if (found == loads.end()) {
    std::fprintf(stderr, "usage: load LOAD --port N --server PID ...\n");
    return 2;
  }
  found->second(options);
}
