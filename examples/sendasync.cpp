// Threads outside the loops do the work; they send the reply, and a callback reports when it was
// sent.
#include <cstdio>
#include <evio/evio.hpp>
#include <future>
#include <list>
#include <string>

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::list<std::future<void>> workers;  // of the loop; one thread per request, for brevity
  evio::serve(
      {.codec = evio::codec::Lines(),
       .handle_signals = true,
       .serving =
           [](evio::Server& s) { std::printf("on %s\n", s.addresses()[0].to_string().c_str()); },
       .data =
           [&](evio::Conn& conn, evio::Input& line) {
             const auto work = [to = conn.handle(), request = std::string(line.view())] {
               to.send(evio::SharedBytes("done: " + request), [request](std::error_code error) {
                 std::printf("%s: %s\n", request.c_str(), error ? error.message().c_str() : "sent");
               });
             };
             workers.remove_if([](auto& one) {
               return one.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
             });
             workers.push_back(std::async(std::launch::async, work));
           }},
      argc > 1 ? argv[1] : "tcp://:5000");
}
