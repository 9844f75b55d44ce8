#include "rig.hpp"

#include <time.h>

#include <algorithm>
#include <utility>

#include "backend/posix/clock.hpp"

namespace evio::test {

using namespace detail;

namespace {

Duration processor_time() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

}  // namespace

Rig::Rig(const DriverKind& kind)
    : platform_(kind.make_platform()),
      waker_(platform_->make_waker()),
      driver_(platform_->make_driver(*this, *waker_)) {}

Rig::~Rig() = default;

// ---- Down calls

void Rig::open(StreamId stream, NativeSocket socket) {
  EXPECT_TRUE(alive_.insert(stream).second) << "the test's own mistake";
  logs_[stream] = {};
  outputs_[stream] = {};
  driver_->open(stream, socket);
}

void Rig::close(StreamId stream, CloseMode mode) {
  closing_.insert(stream);
  driver_->close(stream, mode);
}

void Rig::detach(StreamId stream) {
  detaching_.insert(stream);
  driver_->detach(stream);
}

bool Rig::is_open(StreamId stream) {
  const bool leaving = closing_.contains(stream) || detaching_.contains(stream);
  return alive_.contains(stream) && !leaving && !logs_[stream].gone();
}

void Rig::send(StreamId stream, std::string_view bytes, std::size_t chunk_size) {
  Output& output = outputs_[stream];
  output.bytes += bytes;
  output.chunk_size = chunk_size;
  if (output.in_flight == 0) pump(stream);
}

void Rig::pump(StreamId stream) {
  Output& output = outputs_[stream];
  while (!output.bytes.empty() && output.in_flight == 0) {
    const std::size_t most = std::max<std::size_t>(output.chunk_size * 16, 256 << 10);
    for (std::size_t at = 0; at < std::min(output.bytes.size(), most); at += output.chunk_size)
      output.pieces.push_back(output.bytes.substr(at, output.chunk_size));
    for (const std::string& piece : output.pieces) {
      output.chunks.push_back({.data = piece.data(), .size = piece.size()});
      output.in_flight += piece.size();
    }
    const std::size_t count = driver_->send(stream, output.chunks);
    if (count > 0) taken(output, count);
  }
}

// Overwrites the memory, so that a driver that still reads it is detected.
void Rig::taken(Output& output, std::size_t count) {
  EXPECT_LE(count, output.in_flight);
  for (std::string& piece : output.pieces) std::fill(piece.begin(), piece.end(), '#');
  output.pieces.clear();
  output.chunks.clear();
  output.in_flight = 0;
  output.bytes.erase(0, count);
}

Address Rig::listen(ListenerId listener, const char* url) {
  const Bound bound = platform_->bind(Address::parse(url), false, 1024, {});
  driver_->accept_from(listener, bound.socket);
  return bound.address;
}

Address Rig::bind(UdpSocketId socket, const char* url) {
  const Bound bound = platform_->bind(Address::parse(url), false, 0, {});
  driver_->bind_datagram(socket, bound.socket);
  return bound.address;
}

// ---- Polling

bool Rig::poll_at(Duration deadline) {
  polling_ = true;
  woken_ = false;
  const bool any = driver_->poll(deadline).any;
  polling_ = false;
  EXPECT_TRUE(woken_) << "on_woken is the first up call of each poll";
  return any;
}

bool Rig::poll_until(const std::function<bool()>& done, const std::function<void()>& between) {
  const Duration guard = monotonic_now() + hang_guard;
  while (!done()) {
    if (monotonic_now() > guard) {
      ADD_FAILURE() << "it does not come";
      return false;
    }
    poll(10ms);
    if (between) between();
  }
  return true;
}

void Rig::poll_until_idle() {
  for (int before = -1; before != up_calls;) {
    before = up_calls;
    idle_for(60ms);  // longer than a peer may delay its acknowledgement
  }
}

Rig::Cost Rig::idle_for(Duration time) {
  Cost cost;
  const Duration used = processor_time();
  for (const Duration end = monotonic_now() + time; monotonic_now() < end; ++cost.polls)
    poll(end - monotonic_now());
  cost.processor = processor_time() - used;
  return cost;
}

// ---- Up calls

void Rig::check_up_call() {
  EXPECT_TRUE(polling_) << "up calls come only from inside poll";
  EXPECT_TRUE(woken_) << "on_woken is the first up call of each poll";
  EXPECT_FALSE(in_up_call_) << "an up call inside a down call";
  ++up_calls;
}

void Rig::check_stream(StreamId stream) {
  check_up_call();
  EXPECT_TRUE(alive_.contains(stream)) << "an up call for a name that is not alive";
}

void Rig::run_script(Up::Kind kind, std::uint32_t name) {
  in_up_call_ = true;
  if (script) script({kind, name});
  in_up_call_ = false;
}

void Rig::on_woken() {
  EXPECT_TRUE(polling_ && !woken_) << "once in each poll";
  woken_ = true;
}

void Rig::on_accepted(ListenerId listener, NativeSocket socket, const Address& peer) {
  check_up_call();
  accepted.push_back({listener, Socket(static_cast<int>(socket.value)), peer});
  run_script(Up::accepted, static_cast<std::uint32_t>(listener));
}

void Rig::on_accept_stopped(ListenerId listener, std::error_code error) {
  check_up_call();
  accept_stops.push_back(error);
  run_script(Up::accept_stopped, static_cast<std::uint32_t>(listener));
}

void Rig::on_connected(ConnectId connect_id, NativeSocket socket) {
  check_up_call();
  EXPECT_TRUE(connected.emplace(connect_id, Socket(static_cast<int>(socket.value))).second)
      << "connected twice";
  EXPECT_FALSE(connect_failures.contains(connect_id));
  run_script(Up::connected, static_cast<std::uint32_t>(connect_id));
}

void Rig::on_connect_failed(ConnectId connect_id, std::error_code error) {
  check_up_call();
  EXPECT_TRUE(error);
  EXPECT_TRUE(connect_failures.emplace(connect_id, error).second) << "failed twice";
  EXPECT_FALSE(connected.contains(connect_id));
  run_script(Up::connect_failed, static_cast<std::uint32_t>(connect_id));
}

void Rig::on_received(StreamId stream, std::string_view bytes) {
  check_stream(stream);
  EXPECT_FALSE(bytes.empty());
  EXPECT_FALSE(logs_[stream].ended) << "the end comes behind the bytes";
  EXPECT_FALSE(closing_.contains(stream)) << "nothing but on_closed after close";
  logs_[stream].received += bytes;
  const std::string before(bytes);
  run_script(Up::received, static_cast<std::uint32_t>(stream));
  EXPECT_TRUE(same_bytes(bytes, before)) << "valid during the whole call";
}

void Rig::on_end_of_stream(StreamId stream) {
  check_stream(stream);
  EXPECT_FALSE(logs_[stream].ended) << "the end comes once";
  EXPECT_FALSE(closing_.contains(stream)) << "nothing but on_closed after close";
  logs_[stream].ended = true;
  run_script(Up::end, static_cast<std::uint32_t>(stream));
}

void Rig::on_sent(StreamId stream, std::size_t count) {
  check_stream(stream);
  EXPECT_FALSE(closing_.contains(stream)) << "nothing but on_closed after close";
  EXPECT_GT(outputs_[stream].in_flight, 0U) << "on_sent without a send in flight";
  logs_[stream].sent += count;
  taken(outputs_[stream], count);
  in_up_call_ = true;
  pump(stream);
  run_script(Up::sent, static_cast<std::uint32_t>(stream));
}

void Rig::on_datagram(UdpSocketId socket, const Datagram& datagram) {
  check_up_call();
  datagrams.push_back({socket, datagram.from, datagram.to, std::string(datagram.bytes)});
  run_script(Up::datagram, static_cast<std::uint32_t>(socket));
}

void Rig::on_datagram_refused(UdpSocketId socket, std::error_code error) {
  check_up_call();
  datagrams_refused[socket] = error;
}

void Rig::on_datagrams_sent(const DatagramTally& tally) {
  check_up_call();
  datagrams_sent.sent += tally.sent;
  datagrams_sent.bytes += tally.bytes;
  datagrams_sent.dropped += tally.dropped;
}

void Rig::on_ready(WatchId name, Interest ready) {
  check_up_call();
  readiness[name].push_back(ready);
  run_script(Up::ready, static_cast<std::uint32_t>(name));
}

// The stream's id is free once this call has returned.
void Rig::on_detached(StreamId stream, NativeSocket socket) {
  check_stream(stream);
  EXPECT_TRUE(detaching_.contains(stream) && !closing_.contains(stream))
      << "detached, but not asked to";
  logs_[stream].detached = Socket(static_cast<int>(socket.value));
  run_script(Up::detached, static_cast<std::uint32_t>(stream));
  for (std::set<StreamId>* names : {&alive_, &detaching_}) names->erase(stream);
}

void Rig::on_closed(StreamId stream, std::error_code error) {
  check_stream(stream);
  logs_[stream].closed = error;
  taken(outputs_[stream], 0);
  run_script(Up::closed, static_cast<std::uint32_t>(stream));
  for (std::set<StreamId>* names : {&alive_, &closing_, &detaching_}) names->erase(stream);
}

}  // namespace evio::test
