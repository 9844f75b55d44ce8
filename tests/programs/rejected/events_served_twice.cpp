// Events are served by one server, which owns their handlers: std::move(events), or a function that
// makes them error: no matching function for call to .*serve|rvalue
#include <evio/evio.hpp>
int main() {
  evio::Events events{.data = [](evio::Conn& c, evio::Input& in) { c.write(in.take()); }};
  evio::serve(events, "tcp://:5000");
}
