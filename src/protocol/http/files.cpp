// Serves the files of a directory over HTTP.
#include <algorithm>
#include <array>
#include <evio/error.hpp>
#include <evio/http/files.hpp>
#include <evio/http/response.hpp>
#include <evio/shared_bytes.hpp>
#include <memory>
#include <utility>

#include "protocol/http/conditions.hpp"
#include "protocol/http/date.hpp"
#include "protocol/http/file_access.hpp"
#include "protocol/http/file_threads.hpp"
#include "protocol/http/gzip.hpp"
#include "protocol/http/syntax.hpp"

namespace evio { inline namespace v0 { namespace http {

namespace {

// The Content-Type of a file, by its name's extension. An unknown one is not guessed from the
// content, because a guess could make a browser run an uploaded file as a script.
std::string_view type_of(std::string_view path) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 24> types{{
      {"html", "text/html; charset=utf-8"},
      {"htm", "text/html; charset=utf-8"},
      {"css", "text/css; charset=utf-8"},
      {"js", "text/javascript; charset=utf-8"},
      {"mjs", "text/javascript; charset=utf-8"},
      {"txt", "text/plain; charset=utf-8"},
      {"md", "text/markdown; charset=utf-8"},
      {"csv", "text/csv; charset=utf-8"},
      {"json", "application/json"},
      {"map", "application/json"},
      {"xml", "application/xml"},
      {"wasm", "application/wasm"},
      {"pdf", "application/pdf"},
      {"svg", "image/svg+xml"},
      {"png", "image/png"},
      {"jpg", "image/jpeg"},
      {"jpeg", "image/jpeg"},
      {"gif", "image/gif"},
      {"webp", "image/webp"},
      {"ico", "image/x-icon"},
      {"woff2", "font/woff2"},
      {"mp4", "video/mp4"},
      {"mp3", "audio/mpeg"},
      {"zip", "application/zip"},
  }};
  const std::size_t dot = path.rfind('.');
  if (dot != path.npos)
    for (const auto& [extension, type] : types)
      if (iequals(path.substr(dot + 1), extension)) return type;
  return "application/octet-stream";
}

std::string hex(std::uint64_t number) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (; number > 0 || text.empty(); number /= 16) text.insert(text.begin(), digits[number % 16]);
  return text;
}

// The status for a file that cannot be opened. 404 means that it does not exist, and caches
// remember that; a lack of descriptors or memory is temporary and must be a 503.
int refusal_by(std::error_code error) {
  constexpr std::array passing{
      std::errc::too_many_files_open, std::errc::too_many_files_open_in_system,
      std::errc::not_enough_memory, std::errc::resource_unavailable_try_again};
  if (error == std::errc::permission_denied) return 403;
  if (error == std::errc::io_error) return 500;
  return std::ranges::any_of(passing, [&](std::errc each) { return error == each; }) ? 503 : 404;
}

// The ETag changes with the modification time and the size. Reading the content for a hash would
// cost as much as sending it.
Validators validators_of(const FileStatus& status) {
  const auto modified = static_cast<std::uint64_t>(status.modified.time_since_epoch().count());
  return {.etag = '"' + hex(modified) + '-' + hex(status.size) + '"',
          .modified = std::chrono::floor<std::chrono::seconds>(status.modified)};
}

// The validators as this client has them: an answer that was compressed had a weak ETag, and a 304
// must repeat the ETag of that answer (RFC 9110, section 15.4.5).
Validators known_to(const Request& request, Validators validators) {
  const std::string weak = "W/" + validators.etag;
  const bool names_weak =
      any_tag(request, "If-None-Match", [&](std::string_view each) { return each == weak; });
  if (names_weak && accepts_gzip(request)) validators.etag = weak;
  return validators;
}

/// Reads a part of a file, chunk by chunk, as the producer of one answer. It runs on the loop's
/// thread, except for reads that would wait for the disk: those run on a file thread, which posts
/// the chunk back through the answer's handle. Only one of the two uses it at a time: while waits_
/// is set, the loop does nothing.
class Reading : public std::enable_shared_from_this<Reading> {
 public:
  Reading(Descriptor file, Range range, std::size_t chunk, FileThreads& threads,
          ResponseHandle answer)
      : file_(std::move(file)),
        at_(range.begin),
        end_(range.end),
        chunk_(chunk),
        threads_(threads),
        answer_(std::move(answer)) {}

  void produce(Response& response) {
    // A failed read ends the answer before its length is reached, so that the connection closes and
    // the client notices.
    while (!waits_) {
      if (at_ == end_ || failed_) return response.end();
      if (next_.size() == 0 && !read_at_once()) return read_elsewhere();
      at_ += next_.size();
      if (!response.write(std::exchange(next_, SharedBytes()))) return;
    }
  }

 private:
  struct Chunk {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
    std::error_code error{};
  };

  Chunk read(Timeout timeout) const {
    const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_, end_ - at_));
    Chunk chunk{.bytes = std::unique_ptr<char[]>(new char[size])};
    chunk.size = read_at(file_, at_, chunk.bytes.get(), size, timeout, chunk.error);
    return chunk;
  }

  void take(Chunk chunk) {
    const char* bytes = chunk.bytes.get();
    next_ = SharedBytes(std::shared_ptr<const char[]>(std::move(chunk.bytes)),
                        std::string_view(bytes, chunk.size));
  }

