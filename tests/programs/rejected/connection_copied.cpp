// a connection belongs to its loop: keep its Handle instead
// error: deleted
#include <evio/evio.hpp>
int main() {
  evio::serve({.data = [](evio::Conn& c, evio::Input&) { [[maybe_unused]] evio::Conn copy = c; }},
              "tcp://:5000");
}
