// Events own their handlers, which may own what cannot be copied: move them
// error: deleted
#include <evio/evio.hpp>
int main() {
  evio::Events events{.data = [](evio::Conn& c, evio::Input& in) { c.write(in.take()); }};
  [[maybe_unused]] evio::Events copy = events;
}
