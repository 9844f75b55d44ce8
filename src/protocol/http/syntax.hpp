// The small words of HTTP: tokens, field values, hosts, lists.
#pragma once

#include <string>
#include <string_view>

namespace evio { inline namespace v0 { namespace http {

bool is_token(std::string_view text) noexcept;
/// No control characters but tabs: what may stand behind a field's colon.
bool is_field_value(std::string_view text) noexcept;
/// What may stand in Host: a name or address, perhaps a port; empty too.
bool is_host(std::string_view text) noexcept;
/// What names a server in a URL: the same, but not empty.
bool is_authority(std::string_view text) noexcept;
bool iequals(std::string_view a, std::string_view b) noexcept;
/// Without blanks around it.
std::string_view trimmed(std::string_view text) noexcept;
/// The next member of a comma-separated list, taken from its front; empty members are skipped.
/// Empty at its end.
std::string_view next_member(std::string_view& list) noexcept;
/// The same for entity tags, which may have commas between their quotes.
std::string_view next_tag(std::string_view& list) noexcept;
bool has_token(std::string_view list, std::string_view member) noexcept;
/// Whether pred(member) holds for a member of a comma-separated field of the request; fields of
/// that name are one list.
template <class Request, class Pred>
bool any_member(const Request& request, std::string_view name, Pred pred,
                std::string_view (*next)(std::string_view&) noexcept = next_member) {
  for (const auto& field : request.fields()) {
    if (!iequals(field.name, name)) continue;
    std::string_view list = field.value;
    for (std::string_view each = next(list); !each.empty(); each = next(list))
      if (pred(each)) return true;
  }
  return false;
}
/// The same for a list of entity tags.
template <class Request, class Pred>
bool any_tag(const Request& request, std::string_view name, Pred pred) {
  return any_member(request, name, pred, next_tag);
}
/// What `text` says once %XX is decoded; what is no such triplet stays.
std::string percent_decoded(std::string_view text);
/// Whether a path has no segment that is "." or "..", percent-encoded or not.
bool is_normal_path(std::string_view path) noexcept;
/// The path that it stands for (RFC 3986, section 6.2.2.3), so that all read it in one way: "/a"
/// for "/./x/%2e%2e/a".
std::string normal_path(std::string_view path);
/// "Not Found" for 404; "Unknown" for a status without a name.
std::string_view reason_of(int status) noexcept;

}}}  // namespace evio::v0::http
