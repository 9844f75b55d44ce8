// Private. The small words of HTTP: tokens, field values, hosts, lists.
#pragma once

#include <string>
#include <string_view>

namespace evio::inline v1::http {

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
/// The next member of a comma-separated list, taken from its front; empty members are skipped. Empty at its end.
std::string_view next_member(std::string_view& list) noexcept;
bool lists(std::string_view list, std::string_view member) noexcept;
/// Whether pred(member) holds for a member of a comma-separated field of the request; fields of that name are one list.
template <class Request, class Pred>
bool any_member(const Request& request, std::string_view name, Pred pred) {
  for (const auto& field : request.fields()) {
    if (!iequals(field.name, name)) continue;
    std::string_view list = field.value;
    for (std::string_view each = next_member(list); !each.empty(); each = next_member(list))
      if (pred(each)) return true;
  }
  return false;
}
/// What `text` says once %XX is decoded; what is no such triplet stays.
std::string percent_decoded(std::string_view text);
/// "Not Found" for 404; "Unknown" for a status without a name.
std::string_view reason_of(int status) noexcept;

}  // namespace evio::inline v1::http
