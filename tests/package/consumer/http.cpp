// An HTTP server that stops at once.
#include <evio/evio.hpp>
#include <evio/http.hpp>

int main() {
  evio::Events events =
      evio::http::server([](auto&, evio::http::Response& response) { response.text("Hello"); });
  events.tick = [] { return evio::Tick{.delay = {}, .action = evio::Action::shutdown}; };
  evio::serve(std::move(events), "tcp://127.0.0.1:0");
}
