// A chat room: the first line is the user's name, every further line is sent to all. A message is
// one SharedBytes for all receivers.
#include <cstdio>
#include <evio/evio.hpp>
#include <string>

static void say(evio::Conn& conn, const std::string& text) {
  conn.server().broadcast(evio::SharedBytes(text));
  std::puts(text.c_str());
}

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  evio::serve(
      {.loops = 2,
       .codec = evio::codec::Lines(),
       .handle_signals = true,
       .serving =
           [](evio::Server& s) { std::printf("on %s\n", s.addresses()[0].to_string().c_str()); },
       .opened = [](evio::Conn& conn) { conn.write("What is your name?"); },
       .data =
           [](evio::Conn& conn, evio::Input& line) {
             if (const auto* name = conn.context<std::string>())
               return say(conn, *name + ": " + std::string(line.view()));
             say(conn, conn.emplace_context<std::string>(line.view()) + " is here");
           },
       .closed =
           [](evio::Conn& conn, std::error_code) {
             if (const auto* name = conn.context<std::string>()) say(conn, *name + " has left");
           }},
      argc > 1 ? argv[1] : "tcp://:5000");
}
