// Conditional requests and ranges (RFC 9110, sections 13 and 14).
#include "protocol/http/conditions.hpp"

#include <algorithm>
#include <charconv>

#include "protocol/http/date.hpp"
#include "protocol/http/syntax.hpp"

namespace evio { inline namespace v0 { namespace http {

namespace {

// Whether a list of entity tags has this one. If-None-Match compares weakly and If-Match strongly
// (RFC 9110, section 8.8.3.2): a weak tag does not promise equal bytes.
bool is_one_of(const Request& request, std::string_view name, const std::string& etag,
               bool weakly) {
  return any_tag(request, name, [&](std::string_view each) {
    if (weakly && each.starts_with("W/")) each.remove_prefix(2);
    return each == etag || each == "*";
  });
}

// A decimal number. One that is too large becomes the largest number, which is beyond any file too.
std::optional<std::uint64_t> number(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || end != digits.data() + digits.size()) return std::nullopt;
  return error == std::errc() ? value : UINT64_MAX;
}

// A range of the form "first-last", "first-" or "-length".
std::optional<Range> parsed(std::string_view spec, std::uint64_t size) {
  const std::size_t dash = spec.find('-');
  if (dash == spec.npos) return std::nullopt;
  const auto first = number(spec.substr(0, dash)), last = number(spec.substr(dash + 1));
  if (dash == 0) {
    if (!last || (size == 0 && *last > 0)) return std::nullopt;
    return Range{size - std::min(*last, size), size};
  }
  if (!first || (!last && dash + 1 < spec.size()) || (last && *last < *first)) return std::nullopt;
  if (*first >= size) return Range{};
  return Range{*first, last && *last < size ? *last + 1 : size};
}

}  // namespace

int status_by_conditions(const Request& request, const Validators& validators) {
  // A date that cannot be parsed is ignored, as if the field were not there.
  const auto newer_than = [&](std::string_view field) {
    const auto date = parse_date(request.field(field));
    return !date || validators.modified > *date;
  };
  if (request.has_header("If-Match")) {
    if (!is_one_of(request, "If-Match", validators.etag, false)) return 412;
  } else if (request.has_header("If-Unmodified-Since")) {
    if (parse_date(request.field("If-Unmodified-Since")) && newer_than("If-Unmodified-Since"))
      return 412;
  }
  if (request.has_header("If-None-Match"))
    return is_one_of(request, "If-None-Match", validators.etag, true) ? 304 : 0;
  return request.has_header("If-Modified-Since") && !newer_than("If-Modified-Since") ? 304 : 0;
}

std::optional<Range> wanted_range(const Request& request, std::uint64_t size,
                                  const Validators& validators) {
  const std::string_view field = request.field("Range");
  if (field.size() < 6 || !iequals(field.substr(0, 6), "bytes=") || request.method() != "GET")
    return std::nullopt;
  if (request.has_header("If-Range")) {
    const std::string_view condition = request.field("If-Range");
    if (condition != validators.etag && parse_date(condition) != validators.modified)
      return std::nullopt;
  }
  std::string_view list = field.substr(6);
  const std::string_view first = next_member(list);
  if (first.empty() || !next_member(list).empty()) return std::nullopt;
  return parsed(first, size);
}

}}}  // namespace evio::v0::http
