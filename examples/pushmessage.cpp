// Sends a line to every connection each 100 milliseconds, without a request.
#include <cstdio>
#include <evio/evio.hpp>
#include <string>

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  evio::serve(
      {.loops = 2,
       .handle_signals = true,
       .serving =
           [](evio::Server& server) {
             std::printf("on %s\n", server.addresses()[0].to_string().c_str());
             server.run_every(std::chrono::milliseconds(100), [&server, count = 0]() mutable {
               server.broadcast(evio::SharedBytes("message " + std::to_string(++count) + "\n"));
             });
           }},
      argc > 1 ? argv[1] : "tcp://:5000");
}
