// A request handler that serves the files of a directory.
#pragma once

#include <cstddef>
#include <evio/export.hpp>
#include <evio/http/request.hpp>
#include <string>

namespace evio { inline namespace v0 { namespace http {

/// How files are served.
struct FileOptions {
  /// The file that is served for a directory. A directory without it is answered with 404; there
  /// are no directory listings.
  std::string index = "index.html";
  /// Bytes read at a time from a file of more than 64 KiB. A slow client costs a few chunks of
  /// memory.
  std::size_t chunk = 128 << 10;
  /// How many threads read what the kernel does not have in memory, so that a loop never waits for
  /// a disk. 0: the loops read it themselves, which simulations need.
  int threads = 2;
  /// The value of Cache-Control for every file. Empty: the field is not sent.
  std::string cache_control{};
  /// Whether files whose path has a segment that begins with a dot are served. By default they are
  /// answered with 404, so that `.git` or `.env` are not published by mistake.
  bool dot_files = false;
};

/// Makes a handler that answers GET and HEAD with the regular files below `root`, for a route that
/// ends in "*path":
///
///     router.get("/static/*path", http::files("/srv/www"));
///
/// No file outside of `root` is ever opened: neither `..` nor a symbolic link leads out of it
/// (openat2(2), RESOLVE_BENEATH). Last-Modified and ETag are sent. If-Match, If-None-Match,
/// If-Modified-Since, If-Unmodified-Since and If-Range are evaluated (RFC 9110, section 13). A
/// Range request for one part is answered with 206 or 416 (section 14); one for several parts gets
/// the whole file.
///
/// What the kernel has in memory is read at once on the loop's thread. Everything else is read on
/// FileOptions::threads, which start when they are first needed. Files of up to 64 KiB are
/// compressed as Settings::gzip says; larger ones are sent as they are.
///
/// The handler may be used by several loops. Throws Error if `root` cannot be opened as a
/// directory.
EVIO_API RequestHandler files(const std::string& root, FileOptions options = {});

}}}  // namespace evio::v0::http
