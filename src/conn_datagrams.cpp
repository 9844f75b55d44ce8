// Outgoing connections to a udp address: they exchange datagrams with one peer. A datagram is sent
// at once or dropped; it is never queued, except before the socket is connected.
#include <utility>

#include "conn.hpp"
#include "loop.hpp"

namespace evio { inline namespace v0 { namespace detail {

// Sends the datagrams that were written before it was connected.
void Connection::begin_datagrams(NativeSocket socket) {
  DatagramEnd& end = datagram_end();
  end.socket = loop_.datagrams().bind(*this, socket);
  const std::size_t early = std::exchange(end.early_size, 0);
  if (extra_->completions) extra_->completions->taken += early;
  for (const std::string& bytes : std::exchange(end.early, {}))
    loop_.datagrams().send(*end.socket, {.from = Address(), .to = *extra_->peer, .bytes = bytes});
}

WriteResult Connection::send_datagram(std::initializer_list<std::string_view> pieces) {
  if (!is_open() || flags_.write_shut) return WriteResult::Kind::dropped;
  std::string_view bytes = pieces.size() == 0 ? std::string_view() : *pieces.begin();
  std::string whole;
  if (pieces.size() > 1) {
    for (const std::string_view piece : pieces) whole += piece;
    bytes = whole;
  }
  if (!datagram_end().socket) return send_early(bytes);
  note_activity();
  return loop_.datagrams().send(*datagram_end().socket,
                                {.from = Address(), .to = *extra_->peer, .bytes = bytes});
}

// The limit is output_high, not output_max: as with the kernel's buffer, excess datagrams are
// dropped, and the connection stays open.
WriteResult Connection::send_early(std::string_view bytes) {
  DatagramEnd& end = datagram_end();
  if (end.early_size + bytes.size() > limits().output_high) {
    loop_.counters().datagrams_dropped.add(1);
    return WriteResult::Kind::dropped;
  }
  end.early.emplace_back(bytes);
  end.early_size += bytes.size();
  return WriteResult::Kind::accepted;
}

// A datagram that `data` may not see now is dropped: unlike stream input, it is never stored.
void Connection::datagram_received(std::string_view bytes) {
  loop_.counters().received.add(bytes.size());
  if (!listening()) return loop_.counters().datagrams_dropped.add(1);
  loop_.counters().datagrams_received.add(1);
  note_activity();
  flags_.received_any = true;
  run_data(bytes);
}

// The peer's host has reported that the port is closed. The connection ends, as a refused TCP
// connection does.
void Connection::datagram_refused(std::error_code error) {
  if (phase_ == Phase::open) fail(error, CloseMode::orderly);
}

}}}  // namespace evio::v0::detail
