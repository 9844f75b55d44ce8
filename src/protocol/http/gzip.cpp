// Compresses bodies with zlib.
#include "protocol/http/gzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>
#include <optional>

#include "protocol/http/syntax.hpp"

namespace evio { inline namespace v0 { namespace http {

bool is_compressible(std::string_view content_type) noexcept {
  constexpr std::array<std::string_view, 6> others{
      "application/json", "application/javascript", "application/xml",
      "application/wasm", "application/xhtml+xml",  "image/svg+xml"};
  const std::string_view type = trimmed(content_type.substr(0, content_type.find(';')));
  if (iequals(type, "text/event-stream")) return false;
  return iequals(type.substr(0, 5), "text/") ||
         std::ranges::any_of(others, [&](std::string_view each) { return iequals(type, each); });
}

namespace {

// The quality value of a member of Accept-Encoding, in thousandths (RFC 9110, section 12.4.2).
int weight(std::string_view member) noexcept {
  constexpr int whole = 1000;
  const std::size_t semicolon = std::min(member.find(';'), member.size());
  std::string_view q = trimmed(member.substr(std::min(semicolon + 1, member.size())));
  if (!iequals(q.substr(0, 2), "q=")) return whole;
  q.remove_prefix(2);
  int value = q.starts_with('1') ? whole : 0;
  int place = whole / 10;
  for (std::size_t i = 2; i < q.size() && value < whole; ++i, place /= 10)
    if (q[i] >= '0' && q[i] <= '9') value += (q[i] - '0') * place;
  return value;
}

}  // namespace

bool accepts_gzip(const Request& request) noexcept {
  std::optional<int> gzip, others, identity;
  any_member(request, "Accept-Encoding", [&](std::string_view each) {
    const std::string_view coding = trimmed(each.substr(0, each.find(';')));
    if (iequals(coding, "gzip") || iequals(coding, "x-gzip")) gzip = weight(each);
    if (coding == "*") others = weight(each);
    if (iequals(coding, "identity")) identity = weight(each);
    return false;
  });
  // gzip is used if it is accepted at least as much as the uncompressed form.
  const int wanted = gzip.value_or(others.value_or(0));
  return wanted > 0 && wanted >= identity.value_or(0);
}

struct Gzip::Stream {
  z_stream z{};
};

Gzip::Gzip() : stream_(std::make_unique<Stream>()) {
  constexpr int gzip_window = 15 + 16;  // zlib: 16 asks for gzip's header and trailer
  if (deflateInit2(&stream_->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window, 8,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
}

Gzip::~Gzip() { deflateEnd(&stream_->z); }

void Gzip::compress(std::string_view bytes, bool last, std::string& to) {
  constexpr std::size_t part_max = 1 << 30;  // zlib counts in 32 bits
  for (; bytes.size() > part_max; bytes.remove_prefix(part_max))
    feed(bytes.substr(0, part_max), Z_NO_FLUSH, to);
  feed(bytes, last ? Z_FINISH : Z_SYNC_FLUSH, to);
  if (last) deflateReset(&stream_->z);
}

void Gzip::feed(std::string_view bytes, int flush, std::string& to) {
  z_stream& z = stream_->z;
  z.next_in =
      reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib does not write there
  z.avail_in = static_cast<uInt>(bytes.size());
  std::array<char, 16 << 10> out;
  do {
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = out.size();
    deflate(&z, flush);
    to.append(out.data(), out.size() - z.avail_out);
  } while (z.avail_out == 0);
}

}}}  // namespace evio::v0::http
