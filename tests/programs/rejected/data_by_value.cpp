// a connection cannot be copied, so it cannot be taken by value
// error: this handler takes neither the handler's parameters .* nor none
#include <evio/evio.hpp>
int main() {
  evio::serve({.data = [](evio::Conn, evio::Input&) {}}, "tcp://:5000");
}
