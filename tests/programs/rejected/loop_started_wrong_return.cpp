// `loop_started` has nothing to ask for: no Action
// error: this handler returns the wrong type
#include <evio/evio.hpp>
int main() {
  evio::serve({.loop_started = [](evio::Loop&) { return evio::Action::none; }}, "tcp://:5000");
}
