// Accepts at most three connections at once: further ones wait in the kernel's backlog until one
// closes.
#include <cstdio>
#include <evio/evio.hpp>

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  evio::serve(
      {.limits = {.connections_max = 3},
       .handle_signals = true,
       .serving =
           [](evio::Server& s) { std::printf("on %s\n", s.addresses()[0].to_string().c_str()); },
       .opened = [](evio::Conn& conn) { conn.write("welcome\n"); },
       .data = [](evio::Conn& conn, evio::Input& in) { conn.write(in.take()); }},
      argc > 1 ? argv[1] : "tcp://:5000");
}