  bool read_at_once() {
    Chunk chunk = read(Timeout::at_once);
    if (chunk.size == 0) return false;
    take(std::move(chunk));
    return true;
  }

  void read_elsewhere() {
    waits_ = true;
    threads_.run([self = shared_from_this()] {
      self->answer_.post(
          [self, chunk = self->read(Timeout::as_long_as_it_takes)](Response&) mutable {
            self->waits_ = false;
            self->failed_ = chunk.size == 0;  // an error, or the file has become shorter
            self->take(std::move(chunk));
          });
    });
  }

  const Descriptor file_;
  std::uint64_t at_;
  const std::uint64_t end_;
  const std::size_t chunk_;
  FileThreads& threads_;  // belongs to the handler, which outlives the connections
  const ResponseHandle answer_;
  SharedBytes next_;
  bool waits_ = false;
  bool failed_ = false;
};

// The handler of one directory. Used by all loops at the same time: it does not change.
class Files {
 public:
  Files(const std::string& root, FileOptions options)
      : options_(std::move(options)), threads_(options_.threads) {
    std::error_code error;
    root_ = open_folder(root, error);
    if (error) throw Error(error, root, "not a directory whose files can be served");
  }

  void answer(Request& request, Response& response) {
    std::string path = request.param("path");
    if (!names_a_file(path)) return response.send(404);
    if (path.empty() || path.ends_with('/')) path += options_.index;
    std::error_code error;
    // Opening may need directory entries that are not in memory. Then a file thread does it.
    Descriptor file = open_below(root_, path, Timeout::at_once, error);
    if (error != std::errc::resource_unavailable_try_again)
      return answer(response, path, std::move(file), error);
    threads_.run([this, path = std::move(path), later = response.handle()] {
      std::error_code why;
      Descriptor opened = open_below(root_, path, Timeout::as_long_as_it_takes, why);
      later.post([this, path, why, file = std::move(opened)](Response& to) mutable {
        answer(to, path, std::move(file), why);
      });
    });
  }

 private:
  void answer(Response& response, const std::string& path, Descriptor file, std::error_code error) {
    FileStatus status;
    if (!error) status = status_of(file, error);
    if (error) return response.send(refusal_by(error));
    // Relative links in the index file need the slash at the end.
    if (status.is_folder && !response.request().path().ends_with('/')) return redirect(response);
    if (!status.is_regular) return response.send(404);
    const Validators validators = validators_of(status);
    const std::string_view type = type_of(path);
    const int decided = status_by_conditions(response.request(), validators);
    if (decided == 304) {
      add_fields(response, type, known_to(response.request(), validators));
      return response.status(304).end();
    }
    if (decided != 0) return response.send(decided);
    const auto range = wanted_range(response.request(), status.size, validators);
    if (range && range->begin == range->end) {
      response.add("Content-Range", "bytes */" + std::to_string(status.size));
      return response.send(416);
    }
    add_fields(response, type, validators);
    if (range)
      response.status(206).add("Content-Range", "bytes " + std::to_string(range->begin) + "-" +
                                                    std::to_string(range->end - 1) + "/" +
                                                    std::to_string(status.size));
    send(response, type, std::move(file), range.value_or(Range{0, status.size}));
  }

  // Whether a path may name a file. A null byte would end the name that the kernel sees, and a path
  // that begins with a slash is absolute.
  bool names_a_file(std::string_view path) const {
    if (path.find('\0') != path.npos || path.starts_with('/')) return false;
    return options_.dot_files || (!path.starts_with('.') && path.find("/.") == path.npos);
  }

  static void redirect(Response& response) {
    const Request& request = response.request();
    std::string to(request.path());
    to += '/';
    if (!request.query().empty()) to.append("?").append(request.query());
    while (to.starts_with("//")) to.erase(0, 1);  // a browser would read "//name" as a host
    response.add("Location", to);
    response.send(301);
  }

  void add_fields(Response& response, std::string_view type, const Validators& validators) const {
    response.add("Last-Modified", date_text(validators.modified));
    response.add("ETag", validators.etag);
    response.add("Accept-Ranges", "bytes");
    if (is_compressible(type))
      response.add("Vary", "Accept-Encoding");  // for a 206 and a 304, too, as for the whole file
    if (!options_.cache_control.empty()) response.add("Cache-Control", options_.cache_control);
  }

  void send(Response& response, std::string_view type, Descriptor file, Range range) {
    const std::uint64_t size = range.end - range.begin;
    // A small file is one body: it can be compressed, and needs no producer.
    if (size <= small) {
      std::array<char, small> bytes;
      std::error_code error;
      const std::size_t read = read_at(file, range.begin, bytes.data(),
                                       static_cast<std::size_t>(size), Timeout::at_once, error);
      if (read == size) return response.send(type, std::string_view(bytes.data(), read));
    }
    response.type(type).length(size);
    if (response.request().method() == "HEAD") return response.end();
    const auto reading = std::make_shared<Reading>(std::move(file), range, options_.chunk, threads_,
                                                   response.handle());
    response.produce([reading](Response& to) { reading->produce(to); });
  }

  static constexpr std::size_t small = 64 << 10;  // bytes that are sent as one body

  const FileOptions options_;
  Descriptor root_;
  FileThreads threads_;
};

}  // namespace

RequestHandler files(const std::string& root, FileOptions options) {
  return [files = std::make_shared<Files>(root, std::move(options))](
             Request& request, Response& response) { files->answer(request, response); };
}

}}}  // namespace evio::v0::http
