// a balance function is given the loops' loads and the peer's address
// error: this handler takes neither the handler's parameters .* nor none
#include <evio/evio.hpp>
int main() {
  evio::serve({.balance = [](int loops) { return loops - 1; }}, "tcp://:5000");
}
