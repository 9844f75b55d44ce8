// Conditional requests and ranges (RFC 9110, sections 13 and 14).
#pragma once

#include <chrono>
#include <cstdint>
#include <evio/http/request.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace evio { inline namespace v0 { namespace http {

/// What stands for a file's content.
struct Validators {
  std::string etag;  // strong, with its quotes
  std::chrono::sys_seconds modified;
};

/// 304 or 412 if the request's conditions say so; 0: go on.
int status_by_conditions(const Request& request, const Validators& validators);

/// A part of a body of some size.
struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// What part the request wants: nothing if it wants all, or several parts, or something else; an
/// empty range if no byte of it exists.
std::optional<Range> wanted_range(const Request& request, std::uint64_t size,
                                  const Validators& validators);

}}}  // namespace evio::v0::http
