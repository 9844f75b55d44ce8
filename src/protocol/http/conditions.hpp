// Conditional requests and ranges (RFC 9110, sections 13 and 14).
#pragma once

#include <chrono>
#include <cstdint>
#include <evio/http/request.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace evio { inline namespace v0 { namespace http {

/// The validators of a file: they change when its content does (RFC 9110, section 8.8).
struct Validators {
  std::string etag;  // a strong ETag, with its quotes
  std::chrono::sys_seconds modified;
};

/// Evaluates the conditions of a request in the order of RFC 9110, section 13.2.2. Returns 304 or
/// 412, or 0 if the request is to be answered as usual.
int status_by_conditions(const Request& request, const Validators& validators);

/// A part of a body, in bytes.
struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;  // one past the last byte
};

/// Returns the part that the request asks for. nullopt: the whole body is to be sent, because there
/// is no valid Range, it has several parts (a server may ignore it, section 14.2), or If-Range says
/// that the content has changed. An empty range: no byte of the part exists, which is a 416.
std::optional<Range> wanted_range(const Request& request, std::uint64_t size,
                                  const Validators& validators);

}}}  // namespace evio::v0::http
