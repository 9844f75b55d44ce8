// Prints how much a connection buffers: bytes received but not consumed, and bytes written but not
// sent.
#include <cstdio>
#include <evio/evio.hpp>
#include <string>

static void report(evio::Conn& conn) {
  std::printf("%zu bytes untaken, %zu unsent\n", conn.pending_input(), conn.pending_output());
  conn.run_after(std::chrono::milliseconds(200), report);
}

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  evio::serve(
      {.handle_signals = true,
       .serving =
           [](evio::Server& s) { std::printf("on %s\n", s.addresses()[0].to_string().c_str()); },
       .opened = report,
       // Consumes whole pieces of 8 bytes: up to 7 bytes stay.
       .data = [](evio::Conn& conn, evio::Input& in) { conn.write(in.take(in.size() / 8 * 8)); }},
      argc > 1 ? argv[1] : "tcp://:5000");
}
