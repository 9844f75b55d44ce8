// Closes a connection after a second without traffic; `closed` receives the reason.
#include <cstdio>
#include <evio/evio.hpp>

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  evio::serve(
      {.options = {.idle_timeout = std::chrono::seconds(1)},
       .handle_signals = true,
       .serving =
           [](evio::Server& s) { std::printf("on %s\n", s.addresses()[0].to_string().c_str()); },
       .data = [](evio::Conn& conn, evio::Input& in) { conn.write(in.take()); },
       .closed =
           [](evio::Conn&, std::error_code why) {
             std::puts(why == evio::Errc::idle_timeout ? "closed: idle" : "closed");
           }},
      argc > 1 ? argv[1] : "tcp://:5000");
}
