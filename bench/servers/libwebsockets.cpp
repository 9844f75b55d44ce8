// libwebsockets at its best: its own loop, buffers that hold whole messages, no extensions. Writes
// at once, although its documentation would have a server ask for a call when it may write: it
// keeps what the kernel does not take either way, and the detour costs 20 %. (Its loop over libuv
// is no faster, with 5,000 connections neither.) Echo, broadcast.
#include <libwebsockets.h>

#include <memory>
#include <new>
#include <vector>

#include "server.hpp"

namespace {

constexpr std::size_t buffer_size = 128 << 10;  // larger than any message

bench::Options options;
std::vector<lws*> all;

struct Session {
  std::vector<unsigned char> message =
      std::vector<unsigned char>(LWS_PRE);  // after room for the library's header
};

int write(lws* socket, Session& session) {
  return lws_write(socket, session.message.data() + LWS_PRE, session.message.size() - LWS_PRE,
                   LWS_WRITE_BINARY);
}

// A failed write to another connection ends that one, by an event of its own.
int answer(lws* socket, Session& session) {
  if (options.mode == "echo") return write(socket, session) < 0 ? -1 : 0;
  for (lws* each : all) write(each, session);
  return 0;
}

int receive(lws* socket, Session& session, const unsigned char* bytes, std::size_t size) {
  session.message.insert(session.message.end(), bytes, bytes + size);
  if (!lws_is_final_fragment(socket) || lws_remaining_packet_payload(socket) > 0) return 0;
  const int result = answer(socket, session);
  session.message.resize(LWS_PRE);
  return result;
}

int on_event(lws* socket, lws_callback_reasons reason, void* memory, void* bytes,
             std::size_t size) {
  auto* session = static_cast<Session*>(memory);
  switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
      new (memory) Session;
      all.push_back(socket);
      return 0;
    case LWS_CALLBACK_RECEIVE:
      return receive(socket, *session, static_cast<const unsigned char*>(bytes), size);
    case LWS_CALLBACK_CLOSED:
      std::erase(all, socket);
      std::destroy_at(session);
      return 0;
    default:
      return 0;
  }
}

}  // namespace

int main(int argc, char** argv) {
  options = bench::parse(argc, argv);
  if (options.mode != "echo" && options.mode != "broadcast") bench::unsupported(options);
  lws_set_log_level(LLL_ERR, nullptr);
  const lws_protocols protocols[] = {
      {"bench", on_event, sizeof(Session), buffer_size, 0, nullptr, 0}, {}};
  lws_context_creation_info info{};
  info.port = options.port;
  info.iface = "127.0.0.1";
  info.protocols = protocols;
  info.pt_serv_buf_size = buffer_size;
  info.options = LWS_SERVER_OPTION_DISABLE_IPV6;
  lws_context* context = lws_create_context(&info);
  if (!context) return 1;
  bench::ready(lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "default")));
  while (lws_service(context, 0) >= 0) continue;
}
