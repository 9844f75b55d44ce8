// Compressing bodies, by zlib.
#include "protocol/http/gzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>

#include "protocol/http/syntax.hpp"

namespace evio::inline v1::http {

bool is_compressible(std::string_view content_type) noexcept {
  constexpr std::array<std::string_view, 6> others{"application/json", "application/javascript", "application/xml",
                                                   "application/wasm", "application/xhtml+xml",  "image/svg+xml"};
  const std::string_view type = trimmed(content_type.substr(0, content_type.find(';')));
  if (type == "text/event-stream") return false;
  return type.starts_with("text/") || std::ranges::find(others, type) != others.end();
}

bool accepts_gzip(const Request& request) noexcept {
  bool accepted = false;  // as "*" has it, if gzip is not named
  any_member(request, "Accept-Encoding", [&](std::string_view each) {
    const std::string_view coding = trimmed(each.substr(0, each.find(';')));
    const bool named = iequals(coding, "gzip") || iequals(coding, "x-gzip");
    if (!named && coding != "*") return false;
    const std::size_t q = each.find_first_of("qQ", each.find(';'));
    accepted = q == each.npos || each.find_first_of("123456789", q) != each.npos;
    return named;
  });
  return accepted;
}

struct Gzip::Stream {
  z_stream z{};
};

Gzip::Gzip() : stream_(std::make_unique<Stream>()) {
  constexpr int gzip_window = 15 + 16;
  if (deflateInit2(&stream_->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
}

Gzip::~Gzip() { deflateEnd(&stream_->z); }

void Gzip::compress(std::string_view bytes, bool last, std::string& to) {
  z_stream& z = stream_->z;
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib does not write there
  z.avail_in = static_cast<uInt>(bytes.size());
  std::array<char, 16 << 10> out;
  do {
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = out.size();
    deflate(&z, last ? Z_FINISH : Z_SYNC_FLUSH);
    to.append(out.data(), out.size() - z.avail_out);
  } while (z.avail_out == 0);
  if (last) deflateReset(&z);
}

}  // namespace evio::inline v1::http
