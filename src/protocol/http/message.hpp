// A request as its parser found it: views of the bytes that it came in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <evio/http/field.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace evio { inline namespace v0 { namespace http {

/// A parameter of a path, as it was sent.
struct Param {
  std::string_view name;  // the route's
  std::string_view value;
};

struct Message {
  std::string_view bytes;  // the whole header, which the other views look into
  std::string_view method;
  std::string_view target;
  std::string_view host;
  std::string_view path;  // a normal one: looks into `bytes`, or is `other_path`
  std::string_view query;
  std::string other_path;
  int version = 11;
  std::vector<Field> fields;
  std::vector<Param> params;
  std::optional<std::uint64_t> length;  // of the body, when it is told
  bool chunked = false;
  bool expects_continue = false;
  bool keep_alive = false;

  bool has_body() const noexcept { return chunked || length.value_or(0) > 0; }
  void clear();
  /// From now on the views look into `storage`, which gets a copy of the header.
  void move_to(std::string& storage);
};

}}}  // namespace evio::v0::http
