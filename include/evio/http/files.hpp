// Files of a folder, over HTTP.
#pragma once

#include <cstddef>
#include <evio/export.hpp>
#include <evio/http/request.hpp>
#include <string>

namespace evio { inline namespace v0 { namespace http {

/// How files are served.
struct FileOptions {
  std::string index =
      "index.html";  ///< what is shown of a folder; folders without it are not found
  std::size_t chunk =
      128 << 10;    ///< bytes read at a time: what a slow client costs is a few of them
  int threads = 2;  ///< that read what is not in memory; 0: the loops read it (for simulations)
  std::string cache_control{};  ///< Cache-Control of every file; empty: none is sent
  bool dot_files =
      false;  ///< also what has a name that begins with a dot, or lies in such a folder
};

/// Answers GET and HEAD with the regular files below `root`, for a route whose rest is "*path":
///
///     router.get("/static/*path", http::files("/srv/www"));
///
/// Nothing outside of `root` is ever opened: neither `..` nor symbolic links lead out. Names that
/// begin with a dot are not found unless FileOptions::dot_files is set. Sends Last-Modified and
/// ETag and heeds If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since and If-Range. A
/// Range of one part is answered by 206 (or 416); of several, by the whole file. What the kernel
/// holds in memory is read at once, by the loop; the rest by threads, which start when they are
/// first needed. Files up to 64 KiB are compressed as Settings::gzip says.
///
/// Throws Error if `root` is no folder that can be read.
EVIO_API RequestHandler files(const std::string& root, FileOptions options = {});

}}}  // namespace evio::v0::http
