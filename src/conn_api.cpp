// The functions of the public class Conn. A Conn is a stream connection or a received datagram;
// each call is forwarded to the one or the other.
#include <evio/conn.hpp>
#include <stdexcept>
#include <utility>

#include "conn.hpp"
#include "datagram.hpp"
#include "loop.hpp"
#include "server.hpp"

namespace evio { inline namespace v0 {

using namespace detail;

namespace {

constexpr const char* other_thread = "Conn; Conn::handle() returns what any thread may call";

// In debug builds this stops the program if the calling thread is not the loop's: such a call is a
// data race.
Connection& stream(Conn& conn) noexcept {
  auto& connection = static_cast<Connection&>(conn);
  connection.loop().owner().check(other_thread);
  return connection;
}
const Connection& stream(const Conn& conn) noexcept { return stream(const_cast<Conn&>(conn)); }
DatagramConn& datagram(Conn& conn) noexcept { return static_cast<DatagramConn&>(conn); }
const DatagramConn& datagram(const Conn& conn) noexcept {
  return static_cast<const DatagramConn&>(conn);
}

}  // namespace

WriteResult Conn::write(std::string_view bytes) {
  return kind_ == Kind::stream ? stream(*this).write({bytes}) : datagram(*this).write(bytes);
}

WriteResult Conn::write(std::span<const std::byte> bytes) {
  return write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

WriteResult Conn::write(std::initializer_list<std::string_view> pieces) {
  if (kind_ == Kind::stream) return stream(*this).write(pieces);
  std::string whole;
  for (const std::string_view piece : pieces) whole += piece;
  return write(whole);
}

WriteResult Conn::write(SharedBytes bytes) {
  return kind_ == Kind::stream ? stream(*this).write(std::move(bytes))
                               : datagram(*this).write(bytes.view());
}

void Conn::close() {
  if (kind_ == Kind::stream) stream(*this).close();
}
void Conn::abort() {
  if (kind_ == Kind::stream) stream(*this).abort();
}
void Conn::shutdown_write() {
  if (kind_ == Kind::stream) stream(*this).shutdown_write();
}
void Conn::pause() {
  if (kind_ == Kind::stream) stream(*this).pause();
}
void Conn::resume() {
  if (kind_ == Kind::stream) stream(*this).resume();
}
bool Conn::is_open() const noexcept { return kind_ == Kind::datagram || stream(*this).is_open(); }

Attributes& Conn::values() {
  emplaceable_context();  // refuses datagrams
  return stream(*this).values();
}

Timer Conn::run_after(Duration delay, Callback<void(Conn&)> fn) {
  return kind_ == Kind::stream ? stream(*this).run_after(delay, std::move(fn)) : Timer();
}
Timer Conn::set_deadline(Duration delay, Callback<void(Conn&)> fn) {
  return kind_ == Kind::stream ? stream(*this).set_deadline(delay, std::move(fn)) : Timer();
}
Duration Conn::idle_for() const noexcept {
  return kind_ == Kind::stream ? stream(*this).since_activity() : Duration();
}

Address Conn::local() const {
  return kind_ == Kind::stream ? stream(*this).local() : datagram(*this).local();
}
Address Conn::remote() const {
  return kind_ == Kind::stream ? stream(*this).remote() : datagram(*this).remote();
}
int Conn::address_index() const noexcept {
  return kind_ == Kind::stream ? stream(*this).address_index() : datagram(*this).address_index();
}
std::size_t Conn::pending_output() const noexcept {
  return kind_ == Kind::stream ? stream(*this).pending_output() : 0;
}
std::size_t Conn::pending_input() const noexcept {
  return kind_ == Kind::stream ? stream(*this).pending_input() : 0;
}
const Limits& Conn::limits() const noexcept {
  return kind_ == Kind::stream ? stream(*this).limits() : datagram(*this).limits();
}
void Conn::set_held(std::size_t bytes) {
  if (kind_ == Kind::stream) stream(*this).set_held(bytes);
}
void Conn::set(const Options& options) {
  if (kind_ == Kind::stream) stream(*this).set(options);
}
Handle Conn::handle() {
  return HandleBlock::handle(kind_ == Kind::stream ? stream(*this).handle_block()
                                                   : datagram(*this).handle_block());
}
Loop& Conn::loop() const noexcept {
  return kind_ == Kind::stream ? stream(*this).loop() : datagram(*this).loop();
}
Server& Conn::server() const noexcept { return loop().server(); }
std::uint64_t Conn::id() const noexcept { return kind_ == Kind::stream ? stream(*this).id() : 0; }
int Conn::native_handle() const noexcept {
  return kind_ == Kind::stream ? static_cast<int>(stream(*this).native().value) : -1;
}

// A datagram has no context. All of them share one that is never changed, and never destroyed
// because threads may still run after main has returned.
Context& Conn::user_context() noexcept {
  static Context& none = *new Context;
  return kind_ == Kind::stream ? stream(*this).context() : none;
}
Context& Conn::emplaceable_context() {
  if (kind_ == Kind::datagram)
    throw std::logic_error("evio: a datagram has no context; store one for each remote() yourself");
  return stream(*this).context();
}

}}  // namespace evio::v0
