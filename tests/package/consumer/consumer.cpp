// Serves, and stops at once.
#include <evio/evio.hpp>

int main() {
  evio::serve({.tick = [] { return evio::Tick{.delay = {}, .action = evio::Action::shutdown}; }},
              "tcp://127.0.0.1:0");
}
