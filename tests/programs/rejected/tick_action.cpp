// `tick` returns a Tick: an Action alone does not say when to be called again
// error: this handler returns the wrong type
#include <evio/evio.hpp>
int main() {
  evio::serve({.tick = [] { return evio::Action::none; }}, "tcp://:5000");
}
