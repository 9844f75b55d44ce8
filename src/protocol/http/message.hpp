// A parsed request: views of the bytes in which it arrived.
#pragma once

#include <cstddef>
#include <cstdint>
#include <evio/http/field.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace evio { inline namespace v0 { namespace http {

/// A parameter of a route, and the part of the path that it stands for.
struct Param {
  std::string_view name;   // as the route names it
  std::string_view value;  // percent-encoded as it was sent
};

/// The header of a request. Its views refer to `bytes`, which is borrowed input at first.
struct Message {
  std::string_view bytes;  // the whole header
  std::string_view method;
  std::string_view target;
  std::string_view host;
  std::string_view path;  // without dot segments: a view of `bytes`, or of `other_path`
  std::string_view query;
  // The path if dot segments had to be removed. That is rare, so that clear() pays for a pointer.
  std::unique_ptr<std::string> other_path;
  int version = 11;
  std::vector<Field> fields;
  std::vector<Param> params;
  std::optional<std::uint64_t> length;  // Content-Length
  bool chunked = false;
  bool expects_continue = false;
  bool keep_alive = false;

  bool has_body() const noexcept { return chunked || length.value_or(0) > 0; }
  /// Resets all members but keeps the vectors' memory.
  void clear();
  /// Copies the header into `storage` and makes the views refer to it.
  void move_to(std::string& storage);
};

}}}  // namespace evio::v0::http
