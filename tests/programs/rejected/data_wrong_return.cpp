// `data` returns Action or nothing, not how many bytes it took
// error: this handler returns the wrong type
#include <evio/evio.hpp>
int main() {
  evio::serve({.data = [](evio::Conn&, evio::Input& in) { return in.size(); }}, "tcp://:5000");
}
