// `closed` is given why, as an error code
// error: this handler takes neither the handler's parameters .* nor none
#include <evio/evio.hpp>
int main() {
  evio::serve({.closed = [](evio::Conn&, const char*) {}}, "tcp://:5000");
}
