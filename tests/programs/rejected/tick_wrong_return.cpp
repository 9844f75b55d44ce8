// `tick` must say when to be called again
// error: this handler returns the wrong type
#include <evio/evio.hpp>
int main() {
  evio::serve({.tick = [](evio::Loop&) {}}, "tcp://:5000");
}
